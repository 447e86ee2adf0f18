"""How exports go, told to whoever follows them: the newest state of each, and always its last."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import contextmanager, suppress
from contextvars import Context
from itertools import chain
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import col

from server.db import Database
from server.notifying.listener import LOOK_SECONDS, Listener, Subject
from server.records.exports import Export, ExportStatus

POLL_SECONDS = 0.25
"""How often the followed exports are looked at where nobody tells of changes by others."""

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
    """Reads the followed exports that have changed with one query, and none without a follower."""

    def __init__(self, db: Database, listener: Listener | None = None) -> None:
        self._db = db
        self._listener = listener
        self._followers: defaultdict[int, set[Follower]] = defaultdict(set)
        self._changed: set[int] = set()
        self._due = asyncio.Event()
        self._closed = False
        self._polling: asyncio.Task[None] | None = None
        if listener is not None:
            listener.on(Subject.EXPORT, self._hear)

    @contextmanager
    def follow(self, export_key: int) -> Generator[Follower]:
        """Follow an export from now on; its present state comes first."""
        follower = Follower()
        self._followers[export_key].add(follower)
        self.nudge(export_key)
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
        """Say that an export was changed: its followers need not wait for a poll."""
        if export_key in self._followers:
            self._changed.add(export_key)
            self._due.set()

    async def close(self) -> None:
        """End all following."""
        self._closed = True
        for follower in chain(*self._followers.values()):
            follower.show(None)
        if self._polling is not None:
            self._due.set()
            await self._polling

    def _hear(self, export_key: int | None) -> None:
        for key in list(self._followers) if export_key is None else [export_key]:
            self.nudge(key)

    @property
    def _patience(self) -> float:
        is_told = self._listener is not None and self._listener.listens
        return LOOK_SECONDS if is_told else POLL_SECONDS

    async def _poll(self) -> None:
        while self._followers and not self._closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._due.wait()
            changed, self._changed = self._changed, set()
            told = self._due.is_set()
            self._due.clear()
            try:
                await self._tell(changed if told else self._followers)
            except Exception as error:
                log.warning("Followed exports could not be read: %s", type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)
                self._changed |= changed
                self._due.set()

    async def _tell(self, exports: Iterable[int]) -> None:
        asked = {key: tuple(self._followers[key]) for key in exports if key in self._followers}
        if not asked:
            return
        statement = select(Export).where(col(Export.id).in_(asked))
        async with self._db.read() as tx:
            rows = {row.id: row for row in await tx.execute(statement)}
        for key, followers in asked.items():
            for follower in followers:
                follower.show(rows.get(key))
