"""An import that was broken off is run again: each record is there once, and what is there is soon
passed over."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import delete
from sqlmodel import col

from server.db import Database
from server.importing.outside.ledger import FILE, Ledger
from server.importing.outside.mapped import MappedTables
from server.importing.outside.refused import Report
from server.importing.outside.running import Intake, TakenIn, take_in
from server.importing.outside.sources import Wishes
from server.ingest.storing import ingest
from server.records.continuous_ratings import ContinuousRating
from tests.command import hyperdata

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]

ROWS = 40_000

INGEST = "server.importing.outside.running.ingest"
"""Where batches are looked at record by record."""

MAPPING = """
dataType = "CONTINUOUS_RATINGS"
experimentId = "exp_pilot"
start = "2026-03-01T09:00:00Z"
[fields]
roomId = "room"
participantId = "who"
onset = "ms"
value = "value"
"""


def table(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write a table, in which one row of 5,000 is refused, and its mapping."""
    path, mapping = folder / "slider.csv", folder / "mapping.toml"
    mapping.write_text(MAPPING)
    with path.open("w") as lines:
        lines.write("room,who,ms,value\n")
        for n in range(rows):
            value = 2 if n == 7_000 else n % 100 / 100
            lines.write(f"room_{n // 20_000},p{n // 10_000},{n * 100},{value}\n")
    return path, mapping


def stored(folder: Path) -> tuple[int, int]:
    """Return how many records are stored, and how many of them have ids of their own."""
    path = folder / "hyperdata.db"
    if not path.exists():
        return 0, 0
    with closing(sqlite3.connect(path)) as db:
        try:
            [row] = db.execute("SELECT count(*), count(DISTINCT rating_id) FROM continuous_rating")
        except sqlite3.OperationalError:  # it is only being made
            return 0, 0
    count, distinct = row
    return count, distinct


def test_what_was_killed_in_the_middle_goes_on(tmp_path: Path) -> None:
    path, mapping = table(tmp_path, ROWS)
    command = ["import", str(path), "--mapping", str(mapping), "--data-dir", str(tmp_path)]
    running_ = subprocess.Popen([sys.executable, "-m", "server", *command])
    deadline = time.monotonic() + 120
    while stored(tmp_path)[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(running_.pid, signal.SIGKILL)
    running_.wait()
    left, _ = stored(tmp_path)
    assert 0 < left < ROWS - 1

    ran = hyperdata(*command)

    assert ran.returncode == 3, ran.stderr
    assert f"{ROWS - 1 - left:,} records are new, {left:,} were there already, 1 were" in ran.stdout
    assert stored(tmp_path) == (ROWS - 1, ROWS - 1)


async def imported(db: Database, folder: Path, *, dry_run: bool = False) -> TakenIn:
    """Import the table."""
    source = MappedTables(folder / "slider.csv", folder / "mapping.toml", Wishes())
    intake = Intake(db, Ledger(folder / FILE), dry_run=dry_run)
    return await take_in(intake, source, Wishes(), lambda more: None, Report())


async def test_what_is_there_is_passed_over_unless_something_of_it_is_gone(
    any_other: Database, tmp_path: Path
) -> None:
    table(tmp_path, 15_000)
    first = await imported(any_other, tmp_path)
    with patch(INGEST, side_effect=ingest) as looked:
        again = await imported(any_other, tmp_path)
        assert looked.await_count == 1  # the one with a row that is refused
    async with any_other.write() as tx:
        onset = col(ContinuousRating.onset)
        await tx.execute(delete(ContinuousRating).where(onset == 1_200_000))
    with patch(INGEST, side_effect=ingest) as looked:
        mended = await imported(any_other, tmp_path)
        assert looked.await_count == 2

    assert (first.stored, first.unchanged, first.report.count) == (14_999, 0, 1)
    assert (again.stored, again.unchanged, again.report.count) == (0, 14_999, 1)
    assert (mended.stored, mended.unchanged, mended.report.count) == (1, 14_998, 1)


async def test_what_was_changed_in_the_file_is_not_passed_over(
    other: Database, tmp_path: Path
) -> None:
    path, _ = table(tmp_path, 6_000)
    await imported(other, tmp_path)

    path.write_text(path.read_text().replace("p0,100,0.01", "p0,100,0.02"))
    again = await imported(other, tmp_path)

    assert (again.stored, again.unchanged, again.report.count) == (0, 5_999, 1)


async def test_a_dry_run_notes_nothing(other: Database, tmp_path: Path) -> None:
    table(tmp_path, 100)

    tried = await imported(other, tmp_path, dry_run=True)
    real = await imported(other, tmp_path)

    assert (tried.stored, real.stored) == (100, 100)
