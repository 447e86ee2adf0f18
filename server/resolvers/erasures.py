"""Asking for erasures, in two steps, and canceling those that have not begun."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db import take_turns
from server.erasure.previews import Preview, preview
from server.erasure.running import unfinished
from server.erasure.subjects import Subject, person
from server.errors import AlreadyFinished, BadUserInput, NotFound
from server.global_ids import global_id, type_and_key
from server.links import LinkExpired, LinkInvalid
from server.records.audit import AuditAction
from server.records.erasures import Erasure, ErasureKind, ErasureStatus
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, managed
from server.resolvers.reasons import DELETE
from server.rows import Row, layout_of
from server.timestamps import Timestamp, now

LAYOUT = layout_of(Erasure)
LONGEST_REASON = 2_000
DAY = 24 * 3600 * 1000

_LOCK = 0x45524153
"""The number of the lock under which erasures are confirmed: one of each person is going on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What would go and the token that confirms it, or the erasure there is."""

    preview: Preview | None = None
    confirm: str | None = None
    until: Timestamp | None = None
    grace_days: float = 0
    erasure: Row | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Who or what is to be erased, by whom, and where that was said."""

    experiment: Row
    digest: str
    subject: Subject | None
    confirm: str | None
    reason: str | None
    field: tuple[str, ...]


async def erase_participant(
    context: Context,
    experiment_id: str,
    participant_id: str,
    confirm: str | None,
    reason: str | None,
) -> Asked:
    """Say what would go of a person, or begin to wait until it does, if that is confirmed."""
    context.actor.require(DELETE)
    _check(reason)
    async with context.db.write() as tx:
        this = EXPERIMENT.columns["experiment_id"] == experiment_id
        experiment = await managed(tx, context.actor, this, ["input", "experimentId"])
        digest = context.services.signer.digest("erasure", f"{experiment.key}\n{participant_id}")
        subject = await person(tx, experiment.key, participant_id)
        there = unfinished() if subject.participant_keys else _kept()
        if (known := await _newest(tx, digest, there)) is not None:
            return Asked(erasure=known)
        if not subject.participant_keys:
            raise NotFound(
                "There is nobody of that id in the experiment: check it for typing errors.",
                ["input", "participantId"],
            )
        wanted = _Wanted(experiment, digest, subject, confirm, reason, ("input", "confirm"))
        if confirm is not None:
            return Asked(erasure=await _confirmed(tx, context, wanted))
    return await _asked(context, wanted)


async def preview_experiment(context: Context, id_: str) -> Asked:
    """Say what would go with a whole experiment, and return the token that confirms it."""
    context.actor.require(DELETE)
    async with context.db.write() as tx:
        wanted = await _whole(tx, context, id_, None, None)
        if (known := await _newest(tx, wanted.digest, unfinished())) is not None:
            return Asked(erasure=known)
    return await _asked(context, wanted)


async def delete_experiment(context: Context, id_: str, confirm: str, reason: str | None) -> None:
    """Have a whole experiment be erased once the time for second thoughts is over."""
    context.actor.require(DELETE)
    _check(reason)
    async with context.db.write() as tx:
        wanted = await _whole(tx, context, id_, confirm, reason)
        if await _newest(tx, wanted.digest, unfinished()) is None:
            await _confirmed(tx, context, wanted)


async def cancel(context: Context, id_: str) -> Row:
    """Cancel an erasure; AlreadyFinished if it has begun, NotFound if the actor sees none."""
    context.actor.require(DELETE)
    type_name, key = type_and_key(id_) or ("", 0)
    this = LAYOUT.columns["key"] == (key if type_name == LAYOUT.type_name else 0)
    async with context.db.write() as tx:
        await tx.execute(select(LAYOUT.columns["key"]).where(this).with_for_update())
        found = await _one(tx, this, context.actor.sees_erasures(LAYOUT))
        if found is None:
            raise NotFound("There is no such erasure: look among `erasures`.", ["id"])
        waits = LAYOUT.columns["status"] == ErasureStatus.REQUESTED
        values = {"status": ErasureStatus.CANCELED, "completed_at": now(), "subject": None}
        canceled = await tx.execute(update(Erasure).where(this, waits).values(values))
        if not canceled.rowcount:
            raise AlreadyFinished(
                "It has begun, or has come to its end: there is nothing to cancel.", ["id"]
            )
        await _note(tx, context, found)
        again = await _one(tx, this)
        assert again is not None
        return again


async def _whole(
    tx: AsyncConnection, context: Context, id_: str, confirm: str | None, reason: str | None
) -> _Wanted:
    type_name, key = type_and_key(id_) or ("", 0)
    this = EXPERIMENT.columns["key"] == (key if type_name == EXPERIMENT.type_name else 0)
    experiment = await managed(tx, context.actor, this, ["id"])
    digest = context.services.signer.digest("erasure", f"{experiment.key}")
    return _Wanted(experiment, digest, None, confirm, reason, ("confirm",))


async def _asked(context: Context, wanted: _Wanted) -> Asked:
    """Count what would go, and sign the token that confirms it."""
    key, signer = wanted.experiment.key, context.services.signer
    async with context.db.read() as tx:
        counted = await preview(tx, key, wanted.subject)
        last = await tx.scalar(_last(wanted.digest)) or 0
    terms = {"of": wanted.digest, "after": last}
    token = signer.sign("erasure", key, context.actor.user_key, terms)
    until = Timestamp(now() + signer.seconds_for("erasure") * 1000)
    return Asked(counted, token, until, context.services.erasure_grace_days)


async def _confirmed(tx: AsyncConnection, context: Context, wanted: _Wanted) -> Row:
    """Note that an erasure is wanted, unless it was noted with the same token before."""
    terms = _terms(context, wanted)
    await take_turns(tx, _LOCK)
    if (last := await tx.scalar(_last(wanted.digest)) or 0) > terms["after"]:
        known = await _one(tx, LAYOUT.columns["key"] == last)
        assert known is not None
        return known
    at = now()
    keys = wanted.subject.participant_keys if wanted.subject else ()
    kept = Subject(participant_id=wanted.subject.participant_id if wanted.subject else None)
    added = insert(Erasure).values(
        kind=ErasureKind.PARTICIPANT if wanted.subject else ErasureKind.EXPERIMENT,
        status=ErasureStatus.REQUESTED,
        experiment_id=wanted.experiment.experiment_id,
        requested_at=at,
        due_at=at + int(context.services.erasure_grace_days * DAY),
        reason=wanted.reason,
        removed_count=0,
        total_count=0,
        experiment_key=wanted.experiment.key,
        participant_key=keys[0] if keys else None,
        requested_by_key=context.actor.user_key,
        digest=wanted.digest,
        subject=kept.stored(),
        step=0,
        counts={},
        fence=0,
    )
    key = (await tx.scalars(added.returning(LAYOUT.columns["key"]))).one()
    erasure = await _one(tx, LAYOUT.columns["key"] == key)
    assert erasure is not None
    await _note(tx, context, erasure)
    return erasure


def _terms(context: Context, wanted: _Wanted) -> Mapping[str, Any]:
    signer = context.services.signer
    try:
        _, terms = signer.terms("erasure", wanted.confirm or "", wanted.experiment.key)
    except (LinkInvalid, LinkExpired) as failure:
        raise BadUserInput(f"Not confirmed. {failure.message}", wanted.field) from None
    if terms.get("of") != wanted.digest:
        raise BadUserInput("Not confirmed: the token is of another erasure.", wanted.field)
    return terms


async def _note(tx: AsyncConnection, context: Context, erasure: Row) -> None:
    await context.note(
        tx,
        AuditAction.ERASE,
        experiment_keys=[erasure.experiment_key],
        resource=global_id(Erasure.__name__, erasure.key),
    )


async def _newest(tx: AsyncConnection, digest: str, which: ColumnElement[bool]) -> Row | None:
    return await _one(tx, LAYOUT.columns["digest"] == digest, which)


async def _one(tx: AsyncConnection, *where: ColumnElement[bool]) -> Row | None:
    newest = select(*LAYOUT.selected).where(*where).order_by(LAYOUT.columns["key"].desc()).limit(1)
    found = (await tx.execute(newest)).one_or_none()
    return None if found is None else LAYOUT.row(tuple(found))


def _last(digest: str) -> Any:  # noqa: ANN401 - a statement of one number
    these = LAYOUT.columns["digest"] == digest, _kept()
    return select(func.max(LAYOUT.columns["key"])).where(*these)


def _kept() -> ColumnElement[bool]:
    return LAYOUT.columns["status"] != ErasureStatus.CANCELED


def _check(reason: str | None) -> None:
    if reason is not None and len(reason) > LONGEST_REASON:
        raise BadUserInput(f"A reason may have at most {LONGEST_REASON:,} characters.", ["input"])
