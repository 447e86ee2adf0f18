"""The outbox: what is to be delivered is written in the transaction of what it tells of."""

import secrets
from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.column_types import dump_json
from server.records.experiments import Experiment
from server.records.users import User, UserRole
from server.records.webhooks import DeliveryState, Webhook, WebhookDelivery, WebhookEvent
from server.timestamps import Timestamp, iso, now

TYPES: Mapping[WebhookEvent, str] = {
    WebhookEvent.EXPORT_FINISHED: "export.finished",
    WebhookEvent.DATA_REQUEST_RECEIVED: "data_request.received",
    WebhookEvent.RETENTION_NOTICE: "retention.notice",
}
"""What each event is called in what is sent."""

PING = "ping"


async def announce(
    tx: AsyncConnection,
    experiment_key: int,
    event: WebhookEvent,
    payload: Mapping[str, object],
    *,
    also_to: int | None = None,
) -> None:
    """Tell the webhooks of an experiment, and of its owner's account, what has happened.

    payload  ids and states, never personal data: whoever wants more must sign in
    also_to  the key of another account whose webhooks are told, such as who asked for it
    """
    owner = select(col(Experiment.experiment_id), col(Experiment.owner_key))
    found = (await tx.execute(owner.where(col(Experiment.id) == experiment_key))).one_or_none()
    if found is None:
        return
    experiment_id, owner_key = found
    listening = (
        select(col(Webhook.id), col(Webhook.events))
        .join(User, col(User.id) == col(Webhook.user_key))
        .where(
            col(Webhook.disabled_at).is_(None),
            col(User.disabled_at).is_(None),
            _hears(experiment_key, owner_key, also_to),
        )
        .order_by(col(Webhook.id))
    )
    keys = [key for key, events in await tx.execute(listening) if event in events and key]
    await put(tx, keys, TYPES[event], {"experimentId": experiment_id, **payload})


async def put(
    tx: AsyncConnection, webhook_keys: Iterable[int], kind: str, data: Mapping[str, object]
) -> list[str]:
    """Put a message into the outbox for each of some webhooks; return the ids of the messages."""
    at = now()
    body = dump_json({"type": kind, "timestamp": iso(at), "data": data})
    rows = [
        {
            "message_id": f"msg_{secrets.token_urlsafe(18)}",
            "event": kind,
            "created_at": at,
            "state": DeliveryState.PENDING,
            "next_at": Timestamp(at),
            "attempts": 0,
            "webhook_key": key,
            "body": body,
        }
        for key in webhook_keys
    ]
    if rows:
        await tx.execute(insert(WebhookDelivery), rows)
    return [str(row["message_id"]) for row in rows]


def _hears(experiment_key: int, owner_key: int, also_to: int | None) -> ColumnElement[bool]:
    """Keep those set up by who owns the experiment now, or administers it."""
    of_it = and_(
        col(Webhook.experiment_key) == experiment_key,
        or_(col(Webhook.user_key) == owner_key, col(User.role) == UserRole.ADMINISTRATOR),
    )
    accounts = [key for key in (owner_key, also_to) if key is not None]
    of_accounts = and_(col(Webhook.experiment_key).is_(None), col(Webhook.user_key).in_(accounts))
    return or_(of_it, of_accounts)
