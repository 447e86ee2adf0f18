"""The demo data as a whole: repeatable, whole or not at all, of any size."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from server import timestamps
from server.db import Database
from server.errors import BadUserInput
from server.migrate import migrate
from tests.demo_data import DYADS, TABLES, dump, files, filled, rows

INDEXES = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"


def test_the_same_seed_gives_the_same_rows_and_files_in_another_process(
    demo: Path, tmp_path: Path
) -> None:
    again = "import sys, pathlib, tests.demo_data as it; it.filled(pathlib.Path(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", again, str(tmp_path)],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        check=True,
    )
    assert dump(tmp_path) == dump(demo)
    assert files(tmp_path) == files(demo)


def test_another_seed_gives_other_people(demo: Path, tmp_path: Path) -> None:
    filled(tmp_path, seed=2)
    ids = "SELECT participant_id FROM participant"
    here, there = ({row[0] for row in rows(folder, ids)} for folder in (demo, tmp_path))
    assert not here & there


def test_there_are_three_experiments_of_one_two_and_four_in_a_room(demo: Path) -> None:
    found = rows(
        demo,
        """SELECT e.experiment_id, e.status, count(DISTINCT r.id) AS rooms,
        count(*) * 1.0 / count(DISTINCT r.id) AS seats FROM experiment e
        JOIN room r ON r.experiment_key = e.id JOIN participant p ON p.room_key = r.id
        GROUP BY e.id""",
    )
    assert {row["experiment_id"] for row in found} == {DYADS, "exp_groupchat01", "exp_solorating01"}
    assert {row["status"] for row in found} == {"ACTIVE", "COMPLETED", "ARCHIVED"}
    assert {row["seats"] for row in found} == {1, 2, 4}
    assert sum(row["rooms"] for row in found) >= 12


def test_the_scale_multiplies_the_rooms_of_two_and_all_that_is_in_them(
    demo: Path, tmp_path: Path
) -> None:
    filled(tmp_path, scale=3)
    count = "SELECT count(*) FROM room WHERE room_id LIKE 'room_dyadvideo01_%'"
    assert rows(tmp_path, count)[0][0] == 3 * rows(demo, count)[0][0]
    in_dyads = """SELECT count(*) FROM continuous_rating x JOIN experiment e
        ON e.id = x.experiment_key WHERE e.experiment_id = 'exp_dyadvideo01'"""
    assert rows(tmp_path, in_dyads)[0][0] > 3 * rows(demo, in_dyads)[0][0]
    assert not rows(tmp_path, "PRAGMA foreign_key_check")


def test_every_record_belongs_to_a_participant_and_every_index_is_back(
    demo: Path, tmp_path: Path
) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'demo.db'}")

    async def make() -> None:
        await migrate(db)
        await db.close()

    asyncio.run(make())
    assert not rows(demo, "PRAGMA foreign_key_check")
    assert rows(demo, "PRAGMA integrity_check")[0][0] == "ok"
    assert [tuple(r) for r in rows(demo, INDEXES)] == [tuple(r) for r in rows(tmp_path, INDEXES)]


def test_public_ids_have_their_form_and_none_comes_twice(demo: Path) -> None:
    for table, column, prefix in (
        ("event", "event_id", "evt"),
        ("recording", "recording_id", "rec"),
        ("chat_message", "message_id", "msg"),
        ("continuous_rating", "rating_id", "rat"),
        ("sparse_rating", "rating_id", "rat"),
        ("sync_metric", "metric_id", "syn"),
    ):
        ids = [row[0] for row in rows(demo, f"SELECT {column} FROM {table}")]
        assert all(re.fullmatch(rf"{prefix}_[0-9A-Za-z]+", each) for each in ids)
        assert len(set(ids)) == len(ids) > 0
    people = [row[0] for row in rows(demo, "SELECT participant_id FROM participant")]
    assert all(re.fullmatch(r"[A-Za-z0-9]{28}", each) for each in people)


@pytest.mark.parametrize("table", TABLES)
def test_timestamps_are_the_experiment_start_plus_the_onset_in_2026(demo: Path, table: str) -> None:
    first, last = (timestamps.parse(f"{year}-01-01T00:00:00Z") for year in (2026, 2027))
    wrong = rows(
        demo,
        f"""SELECT x.id FROM {table} x JOIN room r ON r.id = x.room_key
        WHERE x.timestamp <> r.experiment_start + x.onset
        OR x.timestamp NOT BETWEEN {first} AND {last}""",
    )
    assert rows(demo, f"SELECT id FROM {table} LIMIT 1")
    assert not wrong


def test_filling_what_is_not_empty_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    before = dump(tmp_path)
    with pytest.raises(BadUserInput, match="database of its own"):
        filled(tmp_path)
    assert dump(tmp_path) == before


def test_a_fill_that_fails_leaves_the_database_empty(tmp_path: Path) -> None:
    not_a_folder = tmp_path / "storage"
    not_a_folder.write_text("in the way")
    with pytest.raises(OSError, match="storage"):
        filled(tmp_path, storage=not_a_folder)
    assert not rows(tmp_path, 'SELECT id FROM "user"')
    assert rows(tmp_path, INDEXES + " LIMIT 1 OFFSET 40")  # dropped, and rolled back
