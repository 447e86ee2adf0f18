"""Servers that stop, die or sleep, and what they leave behind."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from server.db import Database
from server.records.exports import Export
from server.timestamps import now
from tests.factories import Row as Saved
from tests.job_queue import (
    ELSEWHERE,
    FILES,
    children,
    export_of,
    files,
    new_exporter,
    queue,
    running,
    server_process,
    settings,
    until,
    until_true,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(any_db: Database) -> Database:
    """Either kind of database."""
    return any_db


async def test_a_server_that_stops_leaves_its_export_to_be_begun_again(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    before = children()
    key = await queue(db, user, "hang in attempt 1")
    exporter = new_exporter(db, settings(tmp_path))
    async with running(exporter):
        exporter.start()  # once more changes nothing
        await until_true(lambda: files(tmp_path) != [])
    await exporter.stop()
    export = await export_of(db, key)
    assert (export.status, export.attempts, export.fence) == ("CREATED", 0, 1)
    assert files(tmp_path) == []
    assert children() == before

    async with running(exporter):
        export = await until(db, key, "COMPLETED")
    assert (export.attempts, export.fence) == (1, 2)


async def test_the_export_of_a_killed_server_goes_on_without_waiting_for_its_lease(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "hang in attempt 1")
    with server_process(db, tmp_path, lease_seconds=600) as server:
        await until_true(lambda: files(tmp_path) != [])
        server.kill()
        async with running(new_exporter(db, settings(tmp_path))):
            export = await until(db, key, "COMPLETED")
    assert (export.attempts, export.fence) == (2, 2)
    assert files(tmp_path) == [export.storage_key]


async def test_a_server_that_slept_through_its_lease_changes_nothing(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "slow, hang in attempt 2")
    with server_process(db, tmp_path, lease_seconds=1) as sleeper:
        await until_true(lambda: files(tmp_path) != [])  # its worker has begun
        sleeper.send_signal(signal.SIGSTOP)
        await until_true(lambda: files(tmp_path) == [f"exports/{key}/1/out.csv"])

        async with running(new_exporter(db, settings(tmp_path, lease_seconds=600))):
            half = f"exports/{key}/2/out.csv#1"
            await until_true(lambda: files(tmp_path) == [half])
            sleeper.send_signal(signal.SIGCONT)
            next_one = await queue(db, user)  # for the sleeper: the other one is busy
            completed = await until(db, next_one, "COMPLETED")

            export = await export_of(db, key)
            assert (export.status, export.fence, export.storage_key) == ("RUNNING", 2, None)
            assert str(os.getpid()) in export.worker
            assert files(tmp_path) == sorted([half, completed.storage_key])


@pytest.mark.parametrize(
    ("status", "attempts", "becomes"),
    [("RUNNING", 1, "COMPLETED"), ("RUNNING", 3, "FAILED"), ("CANCELING", 1, "CANCELED")],
)
async def test_an_expired_lease_is_taken_over(
    db: Database, tmp_path: Path, user: Saved, status: str, attempts: int, becomes: str
) -> None:
    held: dict[str, Any] = {
        "status": status,
        "attempts": attempts,
        "fence": attempts,
        "worker": ELSEWHERE,
    }
    key = await queue(db, user, **held, lease_until=now() - 1)
    living = await queue(db, user, **held, lease_until=now() + 60_000)
    half = tmp_path / FILES / f"exports/{key}/{attempts}/out.csv#1"
    half.parent.mkdir(parents=True)
    half.touch()
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, becomes)
        await until_true(lambda: not half.exists())
    assert export.error_code == ("WORKER_LOST" if becomes == "FAILED" else None)
    assert (await export_of(db, living)).status == status


async def test_a_lease_is_prolonged_while_nothing_is_heard(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "hang")
    async with running(new_exporter(db, settings(tmp_path, lease_seconds=10))):
        first = (await until(db, key, "RUNNING")).lease_until

        async def prolonged() -> bool:
            return bool((await export_of(db, key)).lease_until > first + 2_000)

        await until_true(prolonged)
        assert (await export_of(db, key)).fence == 1


async def test_a_file_is_deleted_when_its_time_is_over(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    over, kept = await queue(db, user), await queue(db, user)
    exporter = new_exporter(db, settings(tmp_path))
    async with running(exporter):
        await until(db, over, "COMPLETED")
        completed = await until(db, kept, "COMPLETED")
    async with db.write() as tx:
        passed = update(Export).where(col(Export.id) == over).values(expires_at=now() - 1)
        await tx.execute(passed)
    async with running(exporter):
        export = await until(db, over, "EXPIRED")
        await until_true(lambda: files(tmp_path) == [completed.storage_key])
    assert export.storage_key is None
    assert export.sha256 == completed.sha256
    assert not (tmp_path / FILES / f"exports/{over}").exists()


async def test_files_that_belong_to_no_export_are_deleted(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user)
    held: dict[str, Any] = {"status": "RUNNING", "fence": 3, "worker": ELSEWHERE}
    busy = await queue(db, user, **held, lease_until=now() + 60_000)
    exporter = new_exporter(db, settings(tmp_path))
    async with running(exporter):
        completed = await until(db, key, "COMPLETED")
    kept = [completed.storage_key, f"exports/{busy}/3/out.zip#1", "recordings/rec_1.webm"]
    orphans = [
        f"{completed.storage_key}#1",
        f"exports/{busy}/2/out.zip",
        "exports/999/1/out.zip",
        "exports/stray",
    ]
    for name in (*kept[1:], *orphans):
        path = tmp_path / FILES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    async with running(exporter):
        await until_true(lambda: files(tmp_path) == sorted(kept))
    assert not (tmp_path / FILES / "exports/999").exists()
