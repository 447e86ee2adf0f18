"""Setting how long an experiment's data are kept, and a legal hold: for who manages it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row as Stored
from sqlalchemy.ext.asyncio import AsyncConnection

from server.audit import add
from server.errors import BadUserInput
from server.records.audit import AuditAction
from server.records.retention import REMINDER_DAYS, RetentionPolicyBase
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, managed
from server.resolvers.own_questions import findable
from server.resolvers.reasons import MANAGE
from server.retention import store
from server.rows import Row
from server.timestamps import now

LONGEST_REASON = 2_000
"""Characters."""

MOST_DAYS = 36_500
LEAST_REMINDER, MOST_REMINDER = 2, 365
"""Days: both notices have to be given before, a day apart."""

NAMES = tuple(RetentionPolicyBase.model_fields)
NOTHING: Mapping[str, Any] = {**dict.fromkeys(NAMES), "reminder_days": REMINDER_DAYS}
"""What is so without a policy."""

Said = Mapping[str, Any]
"""What is said of a policy; what is not in it stays."""


async def set_policy(context: Context, experiment_id: str, said: Said) -> Row:
    """Change how long an experiment's data are kept; what is not said stays. For who manages it."""
    context.actor.require(MANAGE)
    this = EXPERIMENT.columns["experiment_id"] == await findable(context, experiment_id)
    async with context.db.write() as tx:
        experiment = await managed(tx, context.actor, this, ["experimentId"])
        before = await store.policy_of(tx, experiment.key)
        values = changed(before, said)
        hold = _hold(context, before, said)
        await store.put_policy(tx, experiment.key, {**values, **hold})
        await store.keep_up(tx, experiment.key)
        if values:
            await context.note(tx, AuditAction.RETENTION_CHANGE, experiment_keys=[experiment.key])
        if hold:
            await _note_hold(context, tx, experiment.key, hold)
    return experiment


def changed(before: Stored[Any] | None, said: Said) -> dict[str, Any]:
    """Return what is said of a policy, but for a hold; BadUserInput if it makes no sense."""
    values = {name: said[name] for name in NAMES if name in said}
    if values.get("reminder_days", 0) is None:
        values["reminder_days"] = REMINDER_DAYS
    whole = {**known(before), **values}
    for name in ("delete_after_days", "media_days", "archive_after_days"):
        days = whole[name]
        if days is not None and not 0 <= days <= MOST_DAYS:
            raise _refused(name, f"Say 0 to {MOST_DAYS:,} days, or null for never.")
        if name != "delete_after_days" and _is_later(days, whole["delete_after_days"]):
            raise _refused(name, "That is not before the data are deleted: give fewer days.")
    if not LEAST_REMINDER <= whole["reminder_days"] <= MOST_REMINDER:
        raise _refused(
            "reminder_days",
            f"Say {LEAST_REMINDER} to {MOST_REMINDER} days: two notices come before a deletion.",
        )
    if whole["delete_at"] is not None and whole["delete_after_days"] is not None:
        raise _refused("delete_at", "Say `deleteAt` or `deleteAfterDays`, and null for the other.")
    if values.get("delete_at") is not None and values["delete_at"] <= now():
        raise _refused("delete_at", "That is past: name a day that comes.")
    return values


def known(policy: Stored[Any] | None) -> dict[str, Any]:
    """Return what a policy has, or what is so without one."""
    if policy is None:
        return dict(NOTHING)
    return {name: getattr(policy, name) for name in NAMES}


def _is_later(days: int | None, end: int | None) -> bool:
    return days is not None and end is not None and days >= end


def _refused(name: str, message: str) -> BadUserInput:
    first, *rest = name.split("_")
    return BadUserInput(message, ["input", first + "".join(each.title() for each in rest)])


def _hold(context: Context, before: Stored[Any] | None, said: Said) -> dict[str, Any]:
    """Return what is said of a legal hold: nothing, if that is as it is."""
    is_held, hold, reason = (
        before is not None and before.held_at is not None,
        said.get("legal_hold"),
        (said.get("legal_hold_reason") or "").strip(),
    )
    if hold is False:
        return dict.fromkeys(("held_at", "held_by", "hold_reason")) if is_held else {}
    if hold and not is_held and not reason:
        raise _refused("legal_hold_reason", "Say why: whoever lifts the hold must know.")
    if not reason:
        return {}
    if not hold and not is_held:
        raise _refused("legal_hold", "There is no legal hold: set it, or leave the reason out.")
    if len(reason) > LONGEST_REASON:
        raise _refused("legal_hold_reason", f"Say it in {LONGEST_REASON:,} characters.")
    return {"held_at": now(), "held_by": context.actor.user_id, "hold_reason": reason}


async def _note_hold(
    context: Context, tx: AsyncConnection, experiment_key: int, hold: Mapping[str, Any]
) -> None:
    is_set = hold["held_at"] is not None
    origin = replace(context.origin, reason=hold["hold_reason"] or context.origin.reason)
    action = AuditAction.LEGAL_HOLD_SET if is_set else AuditAction.LEGAL_HOLD_LIFT
    await add(tx, origin, action, experiment_keys=[experiment_key])
