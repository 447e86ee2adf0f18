"""Tallies: whatever is written, in whatever way, they say what counting would."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server import migrate as migrations
from server.db import Database, metadata
from server.migrate import migrate
from server.records import RecordType
from server.records.base import Record
from server.records.events import Event
from server.rows import layout_of
from tests.factories import (
    A_RECORD,
    START,
    Row,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

WRITING = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ONSETS = st.integers(-3, 3)  # few, so that first and last ones are often shared
RECORDS = st.tuples(st.integers(0, 2), ONSETS)
INSERTING = st.tuples(st.just("insert"), st.lists(RECORDS, min_size=1, max_size=6))
SOME = st.sets(st.integers(0, 11), min_size=1, max_size=6)
DELETING = st.tuples(st.just("delete"), SOME)
SHIFTING = st.tuples(st.just("shift"), SOME, ONSETS)
MOVING = st.tuples(st.just("move"), SOME, st.integers(0, 2))
CHANGES = st.tuples(INSERTING | DELETING | SHIFTING | MOVING, st.booleans(), st.booleans())


class Undone(Exception):
    """Raised to roll a transaction back."""


async def some_people(db: Database) -> list[Row]:
    """Store three participants: two of one experiment, in different rooms, and one of another."""
    owner = a_user()
    experiments = [an_experiment(owner) for _ in range(2)]
    rooms = [a_room(experiments[0]), a_room(experiments[0]), a_room(experiments[1])]
    people = [a_participant(room) for room in rooms]
    await save(db, owner, *experiments, *rooms, *people)
    return people


async def change(
    tx: AsyncConnection, data_type: RecordType, people: Sequence[Row], what: Any, at_once: bool
) -> None:
    """Do one of CHANGES: in one statement, or in one for each row."""
    model = data_type.value.model
    kind, which, *to = what
    if kind == "insert":
        rows = [A_RECORD[data_type](people[i], onset=onset) for i, onset in which]
        for batch in [rows] if at_once else [[row] for row in rows]:
            await tx.execute(insert(model).values([dict(row) for row in batch]))
        return
    mine = col(model.participant_key).in_([person.key for person in people])
    found = await tx.scalars(select(col(model.id)).where(mine).order_by(col(model.id)))
    chosen = [key for i, key in enumerate(found) if i in which]
    for keys in [chosen] if at_once else [[key] for key in chosen]:
        these = col(model.id).in_(keys)
        if kind == "delete":
            await tx.execute(delete(model).where(these))
        elif kind == "shift":
            await tx.execute(update(model).where(these).values(timestamp=moment_of(model) + to[0]))
        else:
            await tx.execute(update(model).where(these).values(_place(people[to[0]])))


def _place(person: Row) -> dict[str, int]:
    keys = {key: person[key] for key in ("experiment_key", "room_key")}
    return {**keys, "participant_key": person.key}


async def tallied(db: Database) -> set[tuple[Any, ...]]:
    """Return all the tallies."""
    table = metadata.tables["tally"]
    names = "participant_key experiment_key room_key data_type record_count"
    columns = [table.c[name] for name in (*names.split(), "first_timestamp", "last_timestamp")]
    async with db.read() as tx:
        return {tuple(row) for row in await tx.execute(select(*columns))}


def moment_of(model: type[Record]) -> ColumnElement[Any]:
    moment: ColumnElement[Any] = layout_of(model).columns["timestamp"]
    return moment


async def counted(db: Database) -> set[tuple[Any, ...]]:
    """Return what the tallies should be."""
    found: set[tuple[Any, ...]] = set()
    async with db.read() as tx:
        for data_type in RecordType:
            model = data_type.value.model
            place = [col(model.participant_key), col(model.experiment_key), col(model.room_key)]
            moment = moment_of(model)
            statement = select(
                *place, literal(data_type.name), func.count(), func.min(moment), func.max(moment)
            ).group_by(*place)
            found |= {tuple(row) for row in await tx.execute(statement)}
    return found


@WRITING
@given(data_type=st.sampled_from(RecordType), changes=st.lists(CHANGES, max_size=10))
async def test_a_tally_is_what_counting_gives(
    any_db: Database, data_type: RecordType, changes: list[tuple[Any, bool, bool]]
) -> None:
    people = await some_people(any_db)
    for what, at_once, undone in changes:
        before = await tallied(any_db)
        try:
            async with any_db.write() as tx:
                await change(tx, data_type, people, what, at_once)
                if undone:
                    raise Undone
        except Undone:
            assert await tallied(any_db) == before
    assert await tallied(any_db) == await counted(any_db)


async def test_every_data_type_is_counted(any_db: Database) -> None:
    [person, *_] = await some_people(any_db)
    await save(any_db, *(make(person, onset=7) for make in A_RECORD.values()))

    place = (person.key, person["experiment_key"], person["room_key"])
    assert await tallied(any_db) == {
        (*place, data_type.name, 1, START + 7, START + 7) for data_type in RecordType
    }


async def test_what_is_there_already_is_not_counted_again(any_db: Database) -> None:
    [person, *_] = await some_people(any_db)
    there = an_event(person, onset=1)
    await save(any_db, there)
    rows = [{**there, "timestamp": START - 9}, dict(an_event(person, onset=5))]
    dialect: Any = postgresql if any_db.url.get_backend_name() == "postgresql" else sqlite
    once = dialect.insert(Event)

    async with any_db.write() as tx:
        await tx.execute(once.on_conflict_do_nothing(), rows)
    assert await tallied(any_db) == await counted(any_db)
    [*_, count, first, last] = next(iter(await tallied(any_db)))
    assert (count, first, last) == (2, START + 1, START + 5)

    key = ["id"] if dialect is sqlite else ["id", "experiment_key"]  # each partition has its own
    newest = once.on_conflict_do_update(
        index_elements=key, set_={"timestamp": once.excluded.timestamp}
    )
    async with any_db.write() as tx:
        await tx.execute(newest, rows)
    assert await tallied(any_db) == await counted(any_db)
    [*_, count, first, last] = next(iter(await tallied(any_db)))
    assert (count, first, last) == (2, START - 9, START + 5)


async def test_what_is_replaced_is_counted_once(db: Database) -> None:
    [person, *_] = await some_people(db)
    there = an_event(person, onset=1)
    await save(db, there)

    async with db.write() as tx:
        replacing = sqlite.insert(Event).prefix_with("OR REPLACE")
        await tx.execute(replacing, {**there, "timestamp": START + 3})

    assert await tallied(db) == await counted(db)


async def test_many_can_be_deleted_together_or_one_by_one(any_db: Database) -> None:
    [person, *_] = await some_people(any_db)
    rows = [an_event(person, onset=i) for i in range(20_000)]
    await save(any_db, *rows)

    async with any_db.write() as tx:
        await tx.execute(delete(Event).where(col(Event.id) <= rows[-2_000].key))
    assert await tallied(any_db) == await counted(any_db) != set()

    async with any_db.write() as tx:
        doomed = [{"key": row.key} for row in rows[-2_000:-9]]
        await tx.execute(text("DELETE FROM event WHERE id = :key"), doomed)
    assert await tallied(any_db) == await counted(any_db) != set()

    async with any_db.write() as tx:
        await tx.execute(text("DELETE FROM event"))
    assert await tallied(any_db) == set()


async def test_an_upgrade_counts_what_is_there_and_a_downgrade_stops_counting(
    empty_db: Database,
) -> None:
    assert await migrate(empty_db)
    people = await some_people(empty_db)
    async with empty_db.write() as tx:
        await tx.run_sync(lambda c: command.downgrade(migrations._config(c), "0001"))
    onsets = [(person, onset) for person in people[:2] for onset in (-5, 0, 9)]
    rows = [make(person, onset=onset) for make in A_RECORD.values() for person, onset in onsets]
    await save(empty_db, *rows)

    assert await migrate(empty_db)
    assert len(await tallied(empty_db)) == 2 * len(RecordType)
    assert await tallied(empty_db) == await counted(empty_db)
    await save(empty_db, *(make(people[2], onset=1) for make in A_RECORD.values()))
    assert await tallied(empty_db) == await counted(empty_db)

    async with empty_db.write() as tx:
        await tx.run_sync(lambda c: command.downgrade(migrations._config(c), "0001"))
    await save(empty_db, *(make(people[2], onset=2) for make in A_RECORD.values()))
    assert await migrate(empty_db)
    assert await tallied(empty_db) == await counted(empty_db)


async def test_a_truncated_table_has_nothing(postgres_url: str) -> None:
    db = Database(postgres_url)
    [person, *_] = await some_people(db)
    await save(db, *(make(person) for make in A_RECORD.values()))
    async with db.write() as tx:
        await tx.execute(text("TRUNCATE event"))
    assert await tallied(db) == await counted(db)
    await db.close()


async def test_writers_of_one_participant_do_not_miss_each_others_records(
    postgres_url: str,
) -> None:
    db = Database(postgres_url)
    [person, *_] = await some_people(db)
    early, middle, late = (an_event(person, onset=onset) for onset in (1, 5, 9))
    await save(db, early, late)

    async def lose_the_last() -> None:
        async with db.write() as tx:
            await tx.execute(delete(Event).where(col(Event.id) == late.key))

    async with db.write() as tx:
        await tx.execute(insert(Event), dict(middle))
        losing = asyncio.create_task(lose_the_last())
        await blocked(db)
    await losing

    assert await tallied(db) == await counted(db)
    [*_, first, last] = next(iter(await tallied(db)))
    assert (first, last) == (START + 1, START + 5)
    await db.close()


async def blocked(db: Database) -> None:
    """Return once a transaction waits for another."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    found = 0
    while not found:
        async with db.read() as tx:
            found = (await tx.execute(waiting)).scalar_one()
