"""Deadlines: an operation that takes too long is told so, and what it had begun is stopped."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import func, select, text
from sqlalchemy import literal_column as literal

from server.db import Database
from server.deadlines import deadline
from server.errors import DeadlineExceeded
from server.resolvers.quality import reports
from server.statements import Prepared, Statement
from tests.conftest import Api, opened
from tests.factories import a_participant, a_room, a_user, an_experiment, save
from tests.promises import promised

pytestmark = pytest.mark.anyio

LIST = "query Listed { experiments { nodes { name } } }"
QUALITY = "{ experiments { nodes { quality { completeness } } } }"

COUNTING = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000000)
  SELECT count(*) FROM n"""
"""What takes SQLite about half a minute."""


@pytest.fixture
async def api(tmp_path: Path, any_url: str) -> AsyncGenerator[Api]:
    """A server that lets nothing take longer than half a second."""
    async with opened(tmp_path, database_url=any_url, deadline_seconds=0.5) as api:
        yield api


@pytest.fixture
async def key(api: Api) -> str:
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    await save(api.db, owner, experiment, room, a_participant(room))
    return await api.key_of(owner.key)


def endless(db: Database) -> Statement:
    """Return a statement that takes a database of either kind long."""
    if db.file is None:
        return select(func.pg_sleep(600))
    return select(literal("x.n")).select_from(
        text(f"({COUNTING.replace('count(*)', 'count(*) AS n')}) x")
    )


async def statements_running(db: Database) -> int:
    """Return how many statements, other than this, the database is at."""
    asked = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE state = 'active' AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()"
    )
    async with db.write() as tx:
        return int((await tx.execute(text(asked))).scalar_one())


async def is_free(db: Database) -> bool:
    """Tell whether, soon, nothing is left of what was stopped: the processor has nothing to do."""
    for _ in range(40):
        if db.file is None:
            if not await statements_running(db):
                return True
        else:
            before = time.process_time()
            await asyncio.sleep(0.2)
            if time.process_time() - before < 0.1:
                return True
        await asyncio.sleep(0.05)
    return False


async def test_a_statement_that_takes_too_long_is_stopped(api: Api, key: str) -> None:
    slow = Prepared(endless(api.db), api.db.reader.dialect)
    fetch = api.db.fetch

    async def slowly(prepared: Prepared, *rest: object, **options: bool) -> object:
        if "FROM experiment" in prepared.text:
            return await fetch(slow, {})
        return await fetch(prepared, *rest, **options)  # type: ignore[arg-type] # as it is called

    await api.ask(LIST, key)
    with patch.object(api.db, "fetch", slowly):
        for query in (LIST, LIST.replace("Listed", "Other")):  # a known document, and a new one
            answer = (await api.post(query, key)).json()
            [error] = answer["errors"]
            assert error["extensions"] == {"code": "DEADLINE_EXCEEDED"}
            assert "0.5 seconds" in error["message"]
            assert "data" not in answer
    assert await is_free(api.db)
    assert (await api.ask(LIST, key))["experiments"]["nodes"]


async def test_what_reads_in_a_snapshot_is_stopped_as_well(api: Api) -> None:
    for _ in range(6):  # more often than there are connections
        with deadline(0.2), pytest.raises(DeadlineExceeded):
            async with api.db.read() as tx:
                await tx.execute(endless(api.db))
    assert await is_free(api.db)
    async with api.db.read() as tx:
        assert (await tx.execute(text("SELECT 1"))).scalar_one() == 1


async def test_whoever_waits_for_a_connection_waits_no_longer_than_that(api: Api) -> None:
    async def hold() -> None:
        async with api.db.read():
            await asyncio.sleep(30)

    holding = [asyncio.create_task(hold()) for _ in range(4)]
    await asyncio.sleep(0.1)
    with deadline(0.2), pytest.raises(DeadlineExceeded):
        async with api.db.read():
            pass
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)


async def test_what_outlives_an_operation_is_not_bound_by_its_deadline(api: Api) -> None:
    async def later() -> None:
        await asyncio.sleep(0.3)
        async with api.db.read() as tx:
            found.append((await tx.execute(text("SELECT 2"))).scalar_one())

    found: list[object] = []

    with deadline(0.1):
        outliving = asyncio.create_task(later())
    await outliving
    assert found == [2]


@pytest.mark.promised
async def test_what_waits_for_something_else_is_told_so_too(api: Api, key: str) -> None:
    async def asleep(*_: object) -> None:
        await asyncio.sleep(60)

    with patch.object(reports.QualityReports, "load", asleep):
        began = time.monotonic()
        assert (await api.refusal(QUALITY, key))[0] == "DEADLINE_EXCEEDED"
        assert time.monotonic() - began < promised(1)
