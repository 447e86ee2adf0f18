"""Records in quarantine: sending them again, corrected or as they are, and dropping them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import BadUserInput, NotFound
from server.global_ids import type_and_key
from server.ingest.storing import ADDING, MOST_RECORDS, Outcome, ingest
from server.records.audit import AuditAction
from server.records.quarantine import QuarantinedRecord
from server.resolvers.context import Context
from server.rows import Row, layout_of

_LAYOUT = layout_of(QuarantinedRecord)


@dataclass(frozen=True, slots=True)
class Correction:
    """A record in quarantine, and what is to be sent in its place; None for itself."""

    id: str
    record: object


async def resubmit(context: Context, corrections: Sequence[Correction]) -> Outcome:
    """Send records again, as a batch in the order given: what is refused again stays."""
    context.actor.require(ADDING)
    _at_most(len(corrections), "items")
    async with context.db.write() as tx:
        rows = await _rows(tx, context, [each.id for each in corrections])
    records = [
        row.record if each.record is None else each.record
        for row, each in zip(rows, corrections, strict=True)
    ]
    with context.services.gate.entered():
        outcome = await ingest(context.db, context.actor, records)
    refused = {each.index for each in outcome.refused}
    done = [
        row.key
        for index, (row, record) in enumerate(zip(rows, records, strict=True))
        # what was refused again is in quarantine as the actor's own
        if index not in refused or record != row.record or row.sender_key != context.actor.user_key
    ]
    async with context.db.write() as tx:
        await tx.execute(delete(QuarantinedRecord).where(_LAYOUT.columns["key"].in_(done)))
    return outcome


async def discard(context: Context, ids: Sequence[str]) -> None:
    """Drop records for good; NotFound if one of them is not there, and then none is dropped."""
    context.actor.require(ADDING)
    _at_most(len(ids), "ids")
    async with context.db.write() as tx:
        rows = await _rows(tx, context, ids)
        keys = [row.key for row in rows]
        await tx.execute(delete(QuarantinedRecord).where(_LAYOUT.columns["key"].in_(keys)))
        await context.note(
            tx,
            AuditAction.DISCARD,
            experiment_keys=sorted({row.experiment_key for row in rows if row.experiment_key}),
            resource=f"{len(keys)} records in quarantine",
        )


async def _rows(tx: AsyncConnection, context: Context, ids: Sequence[str]) -> list[Row]:
    """Return the records that some ids are of, in their order; NotFound if one is not seen."""
    asked = [type_and_key(each) for each in ids]
    keys = [parts[1] for parts in asked if parts and parts[0] == _LAYOUT.type_name]
    found = await tx.execute(
        select(*_LAYOUT.selected).where(
            _LAYOUT.columns["key"].in_(keys), context.actor.sees_quarantined(_LAYOUT)
        )
    )
    rows = {row.key: row for row in (_LAYOUT.row(tuple(values)) for values in found)}
    if len(keys) < len(ids) or not set(keys) <= rows.keys():
        raise NotFound(
            "Not all of these are in quarantine: look among the `quarantine` of your experiment.",
            ["input"],
        )
    return [rows[key] for key in keys]


def _at_most(count: int, field: str) -> None:
    if not 0 < count <= MOST_RECORDS:
        raise BadUserInput(f"Name from 1 to {MOST_RECORDS:,} records.", ["input", field])
