"""What other servers and earlier attempts left behind: taken up, withdrawn or deleted."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db import Database
from server.export.leases import (
    abandoned,
    expire,
    fail,
    finish_cancel,
    folder,
    needed,
    release,
    unfinished,
)
from server.export.progress import Hub
from server.export.spools import Spools
from server.export.waiting import comes
from server.export.workers import WORKER_WAS_LOST, Failed
from server.logs import whereabouts
from server.storage import Storage
from server.timestamps import now

RECOVER_SECONDS = 1.0
SWEEP_SECONDS = 60.0
ABORT_SECONDS = 3600.0

log = logging.getLogger(__name__)


class Housekeeper:
    """Looks after the exports of dead servers each second, after files each minute or hour."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        spools: Spools,
        hub: Hub,
        requeued: Callable[[], None],
    ) -> None:
        self._db = db
        self._storage = storage
        self._spools = spools
        self._hub = hub
        self._requeued = requeued

    async def run(self, stopping: asyncio.Event) -> None:
        sweep_at = abort_at = time.monotonic()
        while not stopping.is_set():
            try:
                await self._recover()
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + SWEEP_SECONDS
                    await self._expire()
                    await self._sweep()
                if time.monotonic() >= abort_at:
                    abort_at = time.monotonic() + ABORT_SECONDS
                    await self._abort_unfinished()
            except Exception as error:
                log.error("Old exports could not be cleared: %s", whereabouts(error))
            await comes(stopping, RECOVER_SECONDS)

    async def _recover(self) -> None:
        """Take what dead servers were writing out of their hands."""
        async with self._db.read() as tx:
            left = await abandoned(tx)
        if not left:
            return
        for export in left:
            log.warning("Export %d was abandoned by its server", export.id)
            await self._take_back(export)
            await self.tidy([export.id])
            self._hub.nudge(export.id)
        self._requeued()

    async def settle(self, export: Row[Any], failed: Failed) -> None:
        """Say what comes after an attempt that failed.

        One whose worker was lost, but not before it made anything certain, counts for nothing: the
        next goes on from there.
        """
        got_on = failed is WORKER_WAS_LOST and await self._got_on(export)
        await self.discard(folder(export.id, export.fence))
        async with self._db.write() as tx:
            await _follow_up(tx, export, failed, got_on=got_on)

    async def _take_back(self, export: Row[Any]) -> None:
        """Do the same for another server's attempt, unless that has come back, or to its end."""
        got_on = await self._got_on(export)
        async with self._db.write() as tx:
            if not await _follow_up(tx, export, WORKER_WAS_LOST, got_on=got_on):
                return
        await self.discard(folder(export.id, export.fence))

    async def _got_on(self, export: Row[Any]) -> bool:
        return await self._spools.got_on(export.id, folder(export.id, export.fence))

    async def _expire(self) -> None:
        async with self._db.write() as tx:
            keys = await expire(tx, now())
        for key in keys:
            await self.discard(f"exports/{key}")
            self._hub.nudge(key)

    async def _sweep(self) -> None:
        """Delete files that no export points to and nobody is writing."""
        files = await self._storage.keys("exports")  # first: what is written later is not in it
        async with self._db.read() as tx:
            kept = await needed(tx)
        orphans = [file for file in files if not kept & {file, "/".join(file.split("/")[:3])}]
        for file in orphans:
            await self._storage.delete(file)
        if orphans:
            log.info("Deleted %d files that belong to no export", len(orphans))
        await self.tidy(await self._spools.keys())

    async def _abort_unfinished(self) -> None:
        """Take back what somebody who was killed had sent to the store in parts."""
        if aborted := await self._storage.abort_unfinished():
            log.info("Took back %d unfinished uploads to the store", aborted)

    async def tidy(self, exports: Collection[int]) -> None:
        """Delete what was written of exports, unless they may still be gone on with."""
        async with self._db.read() as tx:
            kept = await unfinished(tx, exports)
        await self._spools.sweep(exports, kept)

    async def discard(self, folder: str) -> None:
        """Delete a folder of files, now or at the next sweep."""
        try:
            await self._storage.delete_prefix(folder)
        except Exception as error:
            log.error("Files could not be deleted yet: %s", whereabouts(error))


async def _follow_up(
    tx: AsyncConnection, export: Row[Any], failed: Failed, *, got_on: bool
) -> bool:
    """Cancel, queue again or give up; False if the attempt is not what it was."""
    if await finish_cancel(tx, export):
        return True
    return await (release(tx, export) if got_on else fail(tx, export, failed))
