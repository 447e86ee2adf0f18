"""Asking for one's own data, by account or for a link, and refusing it."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.errors import AlreadyFinished, BadUserInput, NotFound
from server.export.jobs import DAY
from server.export.retries import remove as remove_export
from server.global_ids import type_and_key
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.data_requests import OPEN, AskedBy, DataRequest
from server.records.exports import ExportFormat
from server.records.participants import PARTICIPANTS
from server.records.users import UserRole
from server.requests.links import make_link
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, managed
from server.resolvers.own_packages import REQUEST, Asked, one, receive, rooms_of
from server.resolvers.own_questions import findable
from server.resolvers.queueing import take_turns_as
from server.resolvers.reasons import EXPORT, MANAGE
from server.rows import Row
from server.timestamps import Timestamp, now

LONGEST_REASON = 1000
"""Characters."""

MOST_DAYS = 90
"""How long a link may work."""


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
    is_own = actor.role is UserRole.PARTICIPANT
    async with context.db.write() as tx:
        find = _own if is_own else _managed
        key, person = await find(tx, actor, experiment_id, participant_id)
        by = AskedBy.ACCOUNT if is_own else AskedBy.OWNER
        asked = Asked(by, key, person, include_media, format_)
        row = await receive(tx, asked, context.origin, None if is_own else actor)
    context.services.exporter.wake()
    return row


async def _own(
    tx: AsyncConnection, actor: Actor, experiment_id: str, participant_id: str | None
) -> tuple[int, str]:
    """Return the experiment in which a participant asks for their own data."""
    this = EXPERIMENT.columns["experiment_id"] == experiment_id
    visible = select(EXPERIMENT.columns["key"]).where(this, actor.sees(EXPERIMENT))
    key, own = await tx.scalar(visible), actor.participant_id
    if key is None or own is None or participant_id not in (None, own):
        raise NotFound(
            "There is no such experiment, or it does not let participants ask for their data.",
            ["input", "experimentId"],
        )
    return key, own


async def _managed(
    tx: AsyncConnection, actor: Actor, experiment_id: str, participant_id: str | None
) -> tuple[int, str]:
    """Return the experiment of whose participant somebody answers who manages it."""
    await take_turns_as(tx, actor.user_key)
    this = EXPERIMENT.columns["experiment_id"] == experiment_id
    key = (await managed(tx, actor, this, ["input", "experimentId"])).key
    if participant_id is None:
        raise BadUserInput("Name the participant.", ["input", "participantId"])
    return key, participant_id


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
    this = REQUEST.columns["key"] == (key if type_name == REQUEST.type_name else 0)
    async with context.db.write() as tx:
        asked = select(*REQUEST.selected).where(this, context.actor.owns(REQUEST))
        if (found := (await tx.execute(asked)).one_or_none()) is None:
            raise NotFound("There is no such request: look among `dataRequests`.", ["input", "id"])
        row = REQUEST.row(found)
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
        await rooms_of(tx, Asked(AskedBy.LINK, experiment.key, participant_id))
        path = await make_link(tx, experiment.key, participant_id, expires_at)
        await context.note(
            tx, AuditAction.DATA_REQUEST, experiment_keys=[experiment.key], resource="link"
        )
    return path, expires_at
