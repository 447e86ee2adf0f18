"""What can become of an export: each function is one transition, made only from where it can start.

Whoever claims an export raises its fence, and every later change names that fence: a server that
was taken for dead, or lost its lease while it slept, changes nothing and publishes nothing.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from server.db import take_turns
from server.export.announcing import announce_end
from server.export.holders import is_dead
from server.export.workers import Done, Failed, Progress
from server.records.exports import Export, ExportErrorCode, ExportStatus
from server.timestamps import now

RUNNING_PER_USER = 5
ATTEMPTS = 3

_CLAIMING = 0x48595046
"""The number of PostgreSQL's advisory lock that a server holds while it claims an export."""

ACTIVE = (ExportStatus.RUNNING, ExportStatus.CANCELING)
_UNHELD = {"worker": None, "lease_until": None}


async def request_cancel(tx: AsyncConnection, export_key: int) -> bool:
    """Cancel a queued export, ask for a running one to be; False if it has come to its end."""
    this, status = col(Export.id) == export_key, col(Export.status)
    await _keep_still(tx, this)
    queued, running = status == ExportStatus.CREATED, status == ExportStatus.RUNNING
    canceling = {"status": ExportStatus.CANCELING, "message": "Canceling"}
    return (
        await _change(tx, and_(this, queued), **_ended(ExportStatus.CANCELED, "Canceled"))
        or await _change(tx, and_(this, running), **canceling)
        or await tx.scalar(select(status).where(this)) == ExportStatus.CANCELING
    )


def claimable() -> Select[int | None]:
    """Select the next export to write: users take turns, none has too many running.

    It is the oldest of the user who has fewest running, and of those who was served longest ago.
    """
    other = aliased(Export)
    same_user = col(other.requested_by_key) == col(Export.requested_by_key)
    running = select(func.count()).where(same_user, col(other.status).in_(ACTIVE))
    served = select(func.coalesce(func.max(col(other.started_at)), 0)).where(same_user)
    return (
        select(col(Export.id))
        .where(
            col(Export.status) == ExportStatus.CREATED,
            running.scalar_subquery() < RUNNING_PER_USER,
        )
        .order_by(running.scalar_subquery(), served.scalar_subquery(), col(Export.id))
        .limit(1)
    )


async def claim(tx: AsyncConnection, worker: str, lease_until: int) -> Row[Any] | None:
    """Take the next export; None if there is none.

    Servers take turns, lest two find the same, or each one more of a user who may have one more.
    """
    await take_turns(tx, _CLAIMING)
    taken = (
        update(Export)
        .where(
            col(Export.id) == await tx.scalar(claimable()),
            col(Export.status) == ExportStatus.CREATED,  # it may have been canceled since
        )
        .values(
            status=ExportStatus.RUNNING,
            fence=col(Export.fence) + 1,
            attempts=col(Export.attempts) + 1,
            seq=col(Export.seq) + 1,
            worker=worker,
            lease_until=lease_until,
            started_at=func.coalesce(col(Export.started_at), now()),
            completed_rows=0,
            bytes_written=0,
            message="Preparing",
        )
        .returning(Export)
    )
    return (await tx.execute(taken)).one_or_none()


async def renew(tx: AsyncConnection, export: Row[Any], lease_until: int) -> None:
    """Prolong the lease; followers need not know."""
    await tx.execute(update(Export).where(held(export)).values(lease_until=lease_until))


async def record(tx: AsyncConnection, export: Row[Any], progress: Progress) -> None:
    """Write down how far the export has come."""
    await _change(
        tx,
        held(export),
        completed_rows=progress.rows,
        total_rows=progress.total,
        bytes_written=progress.bytes,
        message=progress.message,
    )


async def complete(tx: AsyncConnection, export: Row[Any], done: Done, expires_at: int) -> bool:
    """Publish the file, unless the lease was lost or a cancel came first."""
    published = await _change(
        tx,
        held(export),
        **_ended(ExportStatus.COMPLETED, "Completed"),
        storage_key=done.storage_key,
        file_name=done.file_name,
        file_size=done.bytes,
        bytes_written=done.bytes,
        sha256=done.sha256,
        manifest=done.manifest,
        completed_rows=done.rows,
        total_rows=func.coalesce(col(Export.total_rows), done.rows),
        expires_at=expires_at,
    )
    if published:
        await announce_end(tx, export, ExportStatus.COMPLETED)
    return published


async def fail(tx: AsyncConnection, export: Row[Any], failed: Failed) -> bool:
    """Put it back into the queue if another attempt may help, or give it up for good."""
    if failed.again and export.attempts < ATTEMPTS:
        return await _queue(tx, export)
    known = failed.code in ExportErrorCode.__members__
    code = failed.code if known else ExportErrorCode.INTERNAL
    given_up = await _change(
        tx,
        held(export),
        **_ended(ExportStatus.FAILED, "Failed"),
        error_code=code,
        error_message=failed.message,
    )
    if given_up:
        await announce_end(tx, export, ExportStatus.FAILED, code)
    return given_up


async def release(tx: AsyncConnection, export: Row[Any]) -> bool:
    """Let another take it up, as if this attempt had not been."""
    return await _queue(tx, export, attempts=export.attempts - 1)


async def finish_cancel(tx: AsyncConnection, export: Row[Any]) -> bool:
    """Cancel, if that was asked for; else it cannot be until the transaction ends."""
    await _keep_still(tx, col(Export.id) == export.id)
    canceling = held(export, ExportStatus.CANCELING)
    return await _change(tx, canceling, **_ended(ExportStatus.CANCELED, "Canceled"))


async def abandoned(tx: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the exports that were taken up by a server that is dead, or silent for too long."""
    active = select(Export).where(col(Export.status).in_(ACTIVE))
    at = now()
    return [
        export
        for export in await tx.execute(active)
        if export.lease_until < at or is_dead(export.worker)
    ]


async def expire(tx: AsyncConnection, at: int) -> Sequence[int]:
    """Withdraw the files whose time is over; return whose they were."""
    over = col(Export.expires_at) <= at
    return await withdraw(tx, over, "Its file was deleted when its time was over")


async def withdraw(tx: AsyncConnection, which: ColumnElement[bool], message: str) -> Sequence[int]:
    """Take back the files of some exports, of those that are there; return whose they were."""
    withdrawn = (
        update(Export)
        .where(col(Export.status) == ExportStatus.COMPLETED, which)
        .values(
            status=ExportStatus.EXPIRED,
            storage_key=None,
            seq=col(Export.seq) + 1,
            message=message,
        )
        .returning(col(Export.id))
    )
    return [key for key in await tx.scalars(withdrawn) if key is not None]


async def unfinished(tx: AsyncConnection, among: Collection[int]) -> set[int]:
    """Return which of some exports will be written, or are being."""
    going_on = (ExportStatus.CREATED, *ACTIVE)
    found = await tx.scalars(
        select(col(Export.id)).where(col(Export.id).in_(among), col(Export.status).in_(going_on))
    )
    return {key for key in found if key is not None}


async def needed(tx: AsyncConnection) -> set[str]:
    """Return the files that exports point to, and the folders that are being written to."""
    written, status = col(Export.storage_key), col(Export.status)
    rows = await tx.execute(
        select(col(Export.id), col(Export.fence), written, status).where(
            or_(written.is_not(None), status.in_(ACTIVE))
        )
    )
    return {
        folder(export.id, export.fence) if export.status in ACTIVE else export.storage_key
        for export in rows
    }


async def _keep_still(tx: AsyncConnection, this: ColumnElement[bool]) -> None:
    """Let no other transaction change an export until this one ends."""
    await tx.execute(select(col(Export.id)).where(this).with_for_update(key_share=True))


async def _change(tx: AsyncConnection, where: ColumnElement[bool], **values: object) -> bool:
    change = update(Export).where(where).values(seq=col(Export.seq) + 1, **values)
    return (await tx.execute(change)).rowcount > 0


async def _queue(tx: AsyncConnection, export: Row[Any], **values: object) -> bool:
    return await _change(
        tx,
        held(export),
        status=ExportStatus.CREATED,
        message="Waiting for a worker",
        **_UNHELD,
        **values,
    )


def held(export: Row[Any], status: ExportStatus = ExportStatus.RUNNING) -> ColumnElement[bool]:
    """Tell whether the row is still as its claimer left it: the guard of every change."""
    return and_(
        col(Export.id) == export.id,
        col(Export.fence) == export.fence,
        col(Export.status) == status,
    )


def _ended(status: ExportStatus, message: str) -> dict[str, object]:
    return {"status": status, "message": message, "completed_at": now(), **_UNHELD}


def folder(export_key: int, fence: int) -> str:
    """Return where the files of one attempt lie, in no other attempt's way."""
    return f"exports/{export_key}/{fence}"
