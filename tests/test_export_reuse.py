"""A finished export is given again while nobody has changed what it holds, and no longer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from server.db import Stored
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.exports import Export
from server.records.participants import Participant
from server.records.rooms import Room
from server.storage import Storage
from server.timestamps import now
from tests.asking import DELETE, Lab, a_lab, key_of
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    return await a_lab(any_api, tmp_path)


async def completed(lab: Lab, key: str | None = None, **wanted: Any) -> str:
    """Queue an export and say that it is finished."""
    id_ = await lab.created(key, **{**lab.here, **wanted})
    file = f"exports/{key_of(id_)}/1/out.zip"
    await Storage((lab.folder / "files").as_uri()).put(file, b"PK")
    await put(lab, id_, status="COMPLETED", storage_key=file, expires_at=now() + 60_000)
    return id_


async def put(lab: Lab, id_: str, **values: Any) -> None:
    async with lab.api.db.write() as tx:
        await tx.execute(update(Export).where(col(Export.id) == key_of(id_)).values(**values))


async def test_the_same_of_the_same_data_is_given_again(lab: Lab) -> None:
    id_ = await completed(lab)
    elsewhere = await a_lab(lab.api, lab.folder)  # others' data grows meanwhile
    await save(lab.api.db, an_event(elsewhere.person), a_room(elsewhere.experiment))

    payload = await lab.create(**lab.here, dataTypes=[each.name for each in reversed(RecordType)])

    assert (payload["export"]["id"], payload["export"]["status"]) == (id_, "COMPLETED")
    async with lab.api.db.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Export)) == 1


async def test_what_was_asked_for_in_another_order_is_the_same(lab: Lab) -> None:
    other = an_experiment(lab.owner)
    await save(lab.api.db, other)
    both = [lab.experiment["experiment_id"], other["experiment_id"]]
    id_ = await completed(lab, experimentIds=both)

    assert await lab.created(experimentIds=both[::-1]) == id_


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "JSON"},
        {"packaging": "SINGLE_FILE", "dataTypes": ["EVENTS"]},
        {"anonymization": "KEEP"},
        {"excelBom": True},
        {"formulaGuard": True},
        {"dataTypes": ["EVENTS"]},
        {"filter": {"events": {"onset": {"lt": 0}}}},
        {"includeMedia": True},
        {"shiftTimes": True},
        {"columns": [{"dataType": "EVENTS", "columns": ["onset"]}]},
        {"idempotencyKey": "another"},
    ],
    ids=str,
)
async def test_anything_else_is_made_anew(lab: Lab, changes: dict[str, Any]) -> None:
    id_ = await completed(lab)

    assert await lab.created(**lab.here, **changes) != id_


async def test_an_increment_is_not_the_whole(lab: Lab) -> None:
    id_ = await completed(lab)
    await save(lab.api.db, an_event(lab.person))
    whole = await completed(lab)

    assert await lab.created(**lab.here, since=id_) not in (id_, whole)


def added(model: type[Stored], lab: Lab) -> Row:
    if model is Room:
        return a_room(lab.experiment)
    if model is Participant:
        return a_participant(lab.room)
    [data_type] = [each for each in RecordType if each.value.model is model]
    return A_RECORD[data_type](lab.person)


PLACES: list[type[Stored]] = [Room, Participant]
RECORDS: list[type[Stored]] = [data_type.value.model for data_type in RecordType]


@pytest.mark.parametrize("model", PLACES + RECORDS, ids=lambda model: model.__name__)
async def test_any_row_that_comes_changes_or_goes_makes_a_new_one(
    lab: Lab, model: type[Stored]
) -> None:
    ids = [await completed(lab)]
    row = added(model, lab)
    await save(lab.api.db, row)
    ids.append(await completed(lab))
    this = col(model.id) == row.key
    change = {"status": "ACTIVE"} if model in PLACES else {"onset": 7}
    async with lab.api.db.write() as tx:
        await tx.execute(update(model).where(this).values(**change))
    ids.append(await completed(lab))
    async with lab.api.db.write() as tx:
        await tx.execute(delete(model).where(this))
    ids.append(await completed(lab))

    assert len(set(ids)) == len(ids)
    assert await lab.created(**lab.here) == ids[-1]


@pytest.mark.parametrize("change", [{"name": "Another"}, {"roles": ["x"]}], ids=str)
async def test_a_change_of_the_experiment_makes_a_new_one(lab: Lab, change: dict[str, Any]) -> None:
    id_ = await completed(lab)
    async with lab.api.db.write() as tx:
        this = col(Experiment.id) == lab.experiment.key
        await tx.execute(update(Experiment).where(this).values(**change))

    assert await lab.created(**lab.here) != id_


async def test_a_row_that_came_and_went_makes_a_new_one(lab: Lab) -> None:
    id_ = await completed(lab)
    event = an_event(lab.person)
    await save(lab.api.db, event)
    async with lab.api.db.write() as tx:
        await tx.execute(delete(event.model).where(col(event.model.id) == event.key))

    assert await lab.created(**lab.here) != id_  # it may have been someone else's meanwhile


@pytest.mark.parametrize("status", ["CREATED", "RUNNING", "FAILED", "CANCELED", "EXPIRED"])
async def test_what_is_not_finished_is_not_given_again(lab: Lab, status: str) -> None:
    id_ = await completed(lab)
    await put(lab, id_, status=status)

    assert await lab.created(**lab.here) != id_


async def test_what_is_about_to_be_deleted_is_not_given_again(lab: Lab) -> None:
    id_ = await completed(lab)
    await put(lab, id_, expires_at=now())

    assert await lab.created(**lab.here) != id_


async def test_a_file_that_is_gone_is_made_anew(lab: Lab) -> None:
    older, newer = await completed(lab), await completed(lab, idempotencyKey="newer")
    await Storage((lab.folder / "files").as_uri()).delete(f"exports/{key_of(newer)}/1/out.zip")

    assert await lab.created(**lab.here) == older
    await Storage((lab.folder / "files").as_uri()).delete(f"exports/{key_of(older)}/1/out.zip")
    assert await lab.created(**lab.here) not in (older, newer)


async def test_it_is_given_to_its_maker_alone(lab: Lab) -> None:
    id_ = await completed(lab)
    administrator = a_user(role="ADMINISTRATOR")
    await save(lab.api.db, administrator)

    assert await lab.created(await lab.api.key_of(administrator.key), **lab.here) != id_


async def test_a_deleted_one_is_made_anew(lab: Lab) -> None:
    id_ = await completed(lab)
    await lab.ask("exportDelete", DELETE, id=id_)

    assert await lab.created(**lab.here) != id_


async def test_asked_for_at_once_one_key_is_one_export(lab: Lab) -> None:
    wanted = {**lab.here, "idempotencyKey": "at once"}

    ids = await asyncio.gather(*(lab.created(**wanted) for _ in range(6)))

    assert len(set(ids)) == 1
