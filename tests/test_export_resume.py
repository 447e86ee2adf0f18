"""An export whose writer is killed is gone on with, and ends with an undisturbed one's bytes."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert

from server.db import Database
from server.export.tables import Plan
from server.migrate import migrate
from server.records import RecordType
from server.records.events import Event
from tests.factories import (
    START,
    Row,
    a_chat_message,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    save,
)
from tests.folders import files_below
from tests.warm_worker import CSV, JSON, ONE, ZIP, Worker, plan_of, recipe_of, working

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]

EVENTS = 150_000
"""More than two segments of a table of texts."""

STILL = range(30_000, 110_000)
"""Those of them that a clock which stood still gave one time: more than two segments, too."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Row]:
    """A database with one large room and some small ones."""
    file = tmp_path_factory.mktemp("lab") / "test.db"

    async def fill() -> Row:
        db = Database(f"sqlite+aiosqlite:///{file}")
        await migrate(db)
        owner = a_user()
        experiment = an_experiment(owner)
        rooms = [a_room(experiment) for _ in range(4)]
        people = [a_participant(room) for room in rooms for _ in range(2)]
        chat = [a_chat_message(person, onset=n) for person in people for n in range(50)]
        await save(db, owner, experiment, *rooms, *people, *chat)
        async with db.write() as tx:
            await tx.execute(insert(Event), list(_events(people)))
        await db.close()
        return experiment

    return file, asyncio.run(fill())


def _events(people: list[Row]) -> Iterator[dict[str, Any]]:
    chance = Random(7)
    for n in range(EVENTS):
        person = people[n % 2] if n % 50 else people[2 + n // 50 % 6]
        onset = (STILL.start if n in STILL else n) // 4 - 1000
        yield {
            "experiment_key": person["experiment_key"],
            "room_key": person["room_key"],
            "participant_key": person.key,
            "event_id": f"evt_{n}",
            "event_type": "component.response",
            "timestamp": START + onset,
            "onset": onset,
            "content": f"said {chance.random()}",
            "response": {"value": n, "responseTime": chance.randrange(10_000)},
        }


@pytest.fixture
async def db(lab: tuple[Path, Row]) -> Any:
    database = Database(f"sqlite+aiosqlite:///{lab[0]}")
    yield database
    await database.close()


async def plan_for(db: Database, experiment: Row, folder: Path, **recipe: Any) -> Plan:
    plan = await plan_of(db, folder, await recipe_of(db, experiments=[experiment], **recipe))
    return replace(plan, checkpoint_seconds=0.0)


def finish(worker: Worker, plan: Plan) -> tuple[dict[str, Any], list[int]]:
    """Carry a plan out; return what was said at the end, and the counts of rows before."""
    worker.say(plan.command("job"))
    rows = []
    while "progress" in (message := worker.hear()):
        rows.append(message["progress"]["rows"])
    done: dict[str, Any] = message["done"]
    return done, rows


def certain_rows(plan: Plan) -> int:
    """Return how many rows are certain, by the last checkpoint."""
    note = Path(plan.spool) / "work" / "state.json"
    rows: int = json.loads(note.read_bytes())["state"]["rows"] if note.exists() else 0
    return rows


def kill_after_a_checkpoint(plan: Plan) -> None:
    """Begin to carry a plan out, or go on, and kill the worker once more rows are certain."""
    before = certain_rows(plan)
    with working() as worker:
        worker.say(plan.command("job"))
        deadline = time.monotonic() + 60
        while certain_rows(plan) == before:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        worker.process.kill()


ONE_TYPE = {"types": [RecordType.EVENTS]}
KINDS: dict[str, dict[str, Any]] = {
    "one CSV": {"format": CSV, "packaging": ONE, **ONE_TYPE},
    "CSV in ZIP": {"format": CSV, "packaging": ZIP},
    "JSON in ZIP": {"format": JSON, "packaging": ZIP},
    "one document": {"format": JSON, "packaging": ONE},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_killed_writer_is_followed_by_one_that_goes_on(
    lab: tuple[Path, Row], db: Database, tmp_path: Path, kind: str, worker: Worker
) -> None:
    plain = await plan_for(db, lab[1], tmp_path / "plain", **KINDS[kind])
    undisturbed, counts = finish(worker, plain)
    assert counts[0] == 0

    plan = await plan_for(db, lab[1], tmp_path / "killed", **KINDS[kind])
    for _ in range(2):
        kill_after_a_checkpoint(plan)
        assert [path for path in files_below(tmp_path / "killed") if path.is_file()] == []
    done, counts = finish(worker, plan)

    assert counts[0] > 0  # it did not begin anew
    assert done["sha256"] == undisturbed["sha256"]
    assert done == undisturbed


async def test_what_was_begun_of_other_data_is_not_gone_on_with(
    lab: tuple[Path, Row], db: Database, tmp_path: Path, worker: Worker
) -> None:
    plan = await plan_for(db, lab[1], tmp_path / "killed", **KINDS["one CSV"])
    kill_after_a_checkpoint(plan)

    changed = replace(plan, revisions=((lab[1].key, 1),))
    _, counts = finish(worker, changed)

    assert counts[0] == 0


async def test_a_file_that_somebody_still_writes_is_left_to_them(
    lab: tuple[Path, Row], db: Database, tmp_path: Path, worker: Worker
) -> None:
    plan = await plan_for(db, lab[1], tmp_path / "one", **KINDS["CSV in ZIP"])
    with working() as zombie:
        zombie.say(plan.command("job"))
        zombie.hear()
        done, counts = finish(worker, replace(plan, storage_key="exports/1-2/mine.zip"))
        while "done" not in (message := zombie.hear()):
            pass

    assert counts[0] == 0
    assert done["sha256"] == message["done"]["sha256"]
