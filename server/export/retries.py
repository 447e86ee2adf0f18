"""Exports that came to their end: tried again, or gone for good."""

from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.records.exports import Export, ExportStatus

AGAIN = (ExportStatus.FAILED, ExportStatus.CANCELED, ExportStatus.EXPIRED)
"""From where an export can be tried again."""

_AFRESH: dict[str, Any] = {
    "status": ExportStatus.CREATED,
    "message": "Waiting for a worker",
    "attempts": 0,
    "worker": None,
    "lease_until": None,
    "started_at": None,
    "completed_at": None,
    "expires_at": None,
    "storage_key": None,
    "file_name": None,
    "file_size": None,
    "sha256": None,
    "manifest": None,
    "error_code": None,
    "error_message": None,
    "completed_rows": 0,
    "total_rows": None,
    "bytes_written": 0,
}


async def try_again(tx: AsyncConnection, export_key: int) -> bool:
    """Put an export back into the queue, as it was at first; False if it is not over.

    Its fence stays, so that no file of an earlier attempt is taken for one of the next.
    """
    again = (
        update(Export)
        .where(col(Export.id) == export_key, col(Export.status).in_(AGAIN))
        .values(seq=col(Export.seq) + 1, **_AFRESH)
    )
    return (await tx.execute(again)).rowcount > 0


async def remove(tx: AsyncConnection, export_key: int) -> None:
    """Take an export out of the table: whoever is writing it gives up at once, and cleans up."""
    await tx.execute(delete(Export).where(col(Export.id) == export_key))
