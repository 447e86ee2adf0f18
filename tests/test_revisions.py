"""Revisions: whatever is changed or deleted, in whatever way, is counted for its experiment."""

from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlmodel import col

from server.db import Database, Stored
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.records.revisions import Revision
from server.records.rooms import Room
from tests.factories import (
    A_RECORD,
    Row,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

PLACES: list[type[Stored]] = [Experiment, Room, Participant]
RECORDS = [data_type.value.model for data_type in RecordType]


class Study:
    """Two experiments: each has a room, a person, and a record of every type."""

    def __init__(self) -> None:
        self.owner = a_user()
        self.rows: list[list[Row]] = []
        for _ in range(2):
            experiment = an_experiment(self.owner)
            room = a_room(experiment)
            person = a_participant(room)
            records = [make(person) for make in A_RECORD.values()]
            self.rows.append([experiment, room, person, *records])

    def keys(self, model: type[Stored]) -> list[int]:
        return [row.key for rows in self.rows for row in rows if row.model is model]


@pytest.fixture
async def study(any_db: Database) -> Study:
    made = Study()
    await save(any_db, made.owner, *(row for rows in made.rows for row in rows))
    return made


async def revisions(db: Database, study: Study) -> list[int]:
    """Return the revision of each experiment, 0 for none."""
    async with db.read() as tx:
        found = {row.experiment_key: row.number for row in await tx.execute(select(Revision))}
    return [found.get(rows[0].key, 0) for rows in study.rows]


def a_change(model: type[Stored]) -> dict[str, Any]:
    """Return a change of a row, as small as can be."""
    if model in RECORDS:
        return {"onset": 7}
    return {"name": "Another"} if model is Experiment else {"status": "ACTIVE"}


async def test_what_is_added_counts_nothing(any_db: Database, study: Study) -> None:
    assert await revisions(any_db, study) == [0, 0]


@pytest.mark.parametrize("model", [*PLACES, *RECORDS], ids=lambda model: model.__name__)
async def test_an_update_is_counted_for_its_experiment_alone(
    any_db: Database, study: Study, model: type[Stored]
) -> None:
    first, _ = study.keys(model)
    async with any_db.write() as tx:
        changed = update(model).where(col(model.id) == first).values(**a_change(model))
        await tx.execute(changed)
    counted, other = await revisions(any_db, study)
    assert counted > other == 0

    async with any_db.write() as tx:
        await tx.execute(update(model).values(**a_change(model)))
    again, other = await revisions(any_db, study)
    assert again > counted
    assert other > 0


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
async def test_a_deletion_is_counted(any_db: Database, study: Study, model: type[Stored]) -> None:
    _, second = study.keys(model)
    async with any_db.write() as tx:
        await tx.execute(delete(model).where(col(model.id) == second))

    first, counted = await revisions(any_db, study)
    assert counted > first == 0


@pytest.mark.parametrize("model", [Room, Participant])
async def test_the_deletion_of_a_place_is_counted(any_db: Database, model: type[Stored]) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    rows = [room] if model is Room else [room, a_participant(room)]
    await save(any_db, owner, experiment, *rows)

    async with any_db.write() as tx:
        await tx.execute(delete(model).where(col(model.id) == rows[-1].key))

    async with any_db.read() as tx:
        [found] = (await tx.execute(select(Revision))).all()
    assert found.experiment_key == experiment.key


async def test_what_moves_is_counted_where_it_was_and_where_it_is(
    any_db: Database, study: Study
) -> None:
    [event, _] = study.keys(RecordType.EVENTS.value.model)
    experiment, room, person = study.rows[1][:3]
    model = RecordType.EVENTS.value.model
    places = {
        "experiment_key": experiment.key,
        "room_key": room.key,
        "participant_key": person.key,
    }
    async with any_db.write() as tx:
        await tx.execute(update(model).where(col(model.id) == event).values(**places))

    assert all(await revisions(any_db, study))


async def test_what_is_undone_was_never_counted(any_db: Database, study: Study) -> None:
    class Undone(Exception):
        pass

    async def change() -> None:
        async with any_db.write() as tx:
            await tx.execute(update(Room).values(status="ACTIVE"))
            raise Undone

    with pytest.raises(Undone):
        await change()

    assert await revisions(any_db, study) == [0, 0]


async def test_a_replaced_row_is_counted(db: Database) -> None:
    study = Study()
    await save(db, study.owner, *(row for rows in study.rows for row in rows))
    event = study.rows[0][3]
    async with db.write() as tx:
        await tx.execute(insert(event.model).prefix_with("OR REPLACE").values(dict(event)))

    counted, other = await revisions(db, study)
    assert counted > other == 0


async def test_an_emptied_table_is_counted(postgres_url: str) -> None:
    db, study = Database(postgres_url), Study()
    await save(db, study.owner, *(row for rows in study.rows for row in rows))
    async with db.write() as tx:
        await tx.execute(text("TRUNCATE event"))

    assert all(await revisions(db, study))
    await db.close()
