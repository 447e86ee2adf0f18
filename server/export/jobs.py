"""Exports being written: a server claims them one by one, its worker processes write them.

Whether any waits is looked for, or told by a queue, as PostgreSQL has one.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Database
from server.errors import Busy, ExpectedFailure
from server.export.holders import new_holder
from server.export.housekeeping import Housekeeper
from server.export.leases import (
    claim,
    claimable,
    complete,
    finish_cancel,
    folder,
    held,
    record,
    release,
    renew,
)
from server.export.patience import Patience
from server.export.progress import Hub
from server.export.schedules import settle
from server.export.seals import seal
from server.export.spools import Spools
from server.export.waiting import comes
from server.export.workers import (
    BUG_WAS_MET,
    FILE_WAS_LOST,
    RIGHT_WAS_LOST,
    WORKER,
    WORKER_WAS_LOST,
    Done,
    Failed,
    Progress,
    WorkerLost,
    WorkerProcess,
)
from server.logs import whereabouts
from server.records.exports import Export, ExportErrorCode
from server.settings import Settings
from server.storage import Storage
from server.timestamps import now

WATCH_SECONDS = 0.1
"""How often a running job looks whether it should go on."""

SAVE_SECONDS = 0.5
"""How often a running job's progress is written down, at most."""

IDLE_SECONDS = 0.5
"""How often an idle worker looks for a job that another process queued."""

RETRY_SECONDS = 5.0
DAY = 24 * 3600 * 1000

Planner = Callable[[AsyncConnection, Row[Any], str], Awaitable[object]]
"""Plans a claimed export, for files under the folder named; a worker is sent it as JSON."""

Allowed = Callable[[AsyncConnection, Row[Any]], Awaitable[bool]]
"""Says whether who asked for an export may have it: rights may be lost while it waits."""

log = logging.getLogger(__name__)


class Jobs(Protocol):
    """Jobs that come from elsewhere, and are done until that is stopped."""

    def start(self) -> None: ...
    async def stop(self) -> None: ...


Consume = Callable[[Callable[[asyncio.Event], Awaitable[None]], int], Jobs]
"""Has something called whenever an export may wait, so many times at once."""


async def anybody(_tx: AsyncConnection, _export: Row[Any]) -> bool:
    """Let everybody have what they asked for."""
    return True


class Exporter:
    """Claims queued exports and has them written, one by each of its worker processes."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        hub: Hub,
        settings: Settings,
        *,
        plan: Planner,
        allowed: Allowed = anybody,
        command: Sequence[str] = WORKER,
        consume: Consume | None = None,
    ) -> None:
        self._db = db
        self._storage = storage
        self._hub = hub
        self._settings = settings
        self._plan = plan
        self._allowed = allowed
        self._command = command
        self._name = new_holder()
        self._patience = Patience(settings.storage_patience_seconds)
        self._housekeeper = Housekeeper(db, storage, Spools(settings.spool), hub, self.wake)
        self._consume = consume
        self._consumer: Jobs | None = None
        self._free: list[WorkerProcess] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()

    def start(self) -> None:
        """Begin to work through the queue, in the background."""
        if self._tasks or not self._settings.export_workers:
            return
        self._stopping.clear()
        number = self._settings.export_workers
        self._tasks = [asyncio.create_task(self._housekeeper.run(self._stopping))]
        if self._consume is None:
            self._tasks += [asyncio.create_task(self._work()) for _ in range(number)]
            return
        self._free = [WorkerProcess(self._command) for _ in range(number)]
        self._consumer = self._consume(self._take, number)
        self._consumer.start()

    async def stop(self) -> None:
        """Stop, and put what was running back into the queue."""
        self._stopping.set()
        self._woken.set()
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*tasks, *(worker.stop() for worker in self._free))
        self._free = []

    def wake(self) -> None:
        """Say that an export was queued: it need not wait until somebody looks."""
        self._woken.set()

    async def _work(self) -> None:
        worker = WorkerProcess(self._command)
        while not self._stopping.is_set():
            try:
                if await self._warm(worker) and await self._do_next(worker):
                    continue
                await comes(self._woken, IDLE_SECONDS)
                self._woken.clear()
            except Exception as error:
                log.error("A worker process is of no use: %s", whereabouts(error))
                await comes(self._stopping, RETRY_SECONDS)
        await worker.stop()

    async def _take(self, _stopping: asyncio.Event) -> None:
        """Write what waits, as a job of the queue says that something does.

        Which export is next is the rows' business: users take turns. One that may not be written
        yet, for its user's others, is by whoever has written one of those.
        """
        worker = self._free.pop()
        try:
            while await self._warm(worker) and await self._do_next(worker):
                pass
        finally:
            self._free.append(worker)

    async def _warm(self, worker: WorkerProcess) -> bool:
        """Wait for a worker before claiming: one that cannot start must not use up attempts."""
        ready = asyncio.create_task(worker.ready())
        try:
            return await self._lasts(ready) and bool(ready.result())
        finally:
            ready.cancel()

    async def _do_next(self, worker: WorkerProcess) -> bool:
        export = await self._claim()
        if export is None:
            return False
        self._hub.nudge(export.id)
        outcome = await self._outcome(worker, export)
        waits = self._patience.waits(export.id, outcome)
        if not (isinstance(outcome, Done) and await self._publish(export, outcome)):
            await self._give_up(export, None if waits else outcome)
        self._hub.nudge(export.id)
        await self._housekeeper.tidy([export.id])
        if waits:
            await comes(self._stopping, RETRY_SECONDS)
        return True

    async def _claim(self) -> Row[Any] | None:
        async with self._db.read() as tx:
            if await tx.scalar(claimable()) is None:  # as most often: no need to lock
                return None
        async with self._db.write() as tx:
            return await claim(tx, self._name, self._lease_until())

    async def _publish(self, export: Row[Any], done: Done) -> bool:
        expires_at = now() + self._settings.export_days * DAY
        async with self._db.write() as tx:
            if not await self._allowed(tx, export):
                return False
            published = await complete(tx, export, done, expires_at)
            pushed_out = await settle(tx, export) if published else ()
            if published:
                await seal(tx, export, done)
        for key in pushed_out:
            await self._housekeeper.discard(f"exports/{key}")
        return published

    async def _give_up(self, export: Row[Any], outcome: Done | Failed | None) -> None:
        """Say what comes next; what is not certain by then is lost."""
        if isinstance(outcome, Failed):
            await self._housekeeper.settle(export, outcome)
            return
        await self._housekeeper.discard(folder(export.id, export.fence))
        async with self._db.write() as tx:
            if not await finish_cancel(tx, export):
                await release(tx, export)

    async def _outcome(self, worker: WorkerProcess, export: Row[Any]) -> Done | Failed | None:
        """Attempt to write the export; None when the attempt was broken off."""
        try:
            return await self._attempt(worker, export)
        except WorkerLost:
            return WORKER_WAS_LOST
        except Busy:
            return None
        except ExpectedFailure as failure:
            return Failed(ExportErrorCode.INTERNAL, failure.message)
        except Exception as error:
            log.error("Export %d met a bug: %s", export.id, whereabouts(error))
            return BUG_WAS_MET

    async def _attempt(self, worker: WorkerProcess, export: Row[Any]) -> Done | Failed | None:
        async with self._db.read() as tx:
            if not await self._allowed(tx, export):
                return RIGHT_WAS_LOST
            plan = await self._plan(tx, export, folder(export.id, export.fence))
        news: deque[Progress] = deque(maxlen=1)
        over = asyncio.Event()
        keeping = asyncio.create_task(self._keep_lease(export, news, over))
        writing = asyncio.create_task(self._write(worker, export, plan, news))
        try:
            return writing.result() if await self._lasts(writing, export) else None
        finally:
            writing.cancel()
            await asyncio.wait({writing})
            over.set()
            await keeping

    async def _lasts(self, task: asyncio.Task[Any], export: Row[Any] | None = None) -> bool:
        """Wait for a task; False as soon as this server stops, or may not write the export."""
        while not task.done():
            await asyncio.wait({task}, timeout=WATCH_SECONDS)
            if not task.done() and (
                self._stopping.is_set() or (export is not None and not await self._holds(export))
            ):
                return False
        return True

    async def _holds(self, export: Row[Any]) -> bool:
        try:
            async with self._db.read() as tx:
                return await tx.scalar(select(col(Export.id)).where(held(export))) is not None
        except Exception as error:
            log.error("Export %d could not be watched: %s", export.id, whereabouts(error))
            return True

    async def _write(
        self, worker: WorkerProcess, export: Row[Any], plan: object, news: deque[Progress]
    ) -> Done | Failed:
        outcome = await worker.run(f"{export.id}/{export.fence}", plan, news.append)
        if isinstance(outcome, Done):
            stored = await self._storage.size(outcome.storage_key)
            return outcome if stored == outcome.bytes else FILE_WAS_LOST
        return outcome

    async def _keep_lease(
        self, export: Row[Any], news: deque[Progress], over: asyncio.Event
    ) -> None:
        """Prolong the lease and record progress until all is over."""
        beat = self._settings.lease_seconds / 3
        beaten = time.monotonic()
        while not await comes(over, min(SAVE_SECONDS, beat)):
            if not news and time.monotonic() - beaten < beat:
                continue
            beaten = time.monotonic()
            try:
                async with self._db.write() as tx:
                    await renew(tx, export, self._lease_until())
                    if news:
                        await record(tx, export, news.pop())
            except Exception as error:
                log.error(
                    "The lease of export %d could not be prolonged: %s",
                    export.id,
                    whereabouts(error),
                )
            self._hub.nudge(export.id)

    def _lease_until(self) -> int:
        return now() + int(self._settings.lease_seconds * 1000)
