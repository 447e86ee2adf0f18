"""Puts what is refused into quarantine, and takes out what is accepted after all."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.ingest.reading import said_by
from server.ingest.refusals import Refusal
from server.records.quarantine import QuarantinedRecord
from server.timestamps import Timestamp

LONGEST_NAME = 200
"""Characters of a name that is shown beside a record: longer ones are in the record alone."""

_ASKED = 5_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A record that is refused, and the experiment that it is for, if that is known."""

    record: object
    refusal: Refusal
    experiment_key: int | None = None


def digest(record: object) -> str:
    """Return what tells a record from any other: not how its fields are ordered."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


async def keep(
    tx: AsyncConnection, sender_key: int, at: Timestamp, refused: Iterable[Kept]
) -> None:
    """Put records into quarantine; what is there already is told the newest reason."""
    rows = {row["digest"]: row for row in (_row(sender_key, at, each) for each in refused)}
    there = await _among(tx, sender_key, list(rows))
    changed = [row for name, row in rows.items() if name in there]
    if added := [row for name, row in rows.items() if name not in there]:
        await tx.execute(insert(QuarantinedRecord), added)
    for row in changed:
        await tx.execute(
            update(QuarantinedRecord)
            .where(col(QuarantinedRecord.id) == there[row["digest"]])
            .values(row)
        )


async def has_any(tx: AsyncConnection, sender_key: int) -> bool:
    """Say whether anything that an account sent is in quarantine."""
    mine = col(QuarantinedRecord.sender_key) == sender_key
    return await tx.scalar(select(col(QuarantinedRecord.id)).where(mine).limit(1)) is not None


async def release(tx: AsyncConnection, sender_key: int, records: Iterable[object]) -> None:
    """Take out records that are among the accepted ones by now."""
    there = await _among(tx, sender_key, [digest(record) for record in records])
    if there:
        keys = list(there.values())
        await tx.execute(delete(QuarantinedRecord).where(col(QuarantinedRecord.id).in_(keys)))


async def _among(tx: AsyncConnection, sender_key: int, names: Sequence[str]) -> dict[str, int]:
    there: dict[str, int] = {}
    for start in range(0, len(names), _ASKED):
        found = await tx.execute(
            select(col(QuarantinedRecord.digest), col(QuarantinedRecord.id)).where(
                col(QuarantinedRecord.sender_key) == sender_key,
                col(QuarantinedRecord.digest).in_(names[start : start + _ASKED]),
            )
        )
        there.update((name, key) for name, key in found if key is not None)
    return there


def _row(sender_key: int, at: Timestamp, kept: Kept) -> dict[str, Any]:
    record, refusal = kept.record, kept.refusal
    said = said_by(record)
    return {
        "refused_at": at,
        "code": refusal.code.value,
        "field": refusal.field,
        "message": refusal.message,
        "data_type": _name(said.get("dataType")),
        "room_id": _name(said.get("roomId")),
        "participant_id": _name(said.get("participantId")),
        "record": record,
        "experiment_key": kept.experiment_key,
        "sender_key": sender_key,
        "digest": digest(record),
    }


def _name(said: object) -> str | None:
    if isinstance(said, str) and len(said) <= LONGEST_NAME and said.isprintable():
        return said
    return None
