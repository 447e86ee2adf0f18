"""Withdrawing from an experiment, or consent to some data types of it, and lifting that."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.batches import Wanted
from server.errors import BadUserInput, NotFound
from server.global_ids import type_and_key
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.records.sealed import SealedParticipant, SealedRecord
from server.records.users import UserRole
from server.records.withdrawals import Withdrawal
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, managed
from server.resolvers.own_questions import findable
from server.resolvers.reasons import MANAGE
from server.rows import Layout, Row, Rows, keys_of, layout_of
from server.sealing.sealer import Sealer
from server.sealing.store import seats_of
from server.timestamps import Timestamp, now

WAIT_SECONDS = 5.0
"""How long an answer waits until all is sealed, or put back; what is left is done later."""

LONGEST_REASON = 2_000
"""Characters of a reason."""

SEALED = Layout("SealedCount", ["data_type", "count"])

_WITHDRAWAL = layout_of(Withdrawal)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who withdraws from what, from when on: at once if it is not said."""

    experiment_id: str
    participant_id: str
    data_types: Sequence[RecordType] | None
    from_at: Timestamp | None
    reason: str | None


async def withdraw(context: Context, asked: Asked) -> Row:
    """Withdraw somebody from an experiment, or their consent to some types; as it is, if it was.

    NotFound if the actor does not see them, Forbidden if they are not themselves or the owner.
    """
    actor = context.actor
    actor.require(MANAGE)
    _check(asked)
    experiment_id = await findable(context, asked.experiment_id)
    at = now()
    names = (
        None if asked.data_types is None else [e.name for e in RecordType if e in asked.data_types]
    )
    begins = at if asked.from_at is None else asked.from_at
    async with context.db.write() as tx:
        experiment = await _of(tx, actor, experiment_id, asked.participant_id)
        there = await _held(tx, experiment.key, asked.participant_id, names, begins)
        if there is not None:
            return there
        added = insert(Withdrawal).values(
            experiment_key=experiment.key,
            participant_id=asked.participant_id,
            data_types=names,
            from_at=begins,
            reason=asked.reason,
            created_at=at,
            requested_by_key=actor.user_key,
        )
        row = _WITHDRAWAL.row((await tx.execute(added.returning(*_WITHDRAWAL.selected))).one())
        await context.note(
            tx, AuditAction.WITHDRAW, experiment_keys=[experiment.key], resource=row.id
        )
    return await _carried_out(context, row)


async def lift(context: Context, id_: str) -> Row:
    """Lift a withdrawal: what no other one is about is put back; NotFound."""
    actor = context.actor
    actor.require(MANAGE)
    type_name, key = type_and_key(id_) or ("", 0)
    columns = _WITHDRAWAL.columns
    this = columns["key"] == (key if type_name == _WITHDRAWAL.type_name else 0)
    async with context.db.write() as tx:
        theirs = _is_their_own(actor) if actor.role is UserRole.PARTICIPANT else None
        mine = actor.owns(_WITHDRAWAL) if theirs is None else theirs
        found = select(*_WITHDRAWAL.selected).where(this, mine).with_for_update(of=Withdrawal)
        values = (await tx.execute(found)).one_or_none()
        if values is None:
            raise NotFound(
                "There is no such withdrawal: look among the `withdrawals` of your experiment.",
                ["id"],
            )
        row = _WITHDRAWAL.row(tuple(values))
        if row.lifted_at is not None:
            return row
        await tx.execute(update(Withdrawal).where(this).values(lifted_at=now()))
        await context.note(
            tx,
            AuditAction.WITHDRAWAL_LIFT,
            experiment_keys=[row.experiment_key],
            resource=row.id,
        )
    return await _carried_out(context, row)


@dataclass(frozen=True, slots=True)
class SealedCounts:
    """How many records of each type are sealed of whom each withdrawal is about."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Rows]:
        keys = keys_of(sources)
        async with context.db.read() as tx:
            counts = await _counts(tx, keys)
        return [
            Rows(
                SEALED,
                [(each, counts[key][each.name]) for each in RecordType if counts[key][each.name]],
            )
            for key in keys
        ]


async def _counts(tx: AsyncConnection, keys: Sequence[int]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for model in (Participant, SealedParticipant):
        theirs = and_(
            col(model.experiment_key) == col(Withdrawal.experiment_key),
            col(model.participant_id) == col(Withdrawal.participant_id),
        )
        counted = (
            select(col(Withdrawal.id), col(SealedRecord.data_type), func.count())
            .join(model, theirs)
            .join(SealedRecord, col(SealedRecord.participant_key) == col(model.id))
            .where(col(Withdrawal.id).in_(keys))
            .group_by(col(Withdrawal.id), col(SealedRecord.data_type))
        )
        for key, name, count in await tx.execute(counted):
            if key is not None:
                found[key][name] += count
    return found


def _check(asked: Asked) -> None:
    if asked.data_types is not None and not asked.data_types:
        raise BadUserInput(
            "Name a data type, or leave `dataTypes` out to withdraw from all.",
            ["input", "dataTypes"],
        )
    if asked.reason is not None and len(asked.reason) > LONGEST_REASON:
        raise BadUserInput(
            f"A reason may have at most {LONGEST_REASON:,} characters.", ["input", "reason"]
        )


async def _of(tx: AsyncConnection, actor: Actor, experiment_id: str, participant_id: str) -> Row:
    """Return the experiment that somebody is in, for themselves or who manages it."""
    this = EXPERIMENT.columns["experiment_id"] == experiment_id
    if actor.role is UserRole.PARTICIPANT:
        found = select(*EXPERIMENT.selected).where(this, _lets_look(actor))
        values = (await tx.execute(found)).one_or_none()
        if values is None or participant_id != actor.participant_id:
            raise _nobody()
        return EXPERIMENT.row(tuple(values))
    experiment = await managed(tx, actor, this, ["input", "experimentId"])
    if not await seats_of(tx, experiment.key, participant_id):
        raise _nobody()
    return experiment


def _nobody() -> NotFound:
    return NotFound(
        "Nobody of that id is in the experiment: check it for typing errors.",
        ["input", "participantId"],
    )


def _lets_look(actor: Actor) -> ColumnElement[bool]:
    """Return the clause that keeps the experiments in which a participant is, sealed or not."""
    theirs = [
        select(col(model.experiment_key)).where(col(model.participant_id) == actor.participant_id)
        for model in (Participant, SealedParticipant)
    ]
    experiment = col(Experiment.id)
    return and_(
        col(Experiment.participants_may_request_data),
        or_(*(experiment.in_(each) for each in theirs)),
    )


def _is_their_own(actor: Actor) -> ColumnElement[bool]:
    lets = select(col(Experiment.id)).where(_lets_look(actor))
    return and_(
        col(Withdrawal.participant_id) == actor.participant_id,
        col(Withdrawal.experiment_key).in_(lets),
    )


async def _held(
    tx: AsyncConnection,
    experiment_key: int,
    participant_id: str,
    names: Sequence[str] | None,
    begins: int,
) -> Row | None:
    """Return a withdrawal of the same that holds as early, if there is one."""
    held = await tx.execute(
        select(*_WITHDRAWAL.selected)
        .where(
            col(Withdrawal.experiment_key) == experiment_key,
            col(Withdrawal.participant_id) == participant_id,
            col(Withdrawal.lifted_at).is_(None),
            col(Withdrawal.from_at) <= begins,
        )
        .order_by(col(Withdrawal.id))
    )
    rows = [_WITHDRAWAL.row(tuple(values)) for values in held]
    return next((row for row in rows if row.data_types == names), None)


async def _carried_out(context: Context, row: Row) -> Row:
    """Do at once what is due, as far as it is done soon; return the withdrawal as it is then."""
    await Sealer(context.db, context.services.storage).go_on_for(WAIT_SECONDS)
    this = _WITHDRAWAL.columns["key"] == row.key
    async with context.db.read() as tx:
        return _WITHDRAWAL.row(
            tuple((await tx.execute(select(*_WITHDRAWAL.selected).where(this))).one())
        )
