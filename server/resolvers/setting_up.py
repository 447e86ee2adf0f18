"""Setting up experiments, and the rooms and participants that data is then added to."""

import re
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.errors import BadUserInput, ConsentWithdrawn, Forbidden, NotFound
from server.ingest.starts import move_start
from server.ingest.storing import ADDING
from server.records.audit import AuditAction
from server.records.experiments import Experiment, ExperimentStatus, ParticipantField
from server.records.participants import Participant, ParticipantStatus
from server.records.rooms import Room, RoomStatus
from server.records.users import UserRole
from server.resolvers.context import Context
from server.resolvers.experiment_changes import follow_up, standing
from server.resolvers.managed import EXPERIMENT, managed, require_open, writable
from server.resolvers.managed import named as named_by
from server.resolvers.names import named
from server.resolvers.own_questions import findable
from server.resolvers.reasons import MANAGE
from server.rows import Row, TableLayout, layout_of
from server.sealing.withdrawn import withdrawn_from
from server.timestamps import Timestamp, now

LONGEST_TEXT = 20_000
"""Characters that a text may have."""

_ROOM, _PARTICIPANT = layout_of(Room), layout_of(Participant)
_ID = re.compile(r"[\w.:@+-]{1,200}", re.ASCII)

Said = Mapping[str, Any]
"""What is to be in some columns; the others stay as they are."""


async def create_experiment(context: Context, experiment_id: str | None, said: Said) -> Row:
    """Make an experiment of the actor's."""
    actor = context.actor
    actor.require(MANAGE)
    if actor.role is UserRole.PARTICIPANT:
        raise Forbidden("Only researchers and administrators set experiments up.")
    if actor.experiment_keys is not None:
        raise Forbidden("This API key is bound to experiments: use one that is not.")
    at = now()
    public_id = _public_id(experiment_id or f"exp_{secrets.token_hex(8)}", "experimentId")
    values: dict[str, Any] = {
        "experiment_id": public_id,
        "status": ExperimentStatus.ACTIVE,
        "roles": [],
        "participants_may_request_data": False,
        "fields_not_collected": [],
        **_created(said, at),
        "owner_key": actor.user_key,
        "created_at": at,
        "updated_at": at,
    }
    async with context.db.write() as tx:
        await _require_free(tx, EXPERIMENT.columns["experiment_id"], public_id)
        added = insert(Experiment).values(values).returning(*EXPERIMENT.selected)
        row = EXPERIMENT.row(tuple((await tx.execute(added)).one()))
        await context.note(tx, AuditAction.EXPERIMENT_CHANGE, experiment_keys=[row.key])
    return row


async def change_experiment(context: Context, id_: str, said: Said) -> Row:
    """Change settings of an experiment; NotFound, Forbidden for those who do not manage it."""
    context.actor.require(MANAGE)
    this = named_by(id_)
    async with context.db.write() as tx:
        before = await managed(tx, context.actor, this, ["id"])
        values = _settings(said)
        besides = standing(before, values)
        await tx.execute(
            update(Experiment).where(this).values({**values, **besides, "updated_at": now()})
        )
        await follow_up(tx, context, before, values)
        row = await _again(tx, EXPERIMENT, before.key)
        await context.note(tx, AuditAction.EXPERIMENT_CHANGE, experiment_keys=[row.key])
    context.services.exporter.wake()
    return row


async def put_room(context: Context, experiment_id: str, room_id: str, said: Said) -> Row:
    """Make a room of an experiment that the actor manages, or change it.

    Where the experiment's start is corrected, all that counts from it follows.
    """
    context.actor.require(ADDING)
    values = _checked(said, ["status"])
    experiment_id = await findable(context, experiment_id)
    async with context.db.write() as tx:
        this = EXPERIMENT.columns["experiment_id"] == experiment_id
        experiment = await writable(tx, context.actor, this, ["input", "experimentId"])
        there = await _one(tx, _ROOM, _ROOM.columns["room_id"] == room_id)
        if there is None:
            place = {"experiment_key": experiment.key, "room_id": _public_id(room_id, "roomId")}
            return await _added(tx, _ROOM, {"status": RoomStatus.ACTIVE, **values, **place})
        if there.experiment_key != experiment.key:
            raise _taken("roomId")
        _check_span({**_own(there, "start_time", "end_time"), **values})
        before, start = there.experiment_start, values.get("experiment_start")
        if before is not None and start is not None and start != before:
            await move_start(tx, there.key, start - before)
            await context.note(
                tx,
                AuditAction.START_CORRECT,
                experiment_keys=[experiment.key],
                resource=there.id,
            )
        return await _changed(tx, _ROOM, there, values)


async def put_participant(context: Context, room_id: str, participant_id: str, said: Said) -> Row:
    """Add somebody to a room of an experiment that the actor manages, or change what is known."""
    context.actor.require(ADDING)
    values = _checked(said, ["status"])
    async with context.db.write() as tx:
        this = _ROOM.columns["room_id"] == room_id
        room = await _one(tx, _ROOM, this, context.actor.owns(_ROOM))
        if room is None:
            raise NotFound(
                "There is no such room that you may add to: make it by `roomUpsert`.",
                ["input", "roomId"],
            )
        if (await withdrawn_from(tx, [room.experiment_key])).wholly(
            room.experiment_key, participant_id
        ):
            raise ConsentWithdrawn(
                "They have withdrawn from the experiment: nothing of them is kept.",
                ["input", "participantId"],
            )
        place = {"experiment_key": room.experiment_key, "room_key": room.key}
        values |= await _left_out(tx, room.experiment_key)
        named_so = _PARTICIPANT.columns["participant_id"] == participant_id
        here = _PARTICIPANT.columns["room_key"] == room.key
        there = await _one(tx, _PARTICIPANT, named_so, here)
        if there is None:
            known = {"participant_id": _public_id(participant_id, "participantId"), **place}
            status = {"status": ParticipantStatus.ACTIVE}
            return await _added(tx, _PARTICIPANT, {**status, **values, **known})
        return await _changed(tx, _PARTICIPANT, there, values)


async def _left_out(tx: AsyncConnection, experiment_key: int) -> dict[str, None]:
    """Return nothing for what an experiment does not collect; Archived if it is read-only.

    That stays so until the end of the transaction.
    """
    asked = select(col(Experiment.status), col(Experiment.fields_not_collected))
    this = col(Experiment.id) == experiment_key
    status, fields = (await tx.execute(asked.where(this).with_for_update(read=True))).one()
    require_open(status, ["input", "roomId"])
    return dict.fromkeys(ParticipantField(each).column for each in fields)


async def _one(
    tx: AsyncConnection, layout: TableLayout, *clauses: ColumnElement[bool]
) -> Row | None:
    found = (await tx.execute(select(*layout.selected).where(*clauses))).one_or_none()
    return None if found is None else layout.row(tuple(found))


async def _added(tx: AsyncConnection, layout: TableLayout, values: Said) -> Row:
    _check_span(values)
    await tx.execute(insert(layout.model).values(values))
    names = ("room_key", "participant_id") if layout is _PARTICIPANT else ("room_id",)
    row = await _one(tx, layout, *(layout.columns[name] == values[name] for name in names))
    assert row is not None  # looked up by name: a trigger may have given it another key
    return row


async def _changed(tx: AsyncConnection, layout: TableLayout, there: Row, values: Said) -> Row:
    if values:
        this = layout.columns["key"] == there.key
        await tx.execute(update(layout.model).where(this).values(values))
    return await _again(tx, layout, there.key)


async def _again(tx: AsyncConnection, layout: TableLayout, key: int) -> Row:
    row = await _one(tx, layout, layout.columns["key"] == key)
    assert row is not None
    return row


async def _require_free(tx: AsyncConnection, column: ColumnElement[Any], public_id: str) -> None:
    if (await tx.execute(select(column).where(column == public_id))).first() is not None:
        raise _taken("experimentId")


def _taken(field: str) -> BadUserInput:
    return BadUserInput("That id is in use elsewhere: choose another.", ["input", field])


def _public_id(text: str, field: str) -> str:
    if _ID.fullmatch(text) is None:
        raise BadUserInput(
            "An id has 1 to 200 letters, digits or `_ - . : @ +`, and no spaces.", ["input", field]
        )
    return text


def _created(said: Said, at: Timestamp) -> dict[str, Any]:
    values = _settings(said, needs_name=True)
    if values.get("status") == ExperimentStatus.ARCHIVED:
        raise BadUserInput(
            "There is nothing to archive yet: leave `status` out.", ["input", "status"]
        )
    done = values.get("status") == ExperimentStatus.COMPLETED
    return {**values, "completed_at": at if done else None}


def _settings(said: Said, *, needs_name: bool = False) -> dict[str, Any]:
    values = _checked(said, _NEVER_NULL)
    if needs_name and "name" not in values:
        raise BadUserInput("Give the experiment a `name`.", ["input", "name"])
    if "name" in values:
        values["name"] = named(values["name"], "experiment", ["input", "name"])
    needed = values.get("required_participants")
    if needed is not None and needed < 1:
        raise BadUserInput("A room needs at least one.", ["input", "requiredParticipants"])
    return values


_NEVER_NULL = (
    "name",
    "status",
    "roles",
    "participants_may_request_data",
    "fields_not_collected",
)
"""What stays as it is where null is said."""


def _checked(said: Said, never_null: Collection[str]) -> dict[str, Any]:
    for value in said.values():
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise BadUserInput(f"A text may have at most {LONGEST_TEXT:,} characters.", ["input"])
    return {
        name: value for name, value in said.items() if value is not None or name not in never_null
    }


def _own(row: Row, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _check_span(values: Said) -> None:
    start, end = values.get("start_time"), values.get("end_time")
    if start is not None and end is not None and end < start:
        raise BadUserInput("It ends before it begins: correct one.", ["input", "endTime"])
