"""Fills an empty database with the demo data, room by room, and a folder with their files."""

from collections.abc import Iterable
from itertools import repeat
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db import Database
from server.demo.accounts import DemoPeople, put_accounts, share
from server.demo.captures import File, capture
from server.demo.places import experiment, participant, session
from server.demo.rooms import PlannedRoom, planned_rooms
from server.demo.series import continuous_ratings, sync_metrics
from server.demo.stories import Numbering, Story
from server.demo.studies import STUDIES
from server.demo.tables import indexes_built_after, put_columns, put_one, put_rows, table_of
from server.demo.timelines import tell
from server.errors import BadUserInput
from server.records import RecordType
from server.records.continuous_ratings import ContinuousRating
from server.records.sync_metrics import SyncMetric
from server.records.users import User

SEED = 20261122


async def fill(
    db: Database, storage_folder: Path, *, scale: int = 1, seed: int = SEED
) -> DemoPeople:
    """Fill an empty, migrated database in one transaction: all of it is there, or nothing.

    One unit of scale is eight rooms of two: 38,000 ratings. The same seed and scale give
    the same rows.
    """
    async with db.write() as tx:
        if (await tx.execute(select(table_of(User).c.id).limit(1))).first() is not None:
            raise BadUserInput("There are data already: give the demo a database of its own.")
        people = await put_accounts(tx, seed)
        experiments: dict[str, int] = {}
        async with indexes_built_after(tx, [each.value.model for each in RecordType]):
            for study in STUDIES:
                key = await put_one(tx, experiment(study, people.owner))
                experiments[study.stem] = key
                for room in planned_rooms(study, scale, seed):
                    _store(storage_folder, await _put_room(tx, room, key))
        await share(tx, experiments, people)
    return people


async def _put_room(tx: AsyncConnection, room: PlannedRoom, experiment_key: int) -> list[File]:
    """Insert a room with all that is in it, and return the files of its recordings."""
    room_key = await put_one(tx, session(room, experiment_key))
    ids = Numbering(room)
    files: list[File] = []
    for seat in room.seats:
        key = await put_one(tx, participant(room, seat, experiment_key, room_key))
        place = {
            "experiment_key": experiment_key,
            "room_key": room_key,
            "participant_key": key,
        }
        story = Story(room, seat, ids)
        tell(story)
        files += capture(story)
        for model, rows in story.rows.items():
            rows.sort(key=lambda row: row["onset"])
            for row in rows:
                row.update(place, timestamp=room.start + row["onset"])
            await put_rows(tx, model, rows)
        constant = {name: repeat(value) for name, value in place.items()}
        for columns in continuous_ratings(story):
            await put_columns(tx, ContinuousRating, {**columns, **constant})
        for columns in sync_metrics(story):
            await put_columns(tx, SyncMetric, {**columns, **constant})
    return files


def _store(folder: Path, files: Iterable[File]) -> None:
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
