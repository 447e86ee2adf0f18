"""What an experiment that is erased has in partitions of its own: hashed, then dropped at once."""

import asyncio
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from server.erasure.pieces import Piece, Run
from server.export.waiting import comes
from server.partitions.dropping import AGAIN_SECONDS, Held, drop
from server.partitions.tables import PARTITIONED, has_own
from server.records import RecordType
from server.records.erasures import ErasureKind

AT_ONCE = 5_000
"""How many rows are hashed in one transaction: a tenth of a second."""

_HASHED = "hashed"
"""Where it is kept, beside what is counted, up to which key a type's records are in the hash."""


async def drop_own(run: Run, stopping: asyncio.Event) -> None:
    """Drop an experiment's own partitions, once all that they hold is in the receipt's hash."""
    for each in PARTITIONED:
        while not stopping.is_set():
            try:
                async with run.piece() as piece:
                    if not await _goes_on(piece, each):
                        break
            except Held:  # an export reads what is to be dropped
                await comes(stopping, AGAIN_SECONDS)


async def _goes_on(piece: Piece, record_type: RecordType) -> bool:
    """Hash some records, or drop them all; False if there is no partition, or no longer."""
    is_whole = piece.kind is ErasureKind.EXPERIMENT
    if not is_whole or not await has_own(piece.tx, record_type, piece.experiment_key):
        return False
    model: Any = record_type.value.model
    hashed: dict[str, int] = piece.counts.setdefault(_HASHED, {})
    found = await piece.tx.execute(
        select(model)
        .where(
            col(model.experiment_key) == piece.experiment_key,
            col(model.id) > hashed.get(record_type.name, 0),
        )
        .order_by(col(model.id))
        .limit(AT_ONCE)
    )
    if rows := [dict(row) for row in found.mappings()]:
        piece.hash(rows)
        hashed[record_type.name] = rows[-1]["id"]
        return True
    gone = await drop(piece.tx, record_type, piece.experiment_key)
    piece.count("records", gone, record_type.name)
    piece.removed += gone
    hashed.pop(record_type.name, None)
    if not hashed:
        del piece.counts[_HASHED]
    return False
