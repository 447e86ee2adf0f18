"""Exports that hold who is erased: their files are deleted, and it is told who has copies."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlmodel import col

from server.erasure.pieces import Piece
from server.export.holding import holding, withdraw_exports
from server.export.leases import ACTIVE
from server.global_ids import global_id
from server.records.export_schedules import ExportSchedule, ScheduledExperiment
from server.records.exports import Export, ExportedExperiment, ExportErrorCode, ExportStatus
from server.storage import Storage
from server.timestamps import iso, now

CHANGED = "Records were erased while it was written: ask for it again."


async def take_back(piece: Piece, storage: Storage, *, unfinished: bool = False) -> Sequence[int]:
    """Withdraw finished exports, and note who downloaded them.

    Where `unfinished` ones are asked for, those that are being written are broken off, and all are
    returned of which something may lie on this machine.
    """
    tx, known = piece.tx, piece.counts.setdefault("exports", {})
    begun = await _break_off(piece) if unfinished else []
    keys: set[int] = set()
    for participant in piece.subject.participant_keys or (None,):
        for held in await holding(tx, piece.experiment_key, participant):
            keys.add(held.export_key)
            known[global_id(Export.__name__, held.export_key)] = [
                {"by": each.actor_id, "at": iso(each.at)} for each in held.downloads
            ]
    await withdraw_exports(tx, storage, sorted(keys))
    return begun


async def remove_exports(piece: Piece) -> Sequence[int]:
    """Delete every export that draws on the experiment; schedules too, unless on others as well."""
    tx, here = piece.tx, piece.experiment_key
    drawn_on = select(col(ExportedExperiment.export_key)).where(
        col(ExportedExperiment.experiment_key) == here
    )
    found = await tx.scalars(select(col(Export.id)).where(col(Export.id).in_(drawn_on)))
    keys = [key for key in found if key is not None]
    await tx.execute(delete(Export).where(col(Export.id).in_(keys)))
    others = select(col(ScheduledExperiment.schedule_key)).where(
        col(ScheduledExperiment.experiment_key) != here
    )
    scheduled = select(col(ScheduledExperiment.schedule_key)).where(
        col(ScheduledExperiment.experiment_key) == here
    )
    schedule = col(ExportSchedule.id)
    going = select(schedule).where(schedule.in_(scheduled), schedule.not_in(others))
    schedules = (await tx.scalars(going)).all()
    theirs = col(Export.schedule_key).in_(schedules)
    await tx.execute(update(Export).where(theirs).values(schedule_key=None))
    await tx.execute(delete(ExportSchedule).where(col(ExportSchedule.id).in_(schedules)))
    for model in (ExportedExperiment, ScheduledExperiment):
        await tx.execute(delete(model).where(col(model.experiment_key) == here))
    piece.count("exportsDeleted", len(keys))
    return keys


async def _break_off(piece: Piece) -> list[int]:
    """End the attempts that began before the data was gone."""
    drawn_on = select(col(ExportedExperiment.export_key)).where(
        col(ExportedExperiment.experiment_key) == piece.experiment_key
    )
    these, status = col(Export.id).in_(drawn_on), col(Export.status)
    keys = await piece.tx.scalars(select(col(Export.id)).where(these))
    found = [key for key in keys if key is not None]
    await piece.tx.execute(
        update(Export)
        .where(these, status.in_(ACTIVE))
        .values(
            status=ExportStatus.FAILED,
            error_code=ExportErrorCode.RECORDS_CHANGED,
            error_message=CHANGED,
            message="Failed",
            completed_at=now(),
            seq=col(Export.seq) + 1,
            worker=None,
            lease_until=None,
        )
    )
    return found
