"""Deletes what an experiment holds, some at a time: files first, then rows, the innermost first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, delete, func, inspect, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Table
from server.partitions.dropping import drop
from server.partitions.tables import PARTITIONED, has_own
from server.records import RecordType
from server.records.data_requests import DataRequest, ParticipantToken
from server.records.participants import Participant, Pseudonym
from server.records.quarantine import QuarantinedRecord
from server.records.recordings import Recording
from server.records.rooms import Room
from server.records.sealed import SealedParticipant, SealedRecord
from server.records.time_shifts import TimeShift
from server.records.withdrawals import Withdrawal
from server.timestamps import Timestamp

_TITLES: Sequence[tuple[type[Table], str]] = (
    *((each.value.model, each.value.title) for each in RecordType),
    (QuarantinedRecord, "records in quarantine"),
    (SealedRecord, "sealed records"),
    (Withdrawal, "withdrawals"),
    (ParticipantToken, "links to ask for data"),
    (DataRequest, "requests for data"),
    (Pseudonym, "codes"),
    (TimeShift, "time shifts"),
    (Participant, "participants"),
    (SealedParticipant, "sealed participants"),
    (Room, "rooms"),
)
"""The tables in the order in which they are emptied, and what people call their rows."""

FILES, BYTES = "files", "bytes"
"""What is counted of media."""


@dataclass(frozen=True, slots=True)
class File:
    """A recording's file: the table and the key of its row, where it lies, and its size in bytes.

    The row is a recording's, or what is sealed of one.
    """

    model: type[Recording | SealedRecord]
    key: int
    name: str
    size: int


async def files(tx: AsyncConnection, experiment_key: int, most: int) -> list[File]:
    """Return some of the files that recordings of an experiment have, sealed ones as well."""
    size = func.coalesce(col(Recording.file_size), 0)
    found = await tx.execute(
        select(col(Recording.id), col(Recording.storage_key), size)
        .where(*_with_files(experiment_key))
        .limit(most)
    )
    some = [File(Recording, key, name, size) for key, name, size in found if key and name]
    if len(some) < most:
        some += await _sealed_files(tx, experiment_key, most - len(some))
    return some


async def _sealed_files(
    tx: AsyncConnection, experiment_key: int, most: int | None = None
) -> list[File]:
    sealed = await tx.execute(
        select(col(SealedRecord.id), col(SealedRecord.content))
        .where(col(SealedRecord.experiment_key) == experiment_key, _has_sealed_file())
        .limit(most)
    )
    rows = [(key, orjson.loads(content)) for key, content in sealed if key is not None]
    return [File(SealedRecord, key, row["storage_key"], row["file_size"] or 0) for key, row in rows]


async def without_files(tx: AsyncConnection, gone: Sequence[File], at: Timestamp) -> None:
    """Say in the rows of recordings that their files are gone; another file is let alone."""
    nothing = {"storage_key": None, "sha256": None, "file_deleted_at": at}
    for file in gone:
        this = col(file.model.id) == file.key
        if file.model is Recording:
            same = col(Recording.storage_key) == file.name
            await tx.execute(update(Recording).where(this, same).values(nothing))
        elif content := await tx.scalar(select(col(SealedRecord.content)).where(this)):
            row = orjson.dumps(orjson.loads(content) | nothing).decode()
            await tx.execute(update(SealedRecord).where(this).values(content=row))


async def delete_rows(tx: AsyncConnection, experiment_key: int, most: int) -> dict[str, int]:
    """Delete some rows of an experiment; return how many of what, nothing once all are gone.

    A recording that has a file stays: the file goes first. What the experiment has in a partition
    of its own goes at once; Held if somebody reads it just then.
    """
    for each in PARTITIONED:
        if await has_own(tx, each, experiment_key):
            return {each.value.title: await drop(tx, each, experiment_key)}
    for model, title in _TITLES:
        key, which = _of(model, experiment_key)
        some = select(key).where(*which).limit(most)
        gone = (await tx.execute(delete(model).where(key.in_(some), *which))).rowcount
        if gone:
            return {title: gone}
    return {}


async def has_files(tx: AsyncConnection, experiment_key: int) -> bool:
    """Say whether any recording of an experiment has a file."""
    return bool(await files(tx, experiment_key, 1))


async def has_rows(tx: AsyncConnection, experiment_key: int) -> bool:
    """Say whether there is anything that `delete_rows` would delete, or a file."""
    for model, _ in _TITLES:
        key, which = _of(model, experiment_key)
        if (await tx.execute(select(key).where(*which).limit(1))).first() is not None:
            return True
    return await has_files(tx, experiment_key)


async def count_files(tx: AsyncConnection, experiment_key: int) -> tuple[int, int]:
    """Return how many files the recordings of an experiment have, and how many bytes in all."""
    size = func.coalesce(func.sum(col(Recording.file_size)), 0)
    found = await tx.execute(select(func.count(), size).where(*_with_files(experiment_key)))
    count, total = tuple[Any, ...](found.one())
    sealed = await _sealed_files(tx, experiment_key)
    return int(count) + len(sealed), int(total) + sum(file.size for file in sealed)


def _with_files(experiment_key: int) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Recording.experiment_key) == experiment_key,
        col(Recording.storage_key).is_not(None),
    )


def _has_sealed_file() -> ColumnElement[bool]:
    """Return the clause that keeps what is sealed of recordings that have a file."""
    nowhere = col(SealedRecord.content).contains('"storage_key":null')
    return and_(col(SealedRecord.data_type) == RecordType.RECORDINGS.name, not_(nowhere))


def _of(
    model: type[Table], experiment_key: int
) -> tuple[ColumnElement[Any], tuple[ColumnElement[bool], ...]]:
    """Return a column that names the rows of a table, and which of them are an experiment's."""
    columns = inspect(model).columns
    if model is TimeShift:
        rooms = select(col(Room.id)).where(col(Room.experiment_key) == experiment_key)
        return columns["room_key"], (columns["room_key"].in_(rooms),)
    here = columns["experiment_key"] == experiment_key
    if model is Pseudonym:
        return columns["participant_id"], (here,)
    if model is Recording:
        return columns["id"], (here, columns["storage_key"].is_(None))
    if model is SealedRecord:
        return columns["id"], (here, not_(_has_sealed_file()))
    return columns["id"], (here,)
