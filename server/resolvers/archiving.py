"""Archiving experiments: read-only from then on, with a sealed package of all that they hold."""

from typing import Any
from uuid import uuid4

from sqlalchemy import Row as Stored
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.audit import Origin
from server.errors import NothingToExport
from server.export.leases import request_cancel, withdraw
from server.export.seals import unseal
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.data_filter import DataFilter
from server.records.experiments import Experiment, ExperimentStatus
from server.records.exports import FINAL, Anonymization, Export, ExportFormat, ExportPackaging
from server.records.retention import Archive
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, managed, named
from server.resolvers.queueing import queue
from server.resolvers.reasons import MANAGE
from server.resolvers.requesters import requester
from server.resolvers.selections import Wanted
from server.rows import Row
from server.timestamps import Timestamp, now

DAY = 24 * 3600 * 1000


async def archive(context: Context, id_: str) -> Row:
    """Archive an experiment that the actor manages; what is archived already stays as it is."""
    context.actor.require(MANAGE)
    this = named(id_)
    async with context.db.write() as tx:
        experiment = await managed(tx, context.actor, this, ["id"])
        if await put_away(tx, experiment.key, context.origin, now()):
            await context.note(tx, AuditAction.ARCHIVE, experiment_keys=[experiment.key])
        found = await tx.execute(select(*EXPERIMENT.selected).where(this))
        row = EXPERIMENT.row(tuple(found.one()))
    context.services.exporter.wake()
    return row


async def put_away(tx: AsyncConnection, experiment_key: int, origin: Origin, at: Timestamp) -> bool:
    """Make an experiment read-only, and have its package written; False if it has one.

    Wake the exporter once this is committed.
    """
    this = col(Experiment.id) == experiment_key
    archived = {"status": ExperimentStatus.ARCHIVED, "updated_at": at}
    changed = update(Experiment).where(this, col(Experiment.status) != ExperimentStatus.ARCHIVED)
    was_open = (await tx.execute(changed.values(archived))).rowcount > 0
    await tx.execute(
        update(Experiment)
        .where(this, col(Experiment.completed_at).is_(None))
        .values(completed_at=at)
    )
    if not was_open and await _has_package(tx, experiment_key):
        return False
    await pack(tx, experiment_key, origin, at)
    return was_open


async def pack(tx: AsyncConnection, experiment_key: int, origin: Origin, at: Timestamp) -> None:
    """Have the package of an archived experiment written anew, as its owner's; the old one goes.

    Where there is no record to keep, there is no package.
    """
    found = await tx.execute(
        select(col(Experiment.experiment_id), col(Experiment.owner_key)).where(
            col(Experiment.id) == experiment_key
        )
    )
    experiment_id, owner_key = tuple[Any, ...](found.one())
    owner = await requester(tx, owner_key)
    await drop_package(tx, experiment_key)
    try:
        async with tx.begin_nested():
            export = await queue(tx, owner, _everything(experiment_id), origin)
    except NothingToExport:
        return
    package = {"experiment_key": experiment_key, "archived_at": at, "export_key": export.key}
    await tx.execute(insert(Archive).values(package))


async def drop_package(tx: AsyncConnection, experiment_key: int) -> None:
    """Take a package back, or have it written no more; its file is swept away."""
    gone = delete(Archive).where(col(Archive.experiment_key) == experiment_key)
    export_key = await tx.scalar(gone.returning(col(Archive.export_key)))
    if export_key is not None:
        await request_cancel(tx, export_key)
        await withdraw(
            tx, col(Export.id) == export_key, "Its file was deleted: the package was made anew"
        )


async def take_out(tx: AsyncConnection, context: Context, experiment_key: int) -> None:
    """Let a package expire as any export does: its experiment can be changed again."""
    lapse_at = Timestamp(now() + context.services.export_days * DAY)
    await unseal(tx, experiment_key, lapse_at)
    await context.note(tx, AuditAction.ARCHIVE, experiment_keys=[experiment_key])


async def unwritten(tx: AsyncConnection) -> list[int]:
    """Return the archived experiments whose packages are not there, and are not being written."""
    found: Any = await tx.execute(
        select(col(Archive.experiment_key), col(Export.status))
        .outerjoin(Export, col(Export.id) == col(Archive.export_key))
        .where(col(Archive.sha256).is_(None))
    )
    rows: list[Stored[Any]] = found.all()
    return [row.experiment_key for row in rows if row.status is None or row.status in FINAL]


async def _has_package(tx: AsyncConnection, experiment_key: int) -> bool:
    mine = select(col(Archive.experiment_key)).where(col(Archive.experiment_key) == experiment_key)
    return await tx.scalar(mine) is not None


def _everything(experiment_id: str) -> Wanted:
    return Wanted(
        experiment_ids=[experiment_id],
        room_ids=[],
        participants=[],
        types=list(RecordType),
        kept=DataFilter(),
        format=ExportFormat.NDJSON,
        packaging=ExportPackaging.ZIP,
        anonymization=Anonymization.KEEP,
        include_media=True,
        idempotency_key=f"archive:{uuid4().hex}",
        reason="archive",
    )
