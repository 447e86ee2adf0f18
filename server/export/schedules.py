"""What becomes of schedules: each fires once when it is due, and keeps its newest exports.

A schedule waits while an export of its own is unfinished. So fires that were missed, whatever for,
fold into one, and an increment begins where the one before it ended.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.leases import withdraw
from server.records.export_schedules import ExportSchedule
from server.records.exports import FINAL, Export, ExportStatus
from server.timestamps import Timestamp


async def due(tx: AsyncConnection, at: Timestamp) -> Sequence[Row[Any]]:
    """Return the schedules that are to fire, the longest due first."""
    over = col(ExportSchedule.next_at) <= at
    oldest_first = select(ExportSchedule).order_by(col(ExportSchedule.next_at))
    return (await tx.execute(oldest_first.where(over, _idle()))).all()


async def claim(
    tx: AsyncConnection, schedule: Row[Any], at: Timestamp, next_at: Timestamp | None
) -> Row[Any] | None:
    """Take a fire of a schedule, as it was found due; None if another server has taken it.

    It holds only with what else its transaction does: a server that dies meanwhile took nothing.
    """
    fired = (
        update(ExportSchedule)
        .where(
            col(ExportSchedule.id) == schedule.id,
            col(ExportSchedule.next_at) == schedule.next_at,
            _idle(),
        )
        .values(next_at=next_at, last_at=at, last_message=None)
        .returning(ExportSchedule)
    )
    return (await tx.execute(fired)).one_or_none()


async def explain(tx: AsyncConnection, schedule_key: int, message: str) -> None:
    """Write down why a fire queued no export."""
    this = col(ExportSchedule.id) == schedule_key
    await tx.execute(update(ExportSchedule).where(this).values(last_message=message))


async def settle(tx: AsyncConnection, export: Row[Any]) -> Sequence[int]:
    """Count an export that is finished as its schedule's newest; return those it pushes out.

    What is pushed out has no file any more. Until then no export of a schedule that keeps some
    expires.
    """
    if export.schedule_key is None:
        return []
    this = col(ExportSchedule.id) == export.schedule_key
    locked = await tx.execute(select(ExportSchedule).where(this).with_for_update())
    if (schedule := locked.one_or_none()) is None:
        return []
    if schedule.incremental and _goes_on(export.recipe, schedule.reached):
        reached = export.recipe["bounds"]
        await tx.execute(update(ExportSchedule).where(this).values(reached=reached))
    if schedule.keep_last is None:
        return []
    kept = update(Export).where(col(Export.id) == export.id)
    await tx.execute(kept.values(expires_at=None))
    newest_first = select(col(Export.id)).order_by(col(Export.id).desc())
    older = newest_first.where(*_finished(schedule.id)).offset(schedule.keep_last)
    return await withdraw(
        tx, col(Export.id).in_(older), "Its file was deleted: its schedule keeps newer ones"
    )


async def remove(tx: AsyncConnection, schedule_key: int, expires_at: Timestamp) -> None:
    """Delete a schedule; the files that it kept expire like any others, at a time."""
    theirs = col(Export.schedule_key) == schedule_key
    lapsing = (*_finished(schedule_key), col(Export.expires_at).is_(None))
    await tx.execute(update(Export).where(*lapsing).values(expires_at=expires_at))
    # before the schedule itself: whoever completes an export locks the two in this order
    await tx.execute(update(Export).where(theirs).values(schedule_key=None))
    await tx.execute(delete(ExportSchedule).where(col(ExportSchedule.id) == schedule_key))


def begins(reached: Mapping[str, int] | None, data_types: Collection[str]) -> dict[str, int]:
    """Return where an increment begins: of records alone, which may lie in rooms known before."""
    return {name: key for name, key in (reached or {}).items() if name in data_types}


def _goes_on(recipe: Mapping[str, Any], reached: Mapping[str, int] | None) -> bool:
    """Tell whether an increment is the next one, and not an older one that was late."""
    return bool(recipe["after"] == begins(reached, recipe["data_types"]))


def _idle() -> ColumnElement[bool]:
    unfinished = select(col(Export.id)).where(
        col(Export.schedule_key) == col(ExportSchedule.id),
        col(Export.status).not_in(FINAL),
    )
    return ~unfinished.exists()


def _finished(schedule_key: int) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Export.schedule_key) == schedule_key,
        col(Export.status) == ExportStatus.COMPLETED,
    )
