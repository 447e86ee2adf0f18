"""A request for one's own data as it comes in: written down, told, and its package queued."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.audit import Origin, add
from server.errors import Forbidden, NotFound
from server.export.retries import AGAIN
from server.global_ids import global_id
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.data_filter import DataFilter
from server.records.data_requests import OPEN, AskedBy, DataRequest, DataRequestState
from server.records.experiments import Experiment
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.participants import Participant
from server.records.rooms import Room
from server.records.webhooks import WebhookEvent
from server.requests.dates import due_at
from server.resolvers.queueing import queue, take_turns_as
from server.resolvers.requesters import requester
from server.resolvers.selections import Wanted
from server.rows import Row, layout_of
from server.timestamps import iso, now
from server.webhooks.outbox import announce

REQUEST = layout_of(DataRequest)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: whose data, by whom, in which form."""

    asked_by: AskedBy
    experiment_key: int
    participant_id: str
    include_media: bool = False
    format: ExportFormat = ExportFormat.CSV


async def receive(
    tx: AsyncConnection, asked: Asked, origin: Origin, actor: Actor | None = None
) -> Row:
    """Take a request, and have its package made; while one is open, it is that one.

    `actor` is who has the package made: if not the participant's own, else the experiment's owner.
    Wake the exporter once this is committed.
    """
    here = col(Experiment.id) == asked.experiment_key
    owned = select(col(Experiment.owner_key)).where(here)
    owner_key = (await tx.scalars(owned)).one()
    # accounts before experiments, as whoever asks for an export takes them
    await take_turns_as(tx, owner_key if actor is None else actor.user_key)
    await tx.execute(owned.with_for_update(key_share=True))
    rooms = await rooms_of(tx, asked)
    row = await _open(tx, asked)
    if row is None:
        row = await _add(tx, asked, origin)
    elif row.export_key is not None and row.package_status not in AGAIN:
        return row
    if actor is None:
        try:
            actor = await requester(tx, owner_key)
        except Forbidden:
            return row  # the owner's account is closed: whoever administers must answer
    export = await queue(tx, actor, _package(asked, rooms), origin)
    this = REQUEST.columns["key"] == row.key
    await tx.execute(update(DataRequest).where(this).values(export_key=export.key))
    return await one(tx, this)


async def one(tx: AsyncConnection, *where: ColumnElement[bool]) -> Row:
    """Return the one request that some clauses keep."""
    return REQUEST.row((await tx.execute(select(*REQUEST.selected).where(*where))).one())


async def rooms_of(tx: AsyncConnection, asked: Asked) -> list[str]:
    """Return the rooms that the person was in; NotFound if there is none."""
    found = await tx.scalars(
        select(col(Room.room_id))
        .join(Participant, col(Participant.room_key) == col(Room.id))
        .where(
            col(Participant.experiment_key) == asked.experiment_key,
            col(Participant.participant_id) == asked.participant_id,
        )
        .order_by(col(Room.id))
    )
    if not (rooms := list(found)):
        raise NotFound("Nobody of that id is in the experiment.", ["input", "participantId"])
    return rooms


async def _open(tx: AsyncConnection, asked: Asked) -> Row | None:
    columns = REQUEST.columns
    found = await tx.execute(
        select(*REQUEST.selected)
        .where(
            columns["experiment_key"] == asked.experiment_key,
            columns["participant_id"] == asked.participant_id,
            columns["state"].in_([each.value for each in OPEN]),
        )
        .order_by(columns["key"].desc())
        .limit(1)
    )
    values = found.one_or_none()
    return None if values is None else REQUEST.row(values)


async def _add(tx: AsyncConnection, asked: Asked, origin: Origin) -> Row:
    at = now()
    added = insert(DataRequest).values(
        experiment_key=asked.experiment_key,
        participant_id=asked.participant_id,
        asked_by=asked.asked_by,
        include_media=asked.include_media,
        received_at=at,
        due_at=due_at(at),
    )
    key = (await tx.scalars(added.returning(col(DataRequest.id)))).one()
    assert key is not None
    told = global_id(REQUEST.type_name, key)
    await add(
        tx,
        origin,
        AuditAction.DATA_REQUEST,
        experiment_keys=[asked.experiment_key],
        resource=told,
    )
    await announce(
        tx,
        asked.experiment_key,
        WebhookEvent.DATA_REQUEST_RECEIVED,
        {"dataRequestId": told, "dueAt": iso(due_at(at)), "state": DataRequestState.RECEIVED.value},
    )
    return await one(tx, REQUEST.columns["key"] == key)


def _package(asked: Asked, rooms: list[str]) -> Wanted:
    """Return the export of all that is stored of a person, never one that was made before."""
    return Wanted(
        experiment_ids=(),
        room_ids=(),
        participants=[(room, asked.participant_id) for room in rooms],
        types=list(RecordType),
        kept=DataFilter(),
        format=asked.format,
        packaging=ExportPackaging.ZIP,
        anonymization=Anonymization.KEEP,
        excel_bom=asked.format in (ExportFormat.CSV, ExportFormat.TSV),
        include_media=asked.include_media,
        own_view=True,
        idempotency_key=f"data request {uuid4().hex}",
    )
