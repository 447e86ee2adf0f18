"""Shifted times: when it was is not told, and what lies between two moments is."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlmodel import col

from server.db import Database
from server.export.pseudonyms import assign_pseudonyms
from server.export.time_shifts import LEAST, MOST
from server.records import RecordType
from server.records.exports import Anonymization, ExportFormat
from server.records.time_shifts import TimeShift
from server.timestamps import iso
from tests.factories import START, Row, a_participant, a_recording, a_room, an_event, save
from tests.studies import Study
from tests.warm_worker import (
    JSON,
    ONE,
    ZIP,
    Exported,
    Worker,
    exported,
    plan_of,
    recipe_of,
    text_in,
)

pytestmark = pytest.mark.anyio

SHIFTED: dict[str, Any] = {"shift_times": True}
REMOVE: dict[str, Any] = {"anonymization": Anonymization.REMOVE_IDENTIFIERS}
DAY = START // 86_400_000 * 86_400_000


async def shifts_of(db: Database) -> dict[int, int]:
    statement = select(col(TimeShift.room_key), col(TimeShift.milliseconds))
    async with db.read() as tx:
        return {room: shift for room, shift in await tx.execute(statement)}  # noqa: C416 - rows


def moments(value: Any) -> list[Any]:
    """Return all times that stand in a document, in its order."""
    if isinstance(value, list):
        return [moment for item in value for moment in moments(item)]
    if isinstance(value, dict):
        return [moment for item in value.values() for moment in moments(item)]
    return [value] if isinstance(value, str) and value[4:5] == "-" and value[-1:] == "Z" else []


def milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


async def of_all(worker: Worker, db: Database, folder: Path, study: Study, **recipe: Any) -> Any:
    """Return a document of all experiments."""
    chosen = {"experiments": study.experiments, "format": JSON, "packaging": ONE}
    return (await exported(worker, db, folder, **{**chosen, **recipe})).json()


@pytest.fixture
async def study(db: Database) -> Study:
    """A study in which every column of times is filled."""
    made = Study()
    for person in made.people:
        person["completed_at"] = START + 599_000
    for row in made.records[RecordType.EVENTS]:
        row["client_timestamp"] = row["timestamp"] + 7
    for row in made.records[RecordType.RECORDINGS]:
        row |= {"start_time": row["timestamp"], "end_time": row["timestamp"] + 90_000}
    await made.save(db)
    return made


@pytest.mark.parametrize("level", [Anonymization.KEEP, Anonymization.REMOVE_IDENTIFIERS])
async def test_all_times_of_a_room_are_moved_by_its_own_shift(
    worker: Worker, db: Database, study: Study, tmp_path: Path, level: Anonymization
) -> None:
    plain = await of_all(worker, db, tmp_path, study, anonymization=level)
    moved = await of_all(worker, db, tmp_path, study, anonymization=level, **SHIFTED)
    shifts = await shifts_of(db)

    assert set(shifts) == {room.key for room in study.rooms}
    assert len(set(shifts.values())) == len(study.rooms)
    assert all(LEAST <= shift <= MOST for shift in shifts.values())
    rooms = [room for experiment in plain["experiments"] for room in experiment["rooms"]]
    others = [room for experiment in moved["experiments"] for room in experiment["rooms"]]
    for room, before, after in zip(study.rooms, rooms, others, strict=True):
        apart = {
            milliseconds(was) - milliseconds(is_now)
            for was, is_now in zip(moments(before), moments(after), strict=True)
        }
        assert apart == {shifts[room.key]}
        assert len(moments(before)) > 7 * 2 * 5  # every record's, and the columns beside
        assert without_moments(before) == without_moments(after)


def without_moments(value: Any) -> Any:
    if isinstance(value, list):
        return [without_moments(item) for item in value]
    if isinstance(value, dict):
        return {name: without_moments(item) for name, item in value.items()}
    return None if moments(value) else value


async def test_an_experiment_lies_in_no_room_and_has_no_times(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    moved = await of_all(worker, db, tmp_path, study, **SHIFTED)
    for experiment in moved["experiments"]:
        assert (experiment["createdAt"], experiment["updatedAt"]) == (None, None)


@pytest.mark.parametrize("file_format", ExportFormat)
@pytest.mark.parametrize("packaging", [ONE, ZIP])
async def test_the_day_is_nowhere_in_the_file(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: Any, packaging: Any
) -> None:
    asked = {"timestamp": {"gte": DAY}, "or_": [{"client_timestamp": {"gte": DAY}}]}
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=study.experiments,
        types=[RecordType.EVENTS],
        filters={"EVENTS": asked},
        format=file_format,
        packaging=packaging,
        snapshot_at=START + 90 * 86_400_000,
        title="exp_1",
        **SHIFTED,
        **REMOVE,
    )
    parts = made.members().values() if packaging is ZIP else [made.path.read_bytes()]
    assert all(iso(DAY)[:10] not in text_in(part) for part in parts)
    about = _about(made, file_format, packaging)
    assert about["timesShifted"] is True
    assert about["selection"]["filters"]["EVENTS"]["timestamp"] == "[time removed]"
    shifts = await shifts_of(db)
    told = json.dumps([about, made.done])
    assert [secret for secret in (DAY, *shifts.values()) if str(secret) in told] == []


def _about(made: Exported, file_format: Any, packaging: Any) -> Any:
    if packaging is ZIP:
        return made.json("metadata.json")
    return made.json()["metadata"] if file_format is JSON else made.manifest["metadata"]


async def test_a_shift_is_given_once_and_for_good(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    [one, *_] = study.people
    await exported(worker, db, tmp_path, participants=[one], **SHIFTED)
    first = await shifts_of(db)
    await exported(worker, db, tmp_path, experiments=study.experiments, **SHIFTED)
    then = await shifts_of(db)

    assert set(first) == {study.rooms[0].key}
    assert first.items() <= then.items()
    assert len(then) == len(study.rooms)


async def test_nobody_is_given_a_shift_who_does_not_ask_for_it(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments, **REMOVE)
    assert await shifts_of(db) == {}
    assert made.json("metadata.json")["timesShifted"] is False


async def test_without_a_shift_nothing_is_written(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    recipe = await recipe_of(db, experiments=study.experiments, **SHIFTED)
    plan = await plan_of(db, tmp_path, recipe)
    async with db.write() as tx:
        await tx.execute(delete(TimeShift).where(col(TimeShift.room_key) == study.rooms[1].key))
    worker.say(plan.command("job"))
    while "progress" in (message := worker.hear()):
        pass
    assert message["failed"]["code"] == "INTERNAL"


async def test_missing_times_stay_missing(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    room: Row = a_room(study.experiments[0], end_time=None, experiment_start=None)
    person = a_participant(room)
    await save(db, room, person, a_recording(person), an_event(person))
    made = await of_all(
        worker, db, tmp_path, study, experiments=[], rooms=[room], **SHIFTED, **REMOVE
    )
    [shown] = made["experiments"][0]["rooms"]
    assert (shown["endTime"], shown["experimentStart"]) == (None, None)
    assert shown["participants"][0]["recordings"][0]["startTime"] is None
    assert shown["startTime"] is not None


async def test_shifts_are_given_in_either_database(any_db: Database) -> None:
    study = Study()
    await study.save(any_db)
    for _ in range(2):
        recipe = await recipe_of(any_db, experiments=study.experiments, **SHIFTED)
        async with any_db.write() as tx:
            await assign_pseudonyms(tx, recipe)
    assert set(await shifts_of(any_db)) == {room.key for room in study.rooms}
