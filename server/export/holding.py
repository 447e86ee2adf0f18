"""Finished exports that may hold somebody, and who took them away."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.leases import withdraw
from server.global_ids import global_id
from server.records.audit import AuditAction, AuditEntry
from server.records.exports import Export, ExportedExperiment, ExportStatus
from server.storage import Storage
from server.timestamps import Timestamp

WITHDRAWN = "Its file was deleted: somebody in it has withdrawn, or was erased"


@dataclass(frozen=True, slots=True)
class Download:
    """That an account, by its public id, took a file away; None if it is not known whose."""

    actor_id: str | None
    at: Timestamp


@dataclass(frozen=True, slots=True)
class HeldBy:
    """A finished export that may hold somebody."""

    export_key: int
    downloads: tuple[Download, ...]


async def holding(
    tx: AsyncConnection, experiment_key: int, participant_key: int | None
) -> Sequence[HeldBy]:
    """Return the finished exports that may hold a participant, or anybody of an experiment."""
    drawn_on = select(col(ExportedExperiment.export_key)).where(
        col(ExportedExperiment.experiment_key) == experiment_key
    )
    finished = await tx.scalars(
        select(col(Export.id))
        .where(col(Export.id).in_(drawn_on), col(Export.status) == ExportStatus.COMPLETED)
        .order_by(col(Export.id))
    )
    keys = [key for key in finished if key is not None]
    taken = await _downloads(tx, keys)
    return [HeldBy(key, tuple(taken[key])) for key in keys]


async def withdraw_exports(tx: AsyncConnection, storage: Storage, keys: Collection[int]) -> None:
    """Delete the files of some exports: links to them lead nowhere any more."""
    await withdraw(tx, col(Export.id).in_(keys), WITHDRAWN)
    for key in keys:
        await storage.delete_prefix(f"exports/{key}")


async def _downloads(tx: AsyncConnection, keys: Collection[int]) -> dict[int, list[Download]]:
    key_of = {global_id(Export.__name__, key): key for key in keys}
    taken = defaultdict[int, list[Download]](list)
    found = await tx.execute(
        select(col(AuditEntry.resource), col(AuditEntry.actor_id), col(AuditEntry.at))
        .where(
            col(AuditEntry.action) == AuditAction.DOWNLOAD,
            col(AuditEntry.allowed),
            col(AuditEntry.resource).in_(key_of),
        )
        .order_by(col(AuditEntry.id))
    )
    for resource, actor_id, at in found:
        one = Download(actor_id, at)
        if one not in (known := taken[key_of[resource or ""]]):  # it may be told of each experiment
            known.append(one)
    return taken
