"""What each holder of a key may still spend, kept here and made known to all other servers.

A server counts on its own what is spent with it, and tells the database of it a slice at a time: no
operation waits for a write, but for the one that passes a slice. So all servers together let
somebody reserve at most the bucket, what comes back meanwhile, and a slice for each server; what
operations under way read beyond what was reserved for them is spent when they end.

While the database cannot be written, each server goes on with what it knows: the bound is then a
bucket for each server.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Database
from server.errors import Throttled
from server.export.waiting import comes
from server.limits.bucket import SECOND, Bucket
from server.logs import whereabouts
from server.records.budgets import Budget
from server.settings import Settings

SLICES = 20
"""Into how many slices a bucket is cut."""

RESERVED = 10
"""The part of a bucket, one in so many, that an operation must find in it however much it may cost.

Most lists are far shorter than their pages may be: what an operation reads beyond that part is
spent when it has been read, if need be of what comes back later.
"""

MOST_HOLDERS = 10_000
"""Of how many holders a server keeps what they have spent: of those who spent last."""

PATIENCE_SECONDS = 0.5
"""How long an operation waits for the database to know of a slice."""

STALE = SECOND
"""After how long it is asked again whether others gave back what they had reserved."""

CLOCK_WINDOWS = 4
"""Whose bucket is said to need so many times as long as an empty one until it is full was seen by a
clock that was put back since: nothing is known of them."""

SWEEP = 3600 * SECOND
"""How often, and how long after, it is forgotten who has spent nothing any more."""

_INSERTS: Mapping[str, Callable[[Any], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class BudgetHolder:
    """Whose budget it is: an API key's; a user's, for whoever is signed in, with a key of 0."""

    user_key: int
    api_key_key: int = 0


@dataclass(slots=True)
class _Known:
    """What a server knows of a holder's bucket, in microseconds.

    full_at   when it will be full, what was spent here included
    untold    how much of that the database does not know of yet; negative where it was given back
    asked_at  when the database was last asked
    """

    full_at: int = 0
    untold: int = 0
    asked_at: int = 0


def _microseconds() -> int:
    return time.time_ns() // 1000


class Budgets:
    """The budgets of all who ask."""

    def __init__(
        self, db: Database, bucket: Bucket, clock: Callable[[], int] = _microseconds
    ) -> None:
        self.bucket = bucket
        self._db = db
        self._clock = clock
        self._slice = bucket.window // SLICES
        self._known: OrderedDict[BudgetHolder, _Known] = OrderedDict()
        self._due: dict[BudgetHolder, asyncio.Event] = {}
        self._telling: asyncio.Task[None] | None = None
        self._swept_at = clock()

    def left(self, holder: BudgetHolder) -> int:
        """Return how many points somebody has left, as far as is known here."""
        known = self._known.get(holder)
        return self.bucket.left(known.full_at if known else 0, self._clock())

    async def take(self, holder: BudgetHolder, points: int) -> None:
        """Spend points; Throttled if there are too few left."""
        known = self._of(holder)
        cost = self.bucket.time_of(points)
        now = self._clock()
        if known.full_at > now + CLOCK_WINDOWS * self.bucket.window:
            known.full_at = known.untold = known.asked_at = 0
        if self._beyond(known, cost, now) and now - known.asked_at > STALE:
            await self._tell(holder)
            now = self._clock()
        if wait := self._beyond(known, cost, now):
            raise _throttled(wait)
        self._move(known, cost, now)
        if known.untold < -self._slice:
            self._have_told(holder)  # that others may spend it: nobody needs to wait
        elif known.untold > self._slice:
            await self._tell(holder)
            if wait := self._beyond(known, 0, self._clock()):
                self._move(known, -cost, now)
                raise _throttled(wait)

    async def reserve(self, holder: BudgetHolder, points: int) -> int:
        """Spend what an operation may cost, or a part of it; return how much. Throttled."""
        reserved = min(points, max(self.bucket.size // RESERVED, 1))
        await self.take(holder, reserved)
        return reserved

    def settle(self, holder: BudgetHolder, reserved: int, actual: int) -> None:
        """Give back what was not needed of what was reserved, or spend what was needed beyond."""
        known = self._of(holder)
        if actual <= reserved:
            self._move(known, -((reserved - actual) * SECOND // self.bucket.refill), 0)
            return
        self._move(known, self.bucket.time_of(actual - reserved), self._clock())
        if known.untold > self._slice:
            self._have_told(holder)

    def _of(self, holder: BudgetHolder) -> _Known:
        if (known := self._known.get(holder)) is None:
            known = self._known[holder] = _Known()
            if len(self._known) > MOST_HOLDERS:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(holder)
        return known

    def _beyond(self, known: _Known, cost: int, now: int) -> int:
        """Return how long one must wait in order to spend as much."""
        return max(max(known.full_at, now) + cost - now - self.bucket.window, 0)

    @staticmethod
    def _move(known: _Known, cost: int, now: int) -> None:
        known.full_at = max(known.full_at, now) + cost
        known.untold += cost

    async def _tell(self, holder: BudgetHolder) -> None:
        """Have the database know what was spent, and learn what others spent, if it answers."""
        await comes(self._have_told(holder), PATIENCE_SECONDS)

    def _have_told(self, holder: BudgetHolder) -> asyncio.Event:
        """Have the database know, in the background; return what says that it does."""
        told = self._due.setdefault(holder, asyncio.Event())
        if self._telling is None or self._telling.done():
            # in a context of its own: it is not to end with the operation that it is begun for
            self._telling = asyncio.create_task(self._tell_all(), context=Context())
        return told

    async def _tell_all(self) -> None:
        while self._due:
            due, self._due = self._due, {}
            try:
                await self._write([each for each in due if each in self._known])
            except Exception as error:
                log.warning("What was spent could not be shared yet: %s", whereabouts(error))
            for told in due.values():
                told.set()

    async def _write(self, holders: Sequence[BudgetHolder]) -> None:
        """Tell the database of some holders, in the order of their keys, and ask what it knows."""
        told = {each: self._known[each].untold for each in sorted(holders)}
        for holder, untold in told.items():
            self._known[holder].untold -= untold
        try:
            async with self._db.write() as tx:
                now = self._clock()
                found = {each: await self._spent(tx, each, told[each], now) for each in told}
                await self._sweep(tx, now)
        except BaseException:
            for holder, untold in told.items():
                self._of(holder).untold += untold
            raise
        for holder, full_at in found.items():
            known = self._of(holder)
            known.full_at = full_at + known.untold
            known.asked_at = now

    async def _spent(self, tx: AsyncConnection, holder: BudgetHolder, untold: int, now: int) -> int:
        """Add to what somebody has spent; return when their bucket will be full."""
        full_at, window = col(Budget.full_at), self.bucket.window
        known = case(
            (full_at < now, now),
            (full_at > now + CLOCK_WINDOWS * window, now),  # a clock was put back
            else_=full_at,
        )
        inserted = _INSERTS[tx.dialect.name](Budget).values(
            user_key=holder.user_key, api_key_key=holder.api_key_key, full_at=now + max(untold, 0)
        )
        added = inserted.on_conflict_do_update(
            index_elements=["user_key", "api_key_key"], set_={"full_at": known + untold}
        ).returning(full_at)
        found: int = (await tx.execute(added)).scalar_one()
        return found

    async def _sweep(self, tx: AsyncConnection, now: int) -> None:
        """Forget, once in a while, those whose bucket has long been full."""
        if now - self._swept_at > SWEEP:
            self._swept_at = now
            await tx.execute(delete(Budget).where(col(Budget.full_at) < now - SWEEP))


def _throttled(wait: int) -> Throttled:
    seconds = wait / SECOND
    return Throttled(
        f"The budget of this API key is spent for now: ask again in {seconds:,.1f} seconds, or "
        "for less. `rateLimit` tells how much is left.",
        seconds,
    )


def budgets_of(db: Database, settings: Settings) -> Budgets | None:
    """Return the budgets that an operator has set; None if there are none."""
    if not settings.budget:
        return None
    return Budgets(db, Bucket(settings.budget, settings.budget_refill))
