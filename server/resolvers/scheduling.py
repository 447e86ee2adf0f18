"""Time passing: every server looks for schedules that are due, and one of them fires each."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from server.db import Database
from server.errors import BadUserInput, ExpectedFailure, Forbidden, NotFound, NothingToExport
from server.export.cron import next_fire
from server.export.schedules import claim, due, explain
from server.export.waiting import comes
from server.logs import whereabouts
from server.resolvers.schedules import fire
from server.timestamps import Timestamp, now

TICK_SECONDS = 2.0
"""How often a server looks for schedules that are due."""

_LASTING = (BadUserInput, Forbidden, NotFound, NothingToExport)
"""Why there is no export, this time: what a schedule's owner is told. All else may pass."""

FAULT = "No export: a fault of the server's. Tell the operator."

log = logging.getLogger(__name__)


class Scheduler:
    """Fires the schedules that are due.

    queued  is told that an export may wait to be written
    clock   tells the present moment
    smallest_cell  how many people a statistic must describe
    """

    def __init__(
        self,
        db: Database,
        queued: Callable[[], None],
        clock: Callable[[], Timestamp] = now,
        smallest_cell: int = 5,
    ) -> None:
        self._db = db
        self._queued = queued
        self._clock = clock
        self._smallest_cell = smallest_cell
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, in the background."""
        assert self._running is None
        self._stopping.clear()
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop, once what is being fired is."""
        self._stopping.set()
        if self._running is not None:
            await self._running
            self._running = None

    async def tick(self) -> None:
        """Fire all that is due, each in a transaction of its own."""
        async with self._db.read() as tx:
            schedules = await due(tx, self._clock())
        for schedule in schedules:
            if self._stopping.is_set():
                return
            try:
                await self._fire(schedule)
            except Exception as error:  # it is still due, and tried again
                log.error("Schedule %d could not be fired yet: %s", schedule.id, whereabouts(error))

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.tick()
            except Exception as error:
                log.error("Schedules could not be looked at: %s", whereabouts(error))
            await comes(self._stopping, TICK_SECONDS)

    async def _fire(self, schedule: Row[Any]) -> None:
        try:
            await self._attempt(schedule)
        except (SQLAlchemyError, OSError, ExpectedFailure):
            raise  # the database has trouble, or is busy: that passes
        except Exception as error:
            log.error("Schedule %d met a bug: %s", schedule.id, whereabouts(error))
            await self._give_up(schedule)

    async def _attempt(self, schedule: Row[Any]) -> None:
        """Fire a schedule, unless another server does; all of it is done, or nothing."""
        at = self._clock()
        async with self._db.write() as tx:
            taken = await claim(tx, schedule, at, _following(schedule, at))
            if taken is None:
                return
            try:
                async with tx.begin_nested():
                    await fire(tx, taken, schedule.next_at, self._smallest_cell)
            except _LASTING as failure:
                await explain(tx, schedule.id, _why(failure, schedule))
        self._queued()

    async def _give_up(self, schedule: Row[Any]) -> None:
        """Pass over one fire, so that a bug does not come back at each tick."""
        at = self._clock()
        async with self._db.write() as tx:
            if await claim(tx, schedule, at, _following(schedule, at)) is not None:
                await explain(tx, schedule.id, FAULT)


def _following(schedule: Row[Any], at: Timestamp) -> Timestamp | None:
    """Return when a schedule fires next: whatever was missed until now is past."""
    try:
        return next_fire(schedule.cron, schedule.time_zone, at)
    except BadUserInput:  # it was read before, but time zones are abolished now and then
        return None


def _why(failure: ExpectedFailure, schedule: Row[Any]) -> str:
    """Say why there is no export, to whoever set the schedule up, not to who asks for one."""
    if isinstance(failure, NotFound):
        return (
            "No export: not all that the schedule names is there for you any more. It was deleted, "
            "or is no longer shared with you."
        )
    if isinstance(failure, NothingToExport):
        since = " that came since the last export" if schedule.reached else ""
        return f"No export: there is no record{since}."
    return f"No export: {failure.message}"
