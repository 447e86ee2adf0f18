"""Policies and what is due of them: each change is one step, made only from where it can start."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.holders import is_dead
from server.records.experiments import Experiment
from server.records.retention import RetentionAction, RetentionPolicy, RetentionStep
from server.retention.timetable import due_at
from server.timestamps import Timestamp

_POLICY: Sequence[Any] = (
    col(RetentionPolicy.experiment_key),
    col(Experiment.experiment_id),
    col(Experiment.status),
    col(Experiment.completed_at),
    col(RetentionPolicy.delete_after_days),
    col(RetentionPolicy.delete_at),
    col(RetentionPolicy.media_days),
    col(RetentionPolicy.archive_after_days),
    col(RetentionPolicy.reminder_days),
    col(RetentionPolicy.held_at),
    col(RetentionPolicy.held_by),
    col(RetentionPolicy.hold_reason),
)


async def policies(tx: AsyncConnection, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Return the policies of some experiments, with what is to be known of these."""
    key = col(Experiment.id) == col(RetentionPolicy.experiment_key)
    found = select(*_POLICY).join(RetentionPolicy, key).where(*which)
    rows: Sequence[Any] = (await tx.execute(found.order_by(col(Experiment.id)))).all()
    return rows


async def policy_of(tx: AsyncConnection, experiment_key: int) -> Row[Any] | None:
    """Return an experiment's policy; None if it has none."""
    found = await policies(tx, col(RetentionPolicy.experiment_key) == experiment_key)
    return found[0] if found else None


async def put_policy(tx: AsyncConnection, experiment_key: int, values: Mapping[str, Any]) -> None:
    """Give an experiment a policy, or change some of it."""
    this = col(RetentionPolicy.experiment_key) == experiment_key
    if await tx.scalar(select(col(RetentionPolicy.experiment_key)).where(this)) is None:
        new = {"experiment_key": experiment_key, **values}
        await tx.execute(insert(RetentionPolicy).values(new))
    elif values:
        await tx.execute(update(RetentionPolicy).where(this).values(values))


async def is_held(tx: AsyncConnection, experiment_key: int) -> bool:
    """Say whether a legal hold lies on an experiment."""
    policy = await policy_of(tx, experiment_key)
    return policy is not None and policy.held_at is not None


async def steps(tx: AsyncConnection, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Return what is due, of some experiments or of all."""
    found = select(RetentionStep).where(*which).order_by(col(RetentionStep.id))
    return (await tx.execute(found)).all()


async def step_of(
    tx: AsyncConnection, experiment_key: int, action: RetentionAction
) -> Row[Any] | None:
    """Return how far something that is due of an experiment has come; None if nobody was told."""
    found = await steps(tx, *_named(experiment_key, action))
    return found[0] if found else None


async def note(
    tx: AsyncConnection, experiment_key: int, action: RetentionAction, due: Timestamp, **at: object
) -> None:
    """Write down of something that is due when what of it was done."""
    this = _named(experiment_key, action)
    if (await tx.execute(update(RetentionStep).where(*this).values(at))).rowcount == 0:
        new = {"experiment_key": experiment_key, "action": action.value, "due_at": due, **at}
        await tx.execute(insert(RetentionStep).values(new))


async def forget(tx: AsyncConnection, experiment_key: int, action: RetentionAction) -> None:
    """Let nobody have been told, and stop what is being done, at its next batch."""
    await tx.execute(delete(RetentionStep).where(*_named(experiment_key, action)))


async def keep_up(tx: AsyncConnection, experiment_key: int) -> None:
    """Stop and forget what an experiment's policy, or its hold, no longer has as it was begun."""
    policy = await policy_of(tx, experiment_key)
    for step in await steps(tx, col(RetentionStep.experiment_key) == experiment_key):
        action = RetentionAction(step.action)
        if step.due_at != due_of(policy, action) and step.done_at is None:
            await forget(tx, experiment_key, action)


def due_of(policy: Row[Any] | None, action: RetentionAction) -> Timestamp | None:
    """Return for when a policy has something; None for never, as under a legal hold."""
    if policy is None or policy.held_at is not None:
        return None
    return due_at(policy, action, policy.completed_at)


async def under_way(tx: AsyncConnection, at: Timestamp) -> Sequence[Row[Any]]:
    """Return what has begun and is not done, and nobody is at work on."""
    begun = col(RetentionStep.started_at).is_not(None), col(RetentionStep.done_at).is_(None)
    return [each for each in await steps(tx, *begun) if _is_free(each, at)]


async def claim(tx: AsyncConnection, step: Row[Any], worker: str, until: int) -> bool:
    """Take what was found free; False if another has, or it is no longer to be done."""
    held, lease = col(RetentionStep.worker), col(RetentionStep.lease_until)
    as_found = (
        held.is_(None)
        if step.worker is None
        else and_(held == step.worker, lease == step.lease_until)
    )
    taken = update(RetentionStep).where(
        col(RetentionStep.id) == step.id, col(RetentionStep.done_at).is_(None), as_found
    )
    return (await tx.execute(taken.values(worker=worker, lease_until=until))).rowcount > 0


async def go_on(tx: AsyncConnection, step: Row[Any], worker: str, until: int) -> bool:
    """Prolong a lease; False if what is done is to be done no longer, or by another."""
    longer = update(RetentionStep).where(*_mine(step, worker)).values(lease_until=until)
    return (await tx.execute(longer)).rowcount > 0


async def release(tx: AsyncConnection, step: Row[Any], worker: str) -> None:
    """Let another go on at once."""
    free = update(RetentionStep).where(*_mine(step, worker))
    await tx.execute(free.values(worker=None, lease_until=None))


async def count(tx: AsyncConnection, step: Row[Any], worker: str, gone: Mapping[str, int]) -> None:
    """Add to what is gone."""
    this = _mine(step, worker)
    found = (await tx.execute(select(col(RetentionStep.deleted)).where(*this))).first()
    if found is not None:
        so_far = cast("dict[str, int]", found[0] or {})
        sums = {name: so_far.get(name, 0) + gone.get(name, 0) for name in {**so_far, **gone}}
        await tx.execute(update(RetentionStep).where(*this).values(deleted=sums))


def _named(experiment_key: int, action: RetentionAction) -> tuple[ColumnElement[bool], ...]:
    return (
        col(RetentionStep.experiment_key) == experiment_key,
        col(RetentionStep.action) == action.value,
    )


def _mine(step: Row[Any], worker: str) -> tuple[ColumnElement[bool], ...]:
    return col(RetentionStep.id) == step.id, col(RetentionStep.worker) == worker


def _is_free(step: Row[Any], at: Timestamp) -> bool:
    return step.worker is None or step.lease_until < at or is_dead(step.worker)
