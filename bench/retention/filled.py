"""A database with two experiments: one whose time is over, and one that is read meanwhile."""

import asyncio
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.ingest.samples import START, batches, stored
from server.api_keys import issue
from server.db import Database
from server.filling import fill
from server.migrate import migrate
from server.records.continuous_ratings import ContinuousRating
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.records.retention import RetentionPolicy, RetentionStep
from server.records.rooms import Room
from server.records.users import User
from server.timestamps import now

PEOPLE = 50
"""In the one room of each experiment."""

READ_ROOM = "room_2"
READ_ROWS = 100_000
DAY = 24 * 3600 * 1000


def filled(folder: Path, rows: int) -> str:
    """Make the database, with so many rows to delete; return an API key of the owner's."""
    return asyncio.run(_filled(folder, rows))


def expire(folder: Path) -> None:
    """Let both notices have been given, and the deletion begin."""
    asyncio.run(_expire(folder))


def rows_left(folder: Path) -> int:
    """Return how many rows there still are of what is to be deleted."""
    return asyncio.run(_rows_left(folder))


async def _filled(folder: Path, rows: int) -> str:
    db = _database(folder)
    await migrate(db)
    async with db.write() as tx:
        user = {"id": 1, "user_id": "usr_bench", "name": "Bench", "role": "RESEARCHER"}
        await tx.execute(insert(User), [{**user, "created_at": START}])
        for number in (1, 2):
            await _place(tx, number)
        key: str = await issue(tx, 1, "bench", ["*"])
    for number, count in ((1, rows), (2, READ_ROWS)):
        keys = [number * 1000 + person for person in range(PEOPLE)]
        for batch in batches(count):
            place = {"experiment_key": number, "room_key": number}
            some = [
                {**stored(each, [0] * 4), **place, "participant_key": keys[each % PEOPLE]}
                for each in batch
            ]
            async with db.write() as tx:
                await fill(tx, ContinuousRating, some)
    await db.close()
    return key


async def _place(tx: AsyncConnection, number: int) -> None:
    times = {"created_at": START, "updated_at": START, "completed_at": START, "owner_key": 1}
    lists = {"roles": [], "fields_not_collected": [], "participants_may_request_data": False}
    experiment = {"id": number, "experiment_id": f"exp_{number}", "name": "Bench"}
    await tx.execute(insert(Experiment), [{**experiment, "status": "COMPLETED", **times, **lists}])
    room = {"id": number, "room_id": f"room_{number}", "status": "COMPLETED"}
    place = {"experiment_key": number}
    await tx.execute(insert(Room), [{**room, **place, "experiment_start": START}])
    people = [
        {
            "id": number * 1000 + person,
            "participant_id": f"person{person:022}",
            "status": "COMPLETED",
            "room_key": number,
            **place,
        }
        for person in range(PEOPLE)
    ]
    await tx.execute(insert(Participant), people)


async def _expire(folder: Path) -> None:
    db, at = _database(folder), now()
    due = at - DAY
    policy = {"experiment_key": 1, "delete_at": due, "reminder_days": 14}
    notices = {"first_notice_at": at - 9 * DAY, "last_notice_at": at - 2 * DAY}
    step = {"experiment_key": 1, "action": "DELETE_DATA", "due_at": due, "started_at": at}
    async with db.write() as tx:
        await tx.execute(insert(RetentionPolicy), [policy])
        await tx.execute(insert(RetentionStep), [{**step, **notices}])
    await db.close()


async def _rows_left(folder: Path) -> int:
    db = _database(folder)
    async with db.read() as tx:
        counted = "SELECT coalesce(sum(record_count), 0) FROM tally WHERE experiment_key = 1"
        left: int = (await tx.exec_driver_sql(counted)).scalar_one()
    await db.close()
    return left


def _database(folder: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{folder}/hyperdata.db")
