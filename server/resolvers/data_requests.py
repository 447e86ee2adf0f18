"""Asking for one's own data, and answering that: a package of all that is stored of one person."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.audit import Origin, add
from server.errors import AlreadyFinished, BadUserInput, Forbidden, NotFound
from server.export.jobs import DAY
from server.export.retries import AGAIN
from server.export.retries import remove as remove_export
from server.global_ids import global_id, type_and_key
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.data_filter import DataFilter
from server.records.data_requests import OPEN, AskedBy, DataRequest, DataRequestState
from server.records.experiments import Experiment
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.participants import PARTICIPANTS, Participant
from server.records.rooms import Room
from server.records.users import UserRole
from server.records.webhooks import WebhookEvent
from server.requests.dates import due_at
from server.requests.links import make_link
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, managed
from server.resolvers.own_questions import findable
from server.resolvers.queueing import queue
from server.resolvers.reasons import EXPORT, MANAGE
from server.resolvers.requesters import requester
from server.resolvers.selections import Wanted
from server.rows import Row, layout_of
from server.timestamps import Timestamp, iso, now
from server.webhooks.outbox import announce

LONGEST_REASON = 1000
"""Characters."""

MOST_DAYS = 90
"""How long a link may work."""

_REQUEST = layout_of(DataRequest)
_NO_EXPERIMENT = "There is no such experiment, or it does not let participants ask for their data."


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: whose data, by whom, in which form."""

    asked_by: AskedBy
    experiment_key: int
    participant_id: str
    include_media: bool = False
    format: ExportFormat = ExportFormat.CSV


async def ask(
    context: Context,
    experiment_id: str,
    participant_id: str | None,
    *,
    include_media: bool,
    format_: ExportFormat,
) -> Row:
    """Ask for the caller's own data or, as who manages the experiment, for a participant's."""
    actor = context.actor
    actor.require(PARTICIPANTS.scope, EXPORT, *(each.value.scope for each in RecordType))
    experiment_id = await findable(context, experiment_id)
    this = EXPERIMENT.columns["experiment_id"] == experiment_id
    is_own = actor.role is UserRole.PARTICIPANT
    async with context.db.write() as tx:
        if is_own:
            if participant_id not in (None, actor.participant_id):
                raise NotFound(_NO_EXPERIMENT, ["input", "experimentId"])
            visible = select(EXPERIMENT.columns["key"]).where(this, actor.sees(EXPERIMENT))
            key, person = await tx.scalar(visible), actor.participant_id
        else:
            key = (await managed(tx, actor, this, ["input", "experimentId"])).key
            person = participant_id
        if key is None:
            raise NotFound(_NO_EXPERIMENT, ["input", "experimentId"])
        if person is None:
            raise BadUserInput("Name the participant.", ["input", "participantId"])
        by = AskedBy.ACCOUNT if is_own else AskedBy.OWNER
        asked = Asked(by, key, person, include_media, format_)
        row = await receive(tx, asked, context.origin, None if is_own else actor)
    context.services.exporter.wake()
    return row


async def receive(
    tx: AsyncConnection, asked: Asked, origin: Origin, actor: Actor | None = None
) -> Row:
    """Take a request, and have its package made; while one is open, it is that one.

    `actor` is who has the package made: if not the participant's own, else the experiment's owner.
    Wake the exporter once this is committed.
    """
    here = col(Experiment.id) == asked.experiment_key
    owned = select(col(Experiment.owner_key)).where(here).with_for_update(key_share=True)
    owner_key = (await tx.scalars(owned)).one()
    rooms = await _rooms(tx, asked)
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
    this = _REQUEST.columns["key"] == row.key
    await tx.execute(update(DataRequest).where(this).values(export_key=export.key))
    return await one(tx, this)


async def one(tx: AsyncConnection, *where: ColumnElement[bool]) -> Row:
    """Return the one request that some clauses keep."""
    return _REQUEST.row((await tx.execute(select(*_REQUEST.selected).where(*where))).one())


async def refuse(context: Context, request_id: str, reason: str) -> Row:
    """Refuse a request that is open, for a reason that the participant is told; its package goes.

    NotFound to all who do not manage the experiment, AlreadyFinished if it is over.
    """
    context.actor.require(MANAGE)
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise BadUserInput(
            f"Say why, in at most {LONGEST_REASON:,} characters: the participant must be told.",
            ["input", "reason"],
        )
    type_name, key = type_and_key(request_id) or ("", 0)
    this = _REQUEST.columns["key"] == (key if type_name == _REQUEST.type_name else 0)
    async with context.db.write() as tx:
        asked = select(*_REQUEST.selected).where(this, context.actor.owns(_REQUEST))
        if (found := (await tx.execute(asked)).one_or_none()) is None:
            raise NotFound("There is no such request: look among `dataRequests`.", ["input", "id"])
        row = _REQUEST.row(found)
        if row.state not in OPEN:
            raise AlreadyFinished(f"The request is over: it is {row.state}.", ["input", "id"])
        refused = update(DataRequest).where(this)
        await tx.execute(refused.values(refused_at=now(), refusal_reason=reason.strip()))
        if row.export_key is not None:
            await remove_export(tx, row.export_key)
        await context.note(
            tx, AuditAction.DATA_REQUEST, experiment_keys=[row.experiment_key], resource=row.id
        )
        return await one(tx, this)


async def make_token(
    context: Context, experiment_id: str, participant_id: str, days: int
) -> tuple[str, Timestamp]:
    """Make a link by which a participant asks for their data; return its path, and when it ends."""
    context.actor.require(MANAGE)
    if not 0 < days <= MOST_DAYS:
        raise BadUserInput(f"A link works from 1 to {MOST_DAYS} days.", ["input", "days"])
    experiment_id = await findable(context, experiment_id)
    this = EXPERIMENT.columns["experiment_id"] == experiment_id
    expires_at = Timestamp(now() + days * DAY)
    async with context.db.write() as tx:
        experiment = await managed(tx, context.actor, this, ["input", "experimentId"])
        if not experiment.participants_may_request_data:
            raise BadUserInput(
                "The experiment does not let participants ask for their data: set "
                "`participantsMayRequestData` first, by `experimentUpdate`.",
                ["input", "experimentId"],
            )
        await _rooms(tx, Asked(AskedBy.LINK, experiment.key, participant_id))
        path = await make_link(tx, experiment.key, participant_id, expires_at)
        await context.note(
            tx, AuditAction.DATA_REQUEST, experiment_keys=[experiment.key], resource="link"
        )
    return path, expires_at


async def _rooms(tx: AsyncConnection, asked: Asked) -> list[str]:
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
    columns = _REQUEST.columns
    found = await tx.execute(
        select(*_REQUEST.selected)
        .where(
            columns["experiment_key"] == asked.experiment_key,
            columns["participant_id"] == asked.participant_id,
            columns["state"].in_([each.value for each in OPEN]),
        )
        .order_by(columns["key"].desc())
        .limit(1)
    )
    values = found.one_or_none()
    return None if values is None else _REQUEST.row(values)


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
    told = global_id(_REQUEST.type_name, key)
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
    return await one(tx, _REQUEST.columns["key"] == key)


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
