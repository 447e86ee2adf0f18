"""Sealed packages of archived experiments: exports that do not expire, known by their SHA-256."""

from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.workers import Done
from server.records.exports import Export
from server.records.retention import Archive
from server.timestamps import Timestamp


async def seal(tx: AsyncConnection, export: Row[Any], done: Done) -> None:
    """Remember what an export's file is, if it is an experiment's package, and let it last."""
    package = update(Archive).where(col(Archive.export_key) == export.id)
    sealed = await tx.execute(package.values(sha256=done.sha256, file_size=done.bytes))
    if sealed.rowcount:
        await tx.execute(_export(export.id).values(expires_at=None))


async def is_package(tx: AsyncConnection, export_key: int) -> bool:
    """Say whether an export is the package of an archived experiment."""
    package = select(col(Archive.experiment_key)).where(col(Archive.export_key) == export_key)
    return await tx.scalar(package) is not None


async def unseal(tx: AsyncConnection, experiment_key: int, expires_at: Timestamp) -> None:
    """Let an experiment have no package any more: the export expires as any other."""
    gone = delete(Archive).where(col(Archive.experiment_key) == experiment_key)
    export_key = await tx.scalar(gone.returning(col(Archive.export_key)))
    if export_key is not None:
        await tx.execute(_export(export_key).values(expires_at=expires_at))


def _export(key: int) -> Any:  # noqa: ANN401 - an UPDATE
    return update(Export).where(col(Export.id) == key)
