"""Where snapshots end on PostgreSQL, where rows appear in another order than their keys."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from server.db import Database
from server.errors import Busy
from server.export import stillness
from server.export.recipe import take_bounds
from server.records import RecordType
from tests.factories import Row, a_participant, a_room, a_user, an_event, an_experiment, save
from tests.job_queue import until_true
from tests.warm_worker import ONE, Exported, Worker, carry_out, exported, plan_of, recipe_of

pytestmark = pytest.mark.anyio

EVENTS: dict[str, Any] = {"types": [RecordType.EVENTS], "packaging": ONE}


@pytest.fixture
async def db(postgres_url: str) -> AsyncGenerator[Database]:
    """An empty PostgreSQL database."""
    database = Database(postgres_url)
    yield database
    await database.close()


class Session:
    """A room of two: the tally of one makes their writers wait for each other."""

    def __init__(self) -> None:
        self.owner = a_user()
        self.experiment = an_experiment(self.owner)
        self.room = a_room(self.experiment)
        self.person, self.other = a_participant(self.room), a_participant(self.room)


@pytest.fixture
async def session(db: Database) -> Session:
    made = Session()
    await save(db, made.owner, made.experiment, made.room, made.person, made.other)
    return made


async def waits_for_a_lock(db: Database) -> bool:
    async with db.read() as tx:
        waiting = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE NOT granted AND datname = current_database()"
        )
        return bool(await tx.scalar(waiting))


async def bounds_of(db: Database) -> dict[str, int]:
    async with db.write() as tx:
        return await take_bounds(tx)


def events_in(made: Exported) -> list[str]:
    return [row["eventId"] for row in made.csv()]


async def test_what_is_committed_late_is_in_one_export_and_in_no_other(
    worker: Worker, db: Database, session: Session, tmp_path: Path
) -> None:
    slow, quick = an_event(session.person), an_event(session.other)
    later = an_event(session.person)

    async def whole() -> tuple[Exported, dict[str, int]]:
        recipe = await recipe_of(db, experiments=[session.experiment], **EVENTS)
        plan = await plan_of(db, tmp_path / "whole", recipe)
        return carry_out(worker, plan, tmp_path / "whole"), recipe.bounds

    async with db.write() as tx:
        await tx.execute(insert(slow.model), [dict(slow)])
        await save(db, quick)
        exporting = asyncio.create_task(whole())

        async def came_as_far_as_it_can() -> bool:
            return exporting.done() or await waits_for_a_lock(db)

        await until_true(came_as_far_as_it_can)
    first, bounds = await exporting
    await save(db, later)
    since = {"experiments": [session.experiment], "after": {"EVENTS": bounds["EVENTS"]}}
    rest = await exported(worker, db, tmp_path / "rest", **since, **EVENTS)

    everything = sorted(row["event_id"] for row in (slow, quick, later))
    assert sorted([*events_in(first), *events_in(rest)]) == everything
    assert later["event_id"] in events_in(rest)


async def test_who_writes_while_an_export_waits_is_never_the_one_that_fails(
    db: Database, session: Session
) -> None:
    event, room = an_event(session.person), a_room(session.experiment)
    async with db.write() as tx:
        await tx.execute(insert(event.model), [dict(event)])
        waiting = asyncio.create_task(bounds_of(db))
        await until_true(lambda: waits_for_a_lock(db))
        await tx.execute(insert(room.model), [dict(room)])  # which the export has locked by now
    bounds = await waiting
    assert (bounds["EVENTS"], bounds["ROOMS"]) == (event.key, room.key)


async def test_writers_wait_no_longer_than_the_bounds_take(db: Database, session: Session) -> None:
    async with db.write() as tx:
        bounds = await take_bounds(tx)
        async with asyncio.timeout(60):
            await save(db, an_event(session.person))
        assert await take_bounds(tx) != bounds


async def test_if_nobody_stops_writing_an_export_is_told_so(
    db: Database, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "PATIENCE_SECONDS", 0.0)
    event: Row = an_event(session.person)
    async with db.write() as tx:
        await tx.execute(insert(event.model), [dict(event)])
        with pytest.raises(Busy, match="try again"):
            await bounds_of(db)
    assert (await bounds_of(db))["EVENTS"] == event.key
