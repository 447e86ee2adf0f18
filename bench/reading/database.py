"""The database that all servers read: five million ratings, and all else in proportion."""

import asyncio
import json
import shutil
import time
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.reading.samples import Study, records
from server.api_keys import issue
from server.db import Database
from server.demo.tables import indexes_built_after, put_columns, put_one
from server.migrate import head, migrate
from server.records import RecordType
from server.records.experiments import Experiment, ExperimentStatus
from server.records.participants import Participant, ParticipantStatus
from server.records.rooms import Room, RoomStatus
from server.records.users import User, UserRole
from server.timestamps import Timestamp

DATA = Path(__file__).parent.parent / ".data"
VERSION = 1
"""Raised when what is built here changes, so that an older database is not taken for it."""

OPENED = 1_767_225_600_000
DAY = 86_400_000


STUDIES = [Study(number, rooms=5, ratings=200, events=150, few=60) for number in range(1, 61)]
LARGE = Study(99, rooms=50, ratings=25_000, events=200, few=60)
"""The newest, hence not on the first page of experiments: what Q1, Q3 and Q4 look into."""
SEATS = 4


@dataclass(frozen=True)
class Built:
    """A database, and the key of the researcher who owns all that is in it."""

    folder: Path
    key: str

    @property
    def file(self) -> Path:
        return self.folder / "hyperdata.db"


def database() -> Built:
    """Return the database, built the first time and whenever the schema has changed."""
    folder = DATA / f"{head()}-{VERSION}"
    kept = folder / "key.json"
    if not kept.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        start = time.monotonic()
        print("building the database: a few minutes, once ...", flush=True)
        key = asyncio.run(_build(folder / "hyperdata.db"))
        kept.write_text(json.dumps(key))
        print(f"built in {time.monotonic() - start:.0f} s")
    return Built(folder, json.loads(kept.read_text()))


async def _build(file: Path) -> str:
    db = Database(f"sqlite+aiosqlite:///{file}")
    try:
        await migrate(db)
        async with db.write() as tx:
            owner = await put_one(
                tx,
                User(
                    user_id="usr_bench",
                    name="Dr. Bench",
                    role=UserRole.RESEARCHER,
                    email="bench@example.org",
                    created_at=Timestamp(OPENED),
                ),
            )
            key = await issue(tx, owner, "bench")
            async with indexes_built_after(tx, [each.value.model for each in RecordType]):
                for study in [*STUDIES, LARGE]:
                    await _put_study(tx, study, owner)
        return key
    finally:
        await db.close()


async def _put_study(tx: AsyncConnection, study: Study, owner: int) -> None:
    experiment = await put_one(
        tx,
        Experiment(
            experiment_id=study.experiment_id,
            name=f"Study {study.number}",
            description="Made to be measured.",
            status=list(ExperimentStatus)[study.number % 3],
            created_at=Timestamp(OPENED + study.number * DAY),
            updated_at=Timestamp(OPENED + study.number * DAY),
            roles=["host", "viewer"],
            required_participants=SEATS,
            owner_key=owner,
        ),
    )
    for number in range(1, study.rooms + 1):
        start = OPENED + (100 + study.number) * DAY + number * 4 * 3_600_000
        room = await put_one(
            tx,
            Room(
                room_id=f"room_bench{study.number:02}_{number:02}",
                status=RoomStatus.COMPLETED,
                start_time=Timestamp(start - 60_000),
                end_time=Timestamp(start + 3_600_000),
                experiment_start=Timestamp(start),
                completion_reason="all_participants_finished",
                experiment_key=experiment,
            ),
        )
        for seat in range(1, SEATS + 1):
            place = {"experiment_key": experiment, "room_key": room}
            person = person_id(study, number, seat)
            key = await put_one(
                tx,
                Participant(
                    participant_id=person,
                    role="host" if seat == 1 else "viewer",
                    status=ParticipantStatus.COMPLETED,
                    joined_at=Timestamp(start - 60_000 + 1000 * seat),
                    completed_at=Timestamp(start + 3_600_000),
                    completion_code="SUCCESS",
                    **place,
                ),
            )
            chance = np.random.default_rng([study.number, number, seat])
            for data_type, columns in records(study, person, start, chance):
                constant = {name: repeat(value) for name, value in place.items()}
                await put_columns(
                    tx,
                    data_type.value.model,
                    {**columns, **constant, "participant_key": repeat(key)},
                )


def person_id(study: Study, room: int, seat: int) -> str:
    """Return the public id of who took a seat of a room."""
    return f"bench{study.number:02}room{room:02}seat{seat:02}".ljust(28, "x")
