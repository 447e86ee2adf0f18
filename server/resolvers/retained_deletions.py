"""Deletions that retention has begun: one server's each, under a lease, and a batch at a time.

A batch is a transaction, so that others have their turn and a crash loses nothing. What a policy or
a legal hold no longer has as it was begun is forgotten in their transaction: the next batch finds
nothing to go on with.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from server.audit import Origin, add
from server.db import Database
from server.errors import ExpectedFailure
from server.export.holders import new_holder
from server.export.waiting import comes
from server.partitions.dropping import AGAIN_SECONDS, Held
from server.records.audit import AuditAction
from server.records.retention import RetentionAction
from server.records.webhooks import WebhookEvent
from server.resolvers.archiving import pack
from server.resolvers.kept_files import take_back
from server.retention import deletion, store
from server.storage import Storage
from server.timestamps import Timestamp, iso
from server.webhooks.outbox import announce

ROWS = 2_000
"""Rows that a batch deletes: some tens of milliseconds of SQLite's one writer."""

FILES = 20
"""Files that a batch deletes."""

REST = 2.0
"""How long others have the database for themselves after a batch: so many times what it took."""

LEAST_REST_SECONDS = 0.01
LEASE_MS = 60_000
ORIGIN = Origin(user_agent="retention")

log = logging.getLogger(__name__)


async def tell(
    tx: AsyncConnection,
    experiment_key: int,
    action: RetentionAction,
    notice: str,
    at: Timestamp,
) -> None:
    """Have it announced that something will be at a moment, or that it is done."""
    told = {"action": action.value, "notice": notice, "at": iso(at)}
    await announce(tx, experiment_key, WebhookEvent.RETENTION_NOTICE, told)


class Deletions:
    """Goes on with what has begun."""

    def __init__(
        self, db: Database, storage: Storage, clock: Callable[[], Timestamp], rows: int = ROWS
    ) -> None:
        self._db = db
        self._storage = storage
        self._clock = clock
        self._rows = rows
        self._name = new_holder()

    async def go_on(self, stopping: asyncio.Event) -> None:
        """Delete what is to be deleted and nobody is at work on, until all is gone."""
        async with self._db.read() as tx:
            begun = await store.under_way(tx, self._clock())
        for step in begun:
            if stopping.is_set():
                return
            async with self._db.write() as tx:
                mine = await store.claim(tx, step, self._name, self._lease())
            if mine:
                await self._delete(step, stopping)

    async def _delete(self, step: Row[Any], stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            began = time.monotonic()
            try:
                if not await self._batch(step):
                    return
                rest = REST * (time.monotonic() - began)
            except Held:  # an export reads what is to be dropped
                rest = AGAIN_SECONDS
            await comes(stopping, max(LEAST_REST_SECONDS, rest))
        async with self._db.write() as tx:
            await store.release(tx, step, self._name)

    async def _batch(self, step: Row[Any]) -> bool:
        """Delete some files or rows; False once all is gone, or it is no longer to be done.

        Held if what is to be dropped is being read.
        """
        withdrawn: Sequence[int] = ()
        async with self._db.write() as tx:
            if not await store.go_on(tx, step, self._name, self._lease()):
                return False
            files = await deletion.files(tx, step.experiment_key, FILES)
            more = bool(files) or await self._delete_rows(tx, step)
            if not more:
                withdrawn = await self._end(tx, step)
        if files:
            await self._delete_files(step, files)
        for key in withdrawn:
            await self._storage.delete_prefix(f"exports/{key}")
        return more

    async def _delete_rows(self, tx: AsyncConnection, step: Row[Any]) -> bool:
        if step.action != RetentionAction.DELETE_DATA:
            return False
        gone = await deletion.delete_rows(tx, step.experiment_key, self._rows)
        await store.count(tx, step, self._name, gone)
        return bool(gone)

    async def _delete_files(self, step: Row[Any], files: Sequence[deletion.File]) -> None:
        """Delete files, and say so, even if it was forbidden meanwhile: they are gone."""
        for file in files:
            await self._storage.delete(file.name)
        size = sum(file.size for file in files)
        gone = {deletion.FILES: len(files), deletion.BYTES: size}
        async with self._db.write() as tx:
            await store.count(tx, step, self._name, gone)
            await deletion.without_files(tx, files, self._clock())

    async def _end(self, tx: AsyncConnection, step: Row[Any]) -> Sequence[int]:
        """Take back the exports that hold what is gone, and tell that it is."""
        action, key = RetentionAction(step.action), step.experiment_key
        is_media = action is RetentionAction.DELETE_MEDIA
        taken = await take_back(tx, key, media_only=is_media)
        done = {"done_at": self._clock(), "worker": None, "lease_until": None}
        await store.note(tx, key, action, step.due_at, **done)
        await add(tx, ORIGIN, AuditAction.ERASE, experiment_keys=[key], resource=action.value)
        await tell(tx, key, action, "DONE", self._clock())
        if taken.had_package and is_media:
            await self._pack_anew(tx, key)
        return taken.withdrawn

    async def _pack_anew(self, tx: AsyncConnection, experiment_key: int) -> None:
        """Have a package made without the media; where that cannot be, there is none."""
        try:
            async with tx.begin_nested():
                await pack(tx, experiment_key, ORIGIN, self._clock())
        except ExpectedFailure as failure:
            log.warning("A package could not be made anew: %s", failure.code)

    def _lease(self) -> int:
        return self._clock() + LEASE_MS
