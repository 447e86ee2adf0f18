"""How exports go, told to those who follow them."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlmodel import col

from server.db import Database
from server.export.progress import Hub
from server.records.exports import Export
from tests.factories import Row as Saved
from tests.job_queue import (
    following,
    queue,
    until_true,
    url_of,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(any_db: Database) -> Database:
    """Either kind of database."""
    return any_db


async def change(db: Database, key: int, **values: Any) -> None:
    async with db.write() as tx:
        changed = update(Export).where(col(Export.id) == key)
        await tx.execute(changed.values(seq=col(Export.seq) + 1, **values))


@pytest.fixture
async def hub(db: Database) -> AsyncGenerator[Hub]:
    hub = Hub(db)
    yield hub
    await hub.close()


@contextmanager
def counting(db: Database) -> Generator[list[str]]:
    """Collect the statements that are read with meanwhile."""
    statements: list[str] = []

    def note(_tx: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "export" in statement:
            statements.append(statement)

    event.listen(db.reader.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.reader.sync_engine, "before_cursor_execute", note)


async def test_a_slow_follower_gets_the_newest_state_and_always_the_last(
    db: Database, user: Saved, hub: Hub
) -> None:
    key = await queue(db, user)
    with following(hub, key) as slow, following(hub, key) as quick:
        assert (await anext(slow)).seq == (await anext(quick)).seq == 0
        for rows in range(1, 6):
            await change(db, key, status="RUNNING", completed_rows=rows)
            hub.nudge(key)
            assert (await anext(quick)).completed_rows == rows
        assert (await anext(slow)).completed_rows == 5

        await change(db, key, completed_rows=6)
        hub.nudge(key)
        assert (await anext(quick)).completed_rows == 6
        await change(db, key, status="COMPLETED")
        assert [(state.status, state.seq) for state in [e async for e in quick]] == [
            ("COMPLETED", 7)
        ]
        assert [(state.status, state.seq) for state in [e async for e in slow]] == [
            ("COMPLETED", 7)
        ]


async def test_an_export_that_has_ended_is_told_once(db: Database, user: Saved, hub: Hub) -> None:
    key = await queue(db, user, status="CANCELED")
    with following(hub, key) as states:
        assert [state.status async for state in states] == ["CANCELED"]


async def test_no_state_is_told_twice(db: Database, user: Saved, hub: Hub) -> None:
    key = await queue(db, user)
    with counting(db) as statements, following(hub, key) as states:
        await anext(states)
        waiting = asyncio.create_task(anext(states))

        async def polled(times: int) -> None:
            hub.nudge(key)
            await until_true(lambda: len(statements) >= times)

        for times in range(2, 5):
            await polled(times)
        assert not waiting.done()
        await change(db, key, status="CANCELED")
        assert (await waiting).status == "CANCELED"


async def test_following_what_does_not_exist_ends(hub: Hub) -> None:
    with following(hub, 404) as states:
        assert [state async for state in states] == []


async def test_a_change_by_another_process_is_seen(db: Database, user: Saved, hub: Hub) -> None:
    key = await queue(db, user)
    another = Database(url_of(db))
    with following(hub, key) as states:
        await anext(states)
        await change(another, key, message="From elsewhere")
        assert (await anext(states)).message == "From elsewhere"
    await another.close()


async def test_a_thousand_followers_cost_one_query_and_none_costs_none(
    db: Database, user: Saved, hub: Hub
) -> None:
    tasks = asyncio.all_tasks()
    key, other = await queue(db, user), await queue(db, user)

    async def all_states(key: int) -> list[str]:
        with following(hub, key) as states:
            return [state.status async for state in states]

    with counting(db) as statements:
        followers = [asyncio.create_task(all_states(key)) for _ in range(1000)]
        followers.append(asyncio.create_task(all_states(other)))
        await until_true(lambda: len(statements) > 0)
        await change(db, key, status="FAILED")
        await change(db, other, status="CANCELED")
        hub.nudge(key)
        seen = await asyncio.gather(*followers)
        assert {states[-1] for states in seen[:-1]} == {"FAILED"}
        assert seen[-1][-1] == "CANCELED"
        assert len(statements) < 20
        await until_true(lambda: asyncio.all_tasks() == tasks)  # nothing is left to ask again


async def test_a_follower_that_is_canceled_leaves_nothing(
    db: Database, user: Saved, hub: Hub
) -> None:
    tasks = asyncio.all_tasks()
    key = await queue(db, user)

    async def follow() -> None:
        with following(hub, key) as states:
            async for _ in states:
                pass

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    task.cancel()
    await until_true(lambda: asyncio.all_tasks() == tasks)


async def test_closing_ends_all_following(db: Database, user: Saved, hub: Hub) -> None:
    key = await queue(db, user)
    with following(hub, key) as states:
        await anext(states)
        await hub.close()
        assert [state async for state in states] == []
