"""Emptying the outbox: one server claims each delivery for a while, sends it, and says how it went.

A server that dies in between leaves it claimed until its lease is over; then it is sent again, with
the same id. So a receiver is told at least once, and in no order that could be relied on.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Database
from server.records.webhooks import DeliveryState, Webhook, WebhookDelivery
from server.timestamps import now
from server.webhooks.backoff import DAY, HOUR, SECOND, next_attempt
from server.webhooks.sending import Message, Outcome

LEASE = 60 * SECOND
"""For how long a delivery is claimed: longer than any attempt takes."""

DISABLED_AFTER = 5 * DAY
"""How long a webhook may fail without a success before it is switched off."""

KEPT = 30 * DAY
"""How long what is delivered, or given up, is kept for its owner to see."""

AT_ONCE = 8
"""To how many webhooks a server sends at the same time."""

IN_A_ROW = 10
"""How many deliveries of one webhook are taken together, so that no other waits for long."""


class Sends(Protocol):
    """What sends a message."""

    async def send(self, message: Message) -> Outcome: ...


class Deliveries:
    """The chore of delivering what is due.

    clock   tells the time, in milliseconds since 1970
    chance  gives a number from 0 to 1
    """

    def __init__(
        self,
        db: Database,
        sender: Sends,
        *,
        clock: Callable[[], int] = now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._db = db
        self._sender = sender
        self._clock = clock
        self._chance = chance
        self._forget_at = 0

    async def __call__(self, stopping: asyncio.Event) -> None:
        """Deliver until nothing is due."""
        await self._forget()
        while not stopping.is_set() and (due := await self._due()):
            of_webhook = defaultdict[int, list[Row[Any]]](list)
            for delivery in due:
                of_webhook[delivery.webhook_key].append(delivery)
            slots = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(
                *(self._deliver(some, slots, stopping) for some in of_webhook.values())
            )

    async def _deliver(
        self, some: Sequence[Row[Any]], slots: asyncio.Semaphore, stopping: asyncio.Event
    ) -> None:
        """Send what is due of one webhook, until one fails."""
        async with slots:
            for delivery in some:
                if stopping.is_set() or not await self._attempt(delivery):
                    return

    async def _attempt(self, delivery: Row[Any]) -> bool:
        async with self._db.write() as tx:
            message = await claim(tx, delivery, self._clock() + LEASE)
        if message is None:
            return True
        outcome = await self._sender.send(message)
        async with self._db.write() as tx:
            await settle(tx, delivery, outcome, self._clock(), self._chance())
        return outcome.is_taken

    async def _due(self) -> Sequence[Row[Any]]:
        """Return what is to be sent, the longest due first, and not too much of one webhook."""
        order = col(WebhookDelivery.next_at), col(WebhookDelivery.id)
        place = func.row_number().over(
            partition_by=col(WebhookDelivery.webhook_key), order_by=order
        )
        ranked = (
            select(col(WebhookDelivery.id), place.label("place"))
            .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_key))
            .where(
                col(WebhookDelivery.next_at) <= self._clock(), col(Webhook.disabled_at).is_(None)
            )
            .subquery()
        )
        first = select(ranked.c.id).where(ranked.c.place <= IN_A_ROW)
        due = select(WebhookDelivery).where(col(WebhookDelivery.id).in_(first)).order_by(*order)
        async with self._db.read() as tx:
            return (await tx.execute(due)).all()

    async def _forget(self) -> None:
        """Delete what is long over, once an hour."""
        if (at := self._clock()) < self._forget_at:
            return
        self._forget_at = at + HOUR
        over = col(WebhookDelivery.next_at).is_(None), col(WebhookDelivery.created_at) < at - KEPT
        async with self._db.write() as tx:
            await tx.execute(delete(WebhookDelivery).where(*over))


async def claim(tx: AsyncConnection, delivery: Row[Any], until: int) -> Message | None:
    """Take a delivery, as it was found due; None if another server has taken it.

    Until its lease is over nobody else finds it due.
    """
    claimed = (
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.id) == delivery.id,
            col(WebhookDelivery.attempts) == delivery.attempts,
            col(WebhookDelivery.next_at) == delivery.next_at,
        )
        .values(attempts=delivery.attempts + 1, next_at=until)
    )
    if not (await tx.execute(claimed)).rowcount:
        return None
    webhook = select(col(Webhook.url), col(Webhook.secret)).where(
        col(Webhook.id) == delivery.webhook_key, col(Webhook.disabled_at).is_(None)
    )
    if (found := (await tx.execute(webhook)).one_or_none()) is None:
        return None
    return Message(found.url, found.secret, delivery.message_id, delivery.body)


async def settle(
    tx: AsyncConnection, delivery: Row[Any], outcome: Outcome, at: int, chance: float
) -> None:
    """Say how an attempt went, unless its lease was over and another has been made since."""
    attempts = delivery.attempts + 1
    again = None if outcome.is_taken else next_attempt(delivery.created_at, attempts, at, chance)
    if outcome.is_taken:
        state = DeliveryState.DELIVERED
    else:
        state = DeliveryState.FAILED if again is None else DeliveryState.PENDING
    settled = (
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.id) == delivery.id,
            col(WebhookDelivery.attempts) == attempts,
            col(WebhookDelivery.next_at).is_not(None),  # it may have been given up meanwhile
        )
        .values(
            state=state,
            next_at=again,
            last_at=at,
            last_status=outcome.status,
            last_error=outcome.error,
        )
    )
    if (await tx.execute(settled)).rowcount:
        await _judge(tx, delivery.webhook_key, outcome, at)


async def _judge(tx: AsyncConnection, webhook_key: int, outcome: Outcome, at: int) -> None:
    """Note of a webhook whether it works; switch it off if it has not for long, or is gone."""
    this = col(Webhook.id) == webhook_key
    if outcome.is_taken:
        working = update(Webhook).where(this, col(Webhook.failing_since).is_not(None))
        await tx.execute(working.values(failing_since=None))
        return
    since = func.coalesce(col(Webhook.failing_since), at)
    failing = update(Webhook).where(this).values(failing_since=since)
    failing_since = await tx.scalar(failing.returning(col(Webhook.failing_since)))
    gone = outcome.status == HTTPStatus.GONE
    if gone or (failing_since is not None and at - failing_since >= DISABLED_AFTER):
        off = update(Webhook).where(this, col(Webhook.disabled_at).is_(None))
        await tx.execute(off.values(disabled_at=at))
        await give_up(tx, this)


async def give_up(tx: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Give up what is still to be delivered to some webhooks."""
    theirs = col(WebhookDelivery.webhook_key).in_(select(col(Webhook.id)).where(which))
    pending = update(WebhookDelivery).where(theirs, col(WebhookDelivery.next_at).is_not(None))
    await tx.execute(
        pending.values(
            state=DeliveryState.FAILED, next_at=None, last_error="The webhook was switched off."
        )
    )
