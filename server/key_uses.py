"""The use of API keys: collected as requests come, and written down every few seconds."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.api_keys import Holder
from server.audit import Origin, add
from server.db import Database
from server.export.waiting import comes
from server.logs import whereabouts
from server.records.api_keys import ApiKey, ApiKeyAddress
from server.records.audit import AuditAction
from server.timestamps import Timestamp, now

FLUSH_SECONDS = 5.0
"""How often uses are written down."""

MOST_ADDRESSES = 100
"""How many network addresses are noted at once: those of a key, and those of refused attempts."""

_INSERTS: Mapping[str, Callable[[Any], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Use:
    """How often a key was used, when and from where last, and from where at all."""

    holder: Holder
    count: int = 0
    at: int = 0
    address: str | None = None
    addresses: set[str] = field(default_factory=set[str])

    def add(self, count: int, at: int, address: str | None, addresses: set[str]) -> None:
        self.count += count
        if at >= self.at:
            self.at, self.address = at, address
        room = MOST_ADDRESSES - len(self.addresses)
        self.addresses |= set(sorted(addresses - self.addresses)[:room])


class KeyUses:
    """What has been done with keys since it was last written down: no request waits for that."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], Timestamp] = now,
        seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._db = db
        self._clock = clock
        self._seconds = seconds
        self._uses: dict[int, _Use] = {}
        self._refused: set[str] = set()
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def note(self, holder: Holder, address: str | None) -> None:
        """Count a request in which a key was used."""
        use = self._uses.setdefault(holder.key, _Use(holder))
        use.add(1, self._clock(), address, set() if address is None else {address})

    def note_refused(self, address: str) -> None:
        """Have it noted that a key was refused that came from an address."""
        if len(self._refused) < MOST_ADDRESSES:
            self._refused.add(address)

    def start(self) -> None:
        """Begin to write down, in the background."""
        assert self._running is None
        self._stopping.clear()
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write down what is left, and stop."""
        self._stopping.set()
        if self._running is not None:
            await self._running
            self._running = None

    async def flush(self) -> None:
        """Write down what there is, all of it or nothing; then it is tried again."""
        uses, refused = self._uses, self._refused
        if not uses and not refused:
            return
        self._uses, self._refused = {}, set()
        try:
            async with self._db.write() as tx:
                await _write(tx, uses, refused)
        except BaseException:
            for key, use in uses.items():
                later = self._uses.setdefault(key, _Use(use.holder))
                later.add(use.count, use.at, use.address, use.addresses)
            self._refused |= refused
            raise

    async def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = await comes(self._stopping, self._seconds)
            try:
                await self.flush()
            except Exception as error:
                log.error("Uses of API keys could not be noted: %s", whereabouts(error))


async def _write(tx: AsyncConnection, uses: Mapping[int, _Use], refused: set[str]) -> None:
    """Write uses down in the order of the keys, so that servers do not wait for each other.

    The audit log comes last: whoever adds to it must wait for nobody.
    """
    new: list[tuple[Holder, str]] = []
    for key, use in sorted(uses.items()):
        if await _add(tx, key, use):
            new += [(use.holder, each) for each in await _new(tx, key, use.addresses)]
    for holder, address in new:
        who = holder.actor
        origin = Origin(actor_id=who.user_id, api_key=who.api_key, address=address)
        await add(tx, origin, AuditAction.KEY_NEW_ADDRESS, resource=who.api_key)
    for address in sorted(refused):
        await add(tx, Origin(address=address), AuditAction.KEY_REFUSED, allowed=False)


async def _add(tx: AsyncConnection, key: int, use: _Use) -> bool:
    """Add to what is known of a key's use, whichever servers know of more; tell if it is there."""
    last, address = col(ApiKey.last_used_at), col(ApiKey.last_address)
    is_latest = or_(last.is_(None), last <= use.at)
    added = await tx.execute(
        update(ApiKey)
        .where(col(ApiKey.id) == key)
        .values(
            use_count=col(ApiKey.use_count) + use.count,
            last_used_at=case((is_latest, use.at), else_=last),
            last_address=case((is_latest, use.address), else_=address),
        )
    )
    return added.rowcount > 0


async def _new(tx: AsyncConnection, key: int, addresses: set[str]) -> list[str]:
    """Keep from where a key was used; return what is new to it."""
    insert = _INSERTS[tx.dialect.name](ApiKeyAddress).on_conflict_do_nothing()
    new: list[str] = []
    for address in sorted(addresses):
        added = await tx.execute(insert, {"api_key_key": key, "address": address})
        if added.rowcount:
            new.append(address)
    return new
