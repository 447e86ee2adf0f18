"""The pulse: what followers wait for, and what is read for all of them at once."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import delete, func, insert, select
from sqlmodel import col

from server.db import Database
from server.live.pulse import Followed, Follower, Pulse
from server.records import RecordType
from server.records.events import Event
from server.records.experiments import Experiment
from server.statements import Prepared, Statement
from tests.factories import (
    Row,
    a_continuous_rating,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.job_queue import until_true

pytestmark = pytest.mark.anyio

SECONDS = 20


@pytest.fixture
def db(any_db: Database) -> Database:
    """Either kind of database."""
    return any_db


@pytest.fixture
async def pulse(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Pulse]:
    monkeypatch.setattr("server.live.pulse.POLL_SECONDS", 0.02)
    pulse = Pulse(db)
    yield pulse
    await pulse.close()


@pytest.fixture
async def people(db: Database) -> list[Row]:
    """Somebody in each of two rooms."""
    owner = a_user()
    experiment = an_experiment(owner)
    rooms = [a_room(experiment) for _ in range(2)]
    people = [a_participant(room) for room in rooms]
    await save(db, owner, experiment, *rooms, *people)
    return people


def events_of(person: Row) -> Followed:
    return Followed(person["room_key"], RecordType.EVENTS)


async def is_told(follower: Follower, seconds: float = SECONDS) -> bool:
    return await follower.changed(asyncio.get_running_loop().time() + seconds)


async def settled(follower: Follower) -> None:
    """Wait until a follower has heard of what was there before."""
    while await is_told(follower, 0.2):
        pass


class Counting:
    """Counts what is fetched, and fails it if that is wanted."""

    def __init__(self, db: Database) -> None:
        self.texts: list[str] = []
        self.fails = False
        self._fetch = db.fetch

    async def fetch(
        self, prepared: Prepared, given: Mapping[str, Any], *, quick: bool = True
    ) -> Sequence[Sequence[Any]]:
        self.texts.append(prepared.text)
        if self.fails:
            raise ConnectionError
        return await self._fetch(prepared, given, quick=quick)


async def test_it_tells_of_what_is_followed_and_of_nothing_else(
    db: Database, pulse: Pulse, people: list[Row]
) -> None:
    here, there = people
    with pulse.follow(events_of(here)) as follower, pulse.follow(None) as watcher:
        await settled(follower)
        await save(db, an_event(there), a_continuous_rating(here))
        assert not await is_told(follower, 0.2)
        await save(db, an_event(here))
        assert await is_told(follower)
        await settled(follower)
        for _ in range(3):
            assert await is_told(watcher)


async def test_it_tells_of_one_that_took_the_place_of_another(
    db: Database, pulse: Pulse, people: list[Row]
) -> None:
    await save(db, an_event(people[0]))
    with pulse.follow(events_of(people[0])) as follower:
        await settled(follower)
        async with db.write() as tx:
            await tx.execute(delete(Event))
            await tx.execute(insert(Event), dict(an_event(people[0])))  # as many as before
        assert await is_told(follower)


async def test_many_rooms_cost_one_statement_and_no_follower_none(
    db: Database, pulse: Pulse, people: list[Row]
) -> None:
    tasks = asyncio.all_tasks()
    counting = Counting(db)
    with patch.object(db, "fetch", counting.fetch):
        with pulse.follow(events_of(people[0])), pulse.follow(events_of(people[1])):
            await until_true(lambda: len(counting.texts) > 2)
            assert len(set(counting.texts)) == 1
        await until_true(lambda: asyncio.all_tasks() == tasks)
        asked = len(counting.texts)
        await asyncio.sleep(0.1)
        assert len(counting.texts) == asked


def names() -> Statement:
    return select(func.count()).select_from(Experiment).where(col(Experiment.id) > 0)


async def test_what_is_asked_alike_is_read_once_a_beat(
    db: Database, pulse: Pulse, people: list[Row]
) -> None:
    prepared = db.prepare("names", names)
    counting = Counting(db)
    with patch.object(db, "fetch", counting.fetch):
        for _ in range(2):
            assert [tuple(row) for row in await pulse.rows(prepared, {})] == [(1,)]
        assert len(counting.texts) == 2  # nobody follows, so nothing says when it is out of date
        with pulse.follow(None) as follower:
            for _ in range(3):
                await follower.changed()
                counting.texts.clear()
                told = await asyncio.gather(*(pulse.rows(prepared, {}) for _ in range(9)))
                assert all([tuple(row) for row in rows] == [(1,)] for rows in told)
                assert len(counting.texts) <= 1


async def test_a_database_that_is_away_for_a_while_is_asked_again(
    db: Database, pulse: Pulse, people: list[Row], caplog: pytest.LogCaptureFixture
) -> None:
    counting = Counting(db)
    with patch.object(db, "fetch", counting.fetch), pulse.follow(events_of(people[0])) as follower:
        await settled(follower)
        counting.fails = True
        await save(db, an_event(people[0]))
        assert not await is_told(follower, 0.2)
        with pytest.raises(ConnectionError):
            await pulse.rows(db.prepare("names", names), {})
        counting.fails = False
        assert await is_told(follower)
    assert "What has come could not be asked" in caplog.text


async def test_closing_ends_it(pulse: Pulse, people: list[Row]) -> None:
    tasks = asyncio.all_tasks()
    with pulse.follow(events_of(people[0])) as follower:
        await settled(follower)
        await pulse.close()
        assert asyncio.all_tasks() == tasks
