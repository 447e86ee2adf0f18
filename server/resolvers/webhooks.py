"""Setting webhooks up, changing, trying and deleting them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.errors import BadUserInput, Forbidden, NotFound
from server.global_ids import type_and_key
from server.records.audit import AuditAction
from server.records.users import UserRole
from server.records.webhooks import Webhook, WebhookDelivery, WebhookEvent
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, managed
from server.resolvers.own_questions import findable
from server.resolvers.reasons import MANAGE
from server.rows import Row, layout_of
from server.timestamps import now
from server.webhooks.delivering import give_up
from server.webhooks.outbox import PING, put
from server.webhooks.signing import new_secret
from server.webhooks.targets import checked_url

MOST = 20
"""How many webhooks an experiment, or an account, may have."""

_WEBHOOK, _DELIVERY = layout_of(Webhook), layout_of(WebhookDelivery)


@dataclass(frozen=True, slots=True)
class Asked:
    """A new webhook: of an experiment or, without one, of the caller's account."""

    url: str
    events: Sequence[WebhookEvent]
    experiment_id: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed of a webhook; None for what stays."""

    url: str | None
    events: Sequence[WebhookEvent] | None
    enabled: bool | None


async def create(context: Context, asked: Asked) -> tuple[Row, str]:
    """Set a webhook up; return it, and the secret that signs what it sends."""
    context.actor.require(MANAGE)
    values: dict[str, Any] = {
        "url": _url(context, asked.url),
        "events": _events(asked.events),
        "created_at": now(),
        "user_key": context.actor.user_key,
        "secret": (secret := new_secret()),
    }
    named = asked.experiment_id
    experiment_id = None if named is None else await findable(context, named)
    async with context.db.write() as tx:
        key = await _of(tx, context, experiment_id)
        await _require_room(tx, context, key)
        added = insert(Webhook).values(**values, experiment_key=key)
        row = _WEBHOOK.row((await tx.execute(added.returning(*_WEBHOOK.selected))).one())
        await _note(tx, context, row)
    return row, secret


async def change(context: Context, webhook_id: str, changes: Changes) -> Row:
    """Change a webhook, or switch it on or off."""
    context.actor.require(MANAGE)
    values: dict[str, Any] = {}
    if changes.url is not None:
        values["url"] = _url(context, changes.url)
    if changes.events is not None:
        values["events"] = _events(changes.events)
    async with context.db.write() as tx:
        row = await _found(tx, context, webhook_id)
        this = col(Webhook.id) == row.key
        if changes.enabled is not None:
            values |= {"disabled_at": None, "failing_since": None}
        if changes.enabled is False:
            values["disabled_at"] = row.disabled_at or now()
            await give_up(tx, this)
        if values:
            changed = update(Webhook).where(this).values(**values)
            row = _WEBHOOK.row((await tx.execute(changed.returning(*_WEBHOOK.selected))).one())
            await _note(tx, context, row)
    return row


async def remove(context: Context, webhook_id: str) -> None:
    """Delete a webhook, and all that it still had to deliver."""
    context.actor.require(MANAGE)
    async with context.db.write() as tx:
        row = await _found(tx, context, webhook_id)
        await tx.execute(delete(Webhook).where(col(Webhook.id) == row.key))
        await _note(tx, context, row)


async def try_out(context: Context, webhook_id: str) -> Row:
    """Have a ping delivered; return the delivery, which will tell what became of it."""
    context.actor.require(MANAGE)
    async with context.db.write() as tx:
        row = await _found(tx, context, webhook_id)
        if row.disabled_at is not None:
            raise BadUserInput("The webhook is switched off: switch it on first.", ["id"])
        [message_id] = await put(tx, [row.key], PING, {"webhookId": row.id})
        this = _DELIVERY.columns["message_id"] == message_id
        delivery = (await tx.execute(select(*_DELIVERY.selected).where(this))).one()
        await _note(tx, context, row)
    return _DELIVERY.row(delivery)


def _url(context: Context, text: str) -> str:
    return checked_url(text, loopback=context.services.webhook_loopback)


def _events(events: Sequence[WebhookEvent]) -> list[str]:
    if not events:
        raise BadUserInput("Name an event to be told of.", ["input", "events"])
    return [each.value for each in WebhookEvent if each in events]


async def _of(tx: AsyncConnection, context: Context, experiment_id: str | None) -> int | None:
    """Return the key of the experiment that a webhook is to be of; None for the account."""
    if experiment_id is not None:
        this = EXPERIMENT.columns["experiment_id"] == experiment_id
        row = await managed(tx, context.actor, this, ["input", "experimentId"])
        key: int = row.key
        return key
    actor = context.actor
    if actor.role is UserRole.PARTICIPANT or actor.experiment_keys is not None:
        raise Forbidden(
            "Webhooks of an account are for researchers, and for keys that are not bound to "
            "experiments: name an experiment of yours.",
            ["input", "experimentId"],
        )
    return None


async def _require_room(tx: AsyncConnection, context: Context, key: int | None) -> None:
    of_it = col(Webhook.experiment_key) == key
    mine = col(Webhook.user_key) == context.actor.user_key
    some = [of_it] if key is not None else [col(Webhook.experiment_key).is_(None), mine]
    if (await tx.scalar(select(func.count()).where(*some)) or 0) >= MOST:
        raise BadUserInput(f"There are {MOST} webhooks already: delete one first.", ["input"])


async def _found(tx: AsyncConnection, context: Context, webhook_id: str) -> Row:
    """Return a webhook that the actor sees, which is theirs to change; else NotFound."""
    type_name, key = type_and_key(webhook_id) or ("", 0)
    this = _WEBHOOK.columns["key"] == (key if type_name == _WEBHOOK.type_name else 0)
    asked = select(*_WEBHOOK.selected).where(this, context.actor.sees_webhooks(_WEBHOOK))
    if (found := (await tx.execute(asked)).one_or_none()) is None:
        raise NotFound("There is no such webhook: look among `webhooks` for yours.", ["id"])
    return _WEBHOOK.row(found)


async def _note(tx: AsyncConnection, context: Context, row: Row) -> None:
    key = row.experiment_key
    await context.note(
        tx,
        AuditAction.WEBHOOK_CHANGE,
        experiment_keys=() if key is None else [key],
        resource=row.id,
    )
