"""Exports on real processes: written once, cancelled at once, and never half a file."""

import asyncio
import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db import Database
from server.export.leases import claim, complete, finish_cancel
from server.export.plan import planner
from server.export.progress import Hub
from server.export.workers import Done
from server.timestamps import now
from tests.factories import Row as Saved
from tests.factories import (
    a_user,
    save,
)
from tests.fake_worker import ROWS, SECRET
from tests.job_queue import (
    ELSEWHERE,
    FILES,
    cancel,
    children,
    export_of,
    files,
    following,
    new_exporter,
    queue,
    queue_ratings,
    running,
    server_process,
    settings,
    until,
    until_true,
    url_of,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(any_db: Database) -> Database:
    """Either kind of database."""
    return any_db


async def test_an_export_is_written_and_its_progress_grows(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "slow")
    hub = Hub(db)
    with following(hub, key) as states:
        async with running(new_exporter(db, settings(tmp_path))):
            seen = [state async for state in states]
    await hub.close()

    rows = [state.completed_rows for state in seen]
    assert [seen[0].status, seen[-1].status] == ["CREATED", "COMPLETED"]
    assert rows == sorted(rows)
    assert len(set(rows)) > 2
    export = seen[-1]
    file = tmp_path / FILES / export.storage_key
    assert hashlib.sha256(file.read_bytes()).hexdigest() == export.sha256
    assert (export.completed_rows, export.total_rows) == (ROWS, ROWS)
    assert export.file_size == export.bytes_written == file.stat().st_size
    assert export.started_at <= export.completed_at < export.expires_at
    assert (export.worker, export.lease_until, export.attempts) == (None, None, 1)


async def test_a_manifest_of_any_length_arrives(db: Database, tmp_path: Path, user: Saved) -> None:
    key = await queue(db, user, "wide")
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, "COMPLETED")
    assert len(export.manifest["files"]) == 100_000


async def test_what_a_library_prints_does_not_disturb(
    db: Database, tmp_path: Path, user: Saved, caplog: pytest.LogCaptureFixture
) -> None:
    key = await queue(db, user, "babble")
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, "COMPLETED")
    assert export.attempts == 1
    assert SECRET not in caplog.text


async def test_two_servers_write_no_export_twice(db: Database, tmp_path: Path, user: Saved) -> None:
    with server_process(db, tmp_path, 600), server_process(db, tmp_path, 600):
        keys = [await queue(db, user) for _ in range(12)]
        exports = [await until(db, key, "COMPLETED") for key in keys]
    assert [(export.attempts, export.fence) for export in exports] == [(1, 1)] * 12
    assert files(tmp_path) == sorted(export.storage_key for export in exports)


async def test_a_user_has_five_running_while_others_get_their_turn(
    db: Database, user: Saved
) -> None:
    other = a_user()
    await save(db, other)
    many = [await queue(db, user) for _ in range(7)]
    one = await queue(db, other)

    async def claimed() -> Any:
        async with db.write() as tx:
            return await claim(tx, ELSEWHERE, now() + 60_000)

    taken = [await claimed() for _ in range(6)]
    assert [export.id for export in taken] == [many[0], one, *many[1:5]]
    assert await claimed() is None

    done = Done("exports/1/1/out.csv", "out.csv", 1, "0", 1, {})
    async with db.write() as tx:
        assert await complete(tx, taken[2], done, now())
    assert (await claimed()).id == many[5]


async def test_servers_that_claim_at_once_take_each_export_once_and_five_of_a_user(
    db: Database, user: Saved
) -> None:
    other = a_user()
    await save(db, other)
    many = [await queue(db, user) for _ in range(9)]
    few = [await queue(db, other) for _ in range(3)]
    another = Database(url_of(db))

    async def claimed(server: Database) -> Any:
        async with server.write() as tx:
            return await claim(tx, ELSEWHERE, now() + 60_000)

    taken = await asyncio.gather(*(claimed(server) for server in (db, another) * 8))
    await another.close()
    assert sorted(export.id for export in taken if export) == [*many[:5], *few]
    assert {export.fence for export in taken if export} == {1}


async def test_an_export_that_is_canceled_while_it_is_claimed_has_one_fate(
    db: Database, user: Saved
) -> None:
    another = Database(url_of(db))
    for _ in range(20):
        key = await queue(db, user)

        async def claimed() -> Any:
            async with another.write() as tx:
                return await claim(tx, ELSEWHERE, now() + 60_000)

        export, was_canceled = await asyncio.gather(claimed(), cancel(db, key))
        assert was_canceled
        status = (await export_of(db, key)).status
        assert status == ("CANCELED" if export is None else "CANCELING")
        if export is not None:
            async with db.write() as tx:
                assert await finish_cancel(tx, export)
    await another.close()


async def test_a_queued_export_is_canceled_and_never_begun(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    canceled, next_one = await queue(db, user), await queue(db, user)
    assert await cancel(db, canceled)
    async with running(new_exporter(db, settings(tmp_path))):
        await until(db, next_one, "COMPLETED")
    export = await export_of(db, canceled)
    assert (export.status, export.started_at) == ("CANCELED", None)
    assert export.completed_at is not None


@pytest.mark.parametrize("flags", [(), ("--deaf",)])
async def test_a_running_export_is_canceled_and_what_was_written_is_gone(
    db: Database, tmp_path: Path, user: Saved, flags: tuple[str, ...]
) -> None:
    key = await queue(db, user, "hang")
    async with running(new_exporter(db, settings(tmp_path), *flags)):
        await until_true(lambda: files(tmp_path) == [f"exports/{key}/1/out.csv#1"])
        assert await cancel(db, key)
        export = await until(db, key, "CANCELED")
        assert files(tmp_path) == []
        assert export.storage_key is None

        after = await queue(db, user)  # the killed worker has a successor
        await until(db, after, "COMPLETED")


async def test_an_export_that_has_ended_is_not_canceled(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user)
    async with running(new_exporter(db, settings(tmp_path))):
        completed = await until(db, key, "COMPLETED")
    assert not await cancel(db, key)
    assert await export_of(db, key) == completed


async def test_canceling_twice_is_as_good_as_once(db: Database, user: Saved) -> None:
    key = await queue(db, user, status="RUNNING", worker=ELSEWHERE, lease_until=now() + 60_000)
    assert await cancel(db, key)
    before = await export_of(db, key)
    assert await cancel(db, key)
    assert await export_of(db, key) == before


async def test_a_worker_that_is_killed_has_its_export_tried_again(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "crash in attempt 1")
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, "COMPLETED")
    assert (export.attempts, export.fence) == (2, 2)
    assert files(tmp_path) == [f"exports/{key}/2/out.csv"]


async def test_three_deaths_of_workers_are_the_end(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "crash")
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, "FAILED")
    assert (export.attempts, export.error_code) == (3, "WORKER_LOST")
    assert "smaller selection" in export.error_message
    assert files(tmp_path) == []


async def test_what_a_worker_refuses_fails_with_its_words(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "refuse")
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, "FAILED")
    assert (export.error_code, export.error_message) == ("STORAGE_FAILED", "There is no room left.")
    assert export.attempts == 1


async def test_a_plan_that_cannot_be_made_fails_with_its_reason(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "no plan")
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, "FAILED")
    assert (export.error_code, export.error_message) == ("INTERNAL", "Choose one data type.")


async def test_a_bug_fails_without_telling_the_data(
    db: Database, tmp_path: Path, user: Saved, caplog: pytest.LogCaptureFixture
) -> None:
    async def plan(_tx: AsyncConnection, _export: Row[Any], _folder: str) -> object:
        raise ValueError(SECRET)

    key = await queue(db, user)
    async with running(new_exporter(db, settings(tmp_path), plan=plan)):
        export = await until(db, key, "FAILED")
    assert (export.error_code, export.attempts) == ("INTERNAL", 3)
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text + export.error_message


async def test_a_file_that_is_not_whole_is_never_published(
    db: Database, tmp_path: Path, user: Saved
) -> None:
    key = await queue(db, user, "short")
    async with running(new_exporter(db, settings(tmp_path))):
        export = await until(db, key, "FAILED")
    assert (export.error_code, export.storage_key) == ("STORAGE_FAILED", None)
    assert files(tmp_path) == []


async def test_the_log_says_where_a_worker_failed_but_not_on_what(
    db: Database, tmp_path: Path, user: Saved, caplog: pytest.LogCaptureFixture
) -> None:
    key = await queue(db, user, "raise")
    async with running(new_exporter(db, settings(tmp_path))):
        await until(db, key, "FAILED")
    assert "fake_worker.py, line" in caplog.text
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


async def test_workers_that_cannot_start_use_up_no_attempts(
    db: Database, tmp_path: Path, user: Saved, caplog: pytest.LogCaptureFixture
) -> None:
    key = await queue(db, user)
    async with running(new_exporter(db, settings(tmp_path), "--broken")):
        await until_true(lambda: "WorkerLost" in caplog.text)
    export = await export_of(db, key)
    assert (export.status, export.attempts) == ("CREATED", 0)


async def test_the_real_worker_writes_every_row(db: Database, tmp_path: Path) -> None:
    key = await queue_ratings(db)
    at = settings(tmp_path)
    async with running(new_exporter(db, at, plan=planner(db.url, at))):
        export = await until(db, key, "COMPLETED")
    content = (tmp_path / FILES / export.storage_key).read_bytes()
    assert hashlib.sha256(content).hexdigest() == export.sha256
    assert len(content) == export.file_size
    assert len(content.splitlines()) == 1 + 3
    assert export.completed_rows == 3
    assert export.storage_key.endswith(export.file_name)


async def test_the_real_worker_is_canceled_and_killed_at_will(db: Database, tmp_path: Path) -> None:
    at = settings(tmp_path)
    before = children()
    planned = asyncio.Semaphore(0)
    make = planner(db.url, at)

    async def plan(*given: Any) -> Any:
        made = await make(*given)
        planned.release()
        return made

    async with running(new_exporter(db, at, plan=plan)):
        await until(db, await queue_ratings(db), "COMPLETED")
        await planned.acquire()
        [worker] = children() - before
        os.kill(worker, signal.SIGSTOP)  # so that it is surely not done before it is killed
        key = await queue_ratings(db)
        await planned.acquire()
        await cancel(db, key)
        await until(db, key, "CANCELED")

        await until(db, await queue_ratings(db), "COMPLETED")
        await planned.acquire()
        [worker] = children() - before
        os.kill(worker, signal.SIGSTOP)
        key = await queue_ratings(db)
        await planned.acquire()
        await asyncio.sleep(0.1)  # the plan is on its way to the worker
        os.kill(worker, signal.SIGKILL)
        export = await until(db, key, "COMPLETED")
    assert export.attempts == 2
    assert len(files(tmp_path)) == 3
    assert children() == before
