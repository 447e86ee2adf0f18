"""How exports go, told to whoever follows them: the newest state of each, and always its last."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from contextvars import Context
from itertools import chain
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import col

from server.db import Database
from server.records.exports import Export, ExportStatus

POLL_SECONDS = 0.25
"""How often the followed exports are looked at, for changes that another process makes."""

log = logging.getLogger(__name__)


class Follower:
    """One reader's view of an export: an iterator over its states, as rows of the table.

    A slow reader misses states in between, never the newest; iteration ends after a final one,
    or when there is no such export.
    """

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._waiting: Row[Any] | None = None
        self._seq = -1
        self._over = False

    def __aiter__(self) -> AsyncIterator[Row[Any]]:
        return self

    async def __anext__(self) -> Row[Any]:
        while self._waiting is None:
            if self._over:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        row, self._waiting = self._waiting, None
        return row

    def show(self, row: Row[Any] | None) -> None:
        """Put the state an export is in, None for no such export, where the reader finds it."""
        if row is None:
            self._over = True
        elif row.seq > self._seq:
            self._waiting, self._seq = row, row.seq
            self._over = ExportStatus(row.status).final
        else:
            return
        self._changed.set()


class Hub:
    """Reads the followed exports with one query for all followers, and none without a follower."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._followers: defaultdict[int, set[Follower]] = defaultdict(set)
        self._due = asyncio.Event()
        self._closed = False
        self._polling: asyncio.Task[None] | None = None

    @contextmanager
    def follow(self, export_key: int) -> Generator[Follower]:
        """Follow an export from now on; its present state comes first."""
        follower = Follower()
        self._followers[export_key].add(follower)
        self._due.set()
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), context=Context())
        try:
            yield follower
        finally:
            self._followers[export_key].discard(follower)
            if not self._followers[export_key]:
                del self._followers[export_key]
            if not self._followers:
                self._due.set()  # so that polling ends now

    def nudge(self, export_key: int) -> None:
        """Say that this process changed an export: its followers need not wait for a poll."""
        if export_key in self._followers:
            self._due.set()

    async def close(self) -> None:
        """End all following."""
        self._closed = True
        for follower in chain(*self._followers.values()):
            follower.show(None)
        if self._polling is not None:
            self._due.set()
            await self._polling

    async def _poll(self) -> None:
        while self._followers and not self._closed:
            self._due.clear()
            try:
                await self._tell()
            except Exception as error:
                log.warning("Followed exports could not be read: %s", type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._due.wait()

    async def _tell(self) -> None:
        asked = {key: tuple(followers) for key, followers in self._followers.items()}
        statement = select(Export).where(col(Export.id).in_(asked))
        async with self._db.read() as tx:
            rows = {row.id: row for row in await tx.execute(statement)}
        for key, followers in asked.items():
            for follower in followers:
                follower.show(rows.get(key))
