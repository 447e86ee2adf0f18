"""Exports that may hold somebody: who has their files, and taking back what is still here."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.leases import withdraw
from server.export.recipe import PARTICIPANTS
from server.global_ids import global_id
from server.logs import whereabouts
from server.records import RecordType
from server.records.audit import AuditAction, AuditEntry
from server.records.exports import Export, ExportedExperiment, ExportStatus
from server.records.participants import Participant
from server.records.sealed import SealedParticipant
from server.records.users import User
from server.storage import Storage
from server.timestamps import Timestamp

_WITHDRAWN = "Its file was withdrawn: somebody in it has withdrawn, or was erased"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Download:
    """When a file was downloaded, and by whose account: its public id, None if nobody was known."""

    at: Timestamp
    actor_id: str | None


@dataclass(frozen=True, slots=True)
class HeldBy:
    """A finished export whose file may hold somebody, and who has it.

    requested_by  public id of the account that asked for it
    """

    export_key: int
    requested_by: str
    completed_at: Timestamp | None
    downloads: Sequence[Download]


async def holding(
    tx: AsyncConnection,
    experiment_key: int,
    participant_key: int | None,
    types: Collection[RecordType] = (),
) -> Sequence[HeldBy]:
    """Return the finished exports that may hold a participant, or anybody of an experiment.

    That is what lies in their experiment or room, or is of anybody in their room: what others
    recorded there may name them. Of some data types, if any are named.
    """
    found = await _holding(tx, ExportStatus.COMPLETED, experiment_key, participant_key, types)
    return [
        HeldBy(export.id, export.user_id, export.completed_at, await _downloads(tx, export.id))
        for export in found
    ]


async def withdraw_exports(
    tx: AsyncConnection, storage: Storage, keys: Collection[int]
) -> Sequence[int]:
    """Take back the files of finished exports, and delete them; return which had one.

    What cannot be deleted just now is swept away, as any file that no export has.
    """
    taken = await withdraw(tx, col(Export.id).in_(list(keys)), _WITHDRAWN)
    for key in taken:
        try:
            await storage.delete_prefix(f"exports/{key}")
        except Exception as error:
            log.error("The file of export %d could not be deleted yet: %s", key, whereabouts(error))
    return taken


async def begin_again(
    tx: AsyncConnection,
    experiment_key: int,
    participant_key: int,
    types: Collection[RecordType] = (),
) -> None:
    """Have the exports that are being written, and may hold a participant, written anew.

    Whoever writes one finds that it is not theirs any more, and publishes nothing.
    """
    found = await _holding(tx, ExportStatus.RUNNING, experiment_key, participant_key, types)
    await tx.execute(
        update(Export)
        .where(
            col(Export.id).in_([export.id for export in found]),
            col(Export.status) == ExportStatus.RUNNING,
        )
        .values(
            status=ExportStatus.CREATED,
            seq=col(Export.seq) + 1,
            attempts=col(Export.attempts) - 1,
            worker=None,
            lease_until=None,
            message="Waiting for a worker",
        )
    )


async def _holding(
    tx: AsyncConnection,
    status: ExportStatus,
    experiment_key: int,
    participant_key: int | None,
    types: Collection[RecordType],
) -> list[Any]:
    exports = await tx.execute(
        select(col(Export.id), col(Export.recipe), col(Export.completed_at), col(User.user_id))
        .join(ExportedExperiment, col(ExportedExperiment.export_key) == col(Export.id))
        .join(User, col(User.id) == col(Export.requested_by_key))
        .where(
            col(ExportedExperiment.experiment_key) == experiment_key,
            col(Export.status) == status,
        )
        .order_by(col(Export.id))
    )
    if participant_key is None:
        return list(exports)
    room, others = await _room_of(tx, participant_key)
    names = {each.name for each in types}
    return [
        export
        for export in exports
        if _may_hold(export.recipe, experiment_key, room, others, participant_key, names)
    ]


def _may_hold(
    recipe: dict[str, Any],
    experiment: int,
    room: int | None,
    others: Collection[int],
    participant: int,
    types: Collection[str],
) -> bool:
    asked = recipe.get("data_types")
    if types and asked is not None and not set(asked).intersection(types):
        return False
    if participant > recipe.get("bounds", {}).get(PARTICIPANTS, participant):
        return False  # they came after its snapshot
    return (
        experiment in recipe.get("experiment_keys", ())
        or room in recipe.get("room_keys", ())
        or not set(others).isdisjoint(recipe.get("participant_keys", ()))
    )


async def _room_of(tx: AsyncConnection, participant_key: int) -> tuple[int | None, set[int]]:
    """Return the room of a participant, and the keys of all who are in it, or were."""
    rooms = [
        await tx.scalar(select(col(model.room_key)).where(col(model.id) == participant_key))
        for model in (Participant, SealedParticipant)
    ]
    room = next(filter(None, rooms), None)
    people = {participant_key}
    for model in (Participant, SealedParticipant):
        there = await tx.scalars(select(col(model.id)).where(col(model.room_key) == room))
        people.update(key for key in there if key is not None)
    return room, people


async def _downloads(tx: AsyncConnection, export_key: int) -> list[Download]:
    followed = select(col(AuditEntry.at), col(AuditEntry.actor_id)).where(
        col(AuditEntry.action) == AuditAction.DOWNLOAD,
        col(AuditEntry.allowed).is_(True),
        col(AuditEntry.resource) == global_id(Export.__name__, export_key),
    )
    found = await tx.execute(followed.order_by(col(AuditEntry.id)))
    # it may be told of each experiment
    return list(dict.fromkeys(Download(at, actor) for at, actor in found))
