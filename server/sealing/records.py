"""Records on their way into the seal: some at a time, each just as it was."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, insert, inspect, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.column_types import JsonType
from server.db import Stored
from server.key_lists import among
from server.records import RecordType
from server.records.chat_messages import ChatMessage
from server.records.quarantine import QuarantinedRecord
from server.records.rooms import Room
from server.records.sealed import SealedRecord
from server.sealing.store import Seat

QUARANTINE = "QUARANTINE"
"""What stands for a data type where a sealed record had been refused."""

AT_ONCE = 1_000
"""How many rows are moved in one transaction: a tenth of a second."""

_START = "start of room"
"""What a room's experiment start is called beside a record's columns."""


async def seal_records(
    tx: AsyncConnection, record_type: RecordType, seat: Seat, participant_id: str
) -> int:
    """Take some of a participant's records out of their table; return how many."""
    model = record_type.value.model
    columns = inspect(model).columns
    room_key, key = seat
    theirs = columns["participant_key"] == key
    if record_type is RecordType.CHAT_MESSAGES:  # what they wrote, whoever it is kept with
        wrote = col(ChatMessage.sender_id) == participant_id
        theirs = or_(theirs, (columns["room_key"] == room_key) & wrote)
    found = await tx.execute(
        select(*_as_stored(columns), col(Room.experiment_start).label(_START))
        .join(Room, col(Room.id) == columns["room_key"])
        .where(theirs)
        .order_by(columns["id"])
        .limit(AT_ONCE)
        .with_for_update(of=model)  # a file may just be given to a recording
    )
    rows = [dict(row) for row in found.mappings()]
    sealed = [_sealed(record_type.name, key, row) for row in rows]
    return await _move(tx, model, sealed)


async def seal_quarantined(
    tx: AsyncConnection, experiment_key: int, seat: Seat, participant_id: str, types: list[str]
) -> int:
    """Take some of what was refused of a participant's records out of quarantine, by types."""
    columns = inspect(QuarantinedRecord).columns
    here = select(col(Room.room_id)).where(col(Room.id) == seat[0])
    untold = [] if len(types) < len(RecordType) else [columns["data_type"].is_(None)]
    found = await tx.execute(
        select(*(column for column in columns))
        .where(
            columns["experiment_key"] == experiment_key,
            columns["participant_id"] == participant_id,
            columns["room_id"].in_(here),
            or_(columns["data_type"].in_(types), *untold),
        )
        .limit(AT_ONCE)
    )
    rows = [dict(row) | {"room_key": seat[0]} for row in found.mappings()]
    return await _move(tx, QuarantinedRecord, [_sealed(QUARANTINE, seat[1], row) for row in rows])


def _as_stored(columns: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401 - a mapper's
    """Return columns of which JSON is read as the text that it is."""
    return [
        cast(column, Text).label(column.key) if isinstance(column.type, JsonType) else column
        for column in columns
    ]


def _sealed(name: str, participant_key: int, row: dict[str, Any]) -> dict[str, Any]:
    start = row.pop(_START, None)
    return {
        "experiment_key": row["experiment_key"],
        "room_key": row["room_key"],
        "participant_key": participant_key,
        "data_type": name,
        "record_key": row["id"],
        "content": json.dumps(row, ensure_ascii=False, separators=(",", ":")),
        "sender_id": row.get("sender_id"),
        "sender_name": row.get("sender_name"),
        "room_start": start,
        "displaced": False,
    }


async def _move(tx: AsyncConnection, model: type[Stored], sealed: Sequence[dict[str, Any]]) -> int:
    if sealed:
        await tx.execute(insert(SealedRecord), sealed)
        keys = [each["record_key"] for each in sealed]
        await tx.execute(delete(model).where(among(inspect(model).columns["id"], keys)))
    return len(sealed)
