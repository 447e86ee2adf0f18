"""Time passing for what is kept: notices, archives and deletions, when they are due.

Every server looks. What is done is done in one transaction, under one lock, with what tells that it
was: a notice is given once, and counts only if it was given.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from server.audit import add
from server.db import Database, take_turns
from server.logs import whereabouts
from server.records.audit import AuditAction
from server.records.retention import RetentionAction
from server.resolvers.archiving import pack, put_away, unwritten
from server.resolvers.retained_deletions import ORIGIN, ROWS, Deletions, tell
from server.retention import deletion, store
from server.retention.moves import Move, move
from server.retention.timetable import timetable
from server.storage import Storage
from server.timestamps import Timestamp, now

LOOK_SECONDS = 60.0
"""How often it is looked whether anything is due."""

_LOCK = 0x52455441
"""The number of the lock under which a server does what is due."""

log = logging.getLogger(__name__)


class Retention:
    """The chore: gives notices that are due, archives, and deletes.

    queued  is told that an export may wait to be written
    clock   tells the present moment
    rows    how many rows a batch deletes
    """

    def __init__(
        self,
        db: Database,
        storage: Storage,
        queued: Callable[[], None],
        clock: Callable[[], Timestamp] = now,
        rows: int = ROWS,
    ) -> None:
        self._db = db
        self._queued = queued
        self._clock = clock
        self._deletions = Deletions(db, storage, clock, rows)
        self._look_at = 0.0

    async def __call__(self, stopping: asyncio.Event) -> None:
        """Look, if it is time to; then go on with what has begun."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            await self.look()
        await self._deletions.go_on(stopping)
        self._queued()  # a package may have to be made anew

    async def look(self) -> None:
        """Do all that is due; deletions only begin."""
        async with self._db.read() as tx:
            policies = await store.policies(tx)
            known = {(each.experiment_key, each.action): each for each in await store.steps(tx)}
            unpacked = await unwritten(tx)
            due = [
                (policy.experiment_key, action)
                for policy in policies
                for action in RetentionAction
                if await self._is_due(
                    tx, policy, action, known.get((policy.experiment_key, action.value))
                )
            ]
        for experiment_key, action in due:
            await self._safely(self._advance, experiment_key, action)
        for experiment_key in unpacked:
            await self._safely(self._pack, experiment_key)

    async def _is_due(
        self,
        tx: AsyncConnection,
        policy: Row[Any],
        action: RetentionAction,
        step: Row[Any] | None,
    ) -> bool:
        """Say whether there is something to do, before anybody is kept from writing."""
        next_ = move(policy, action, step, self._clock())
        if next_ in (Move.LOOK_AGAIN, Move.FIRST_NOTICE):
            return await _is_anything(tx, policy.experiment_key, action)
        return next_ is not None

    async def _advance(self, tx: AsyncConnection, key: int, action: RetentionAction) -> None:
        """Do what is to be done next of something, as it stands by now."""
        at = self._clock()
        policy, step = await store.policy_of(tx, key), await store.step_of(tx, key, action)
        due = store.due_of(policy, action)
        if policy is None:
            return
        next_ = move(policy, action, step, at)
        if due is None or next_ in (Move.FORGET, Move.LOOK_AGAIN):
            await store.forget(tx, key, action)  # and notices are given anew
        elif next_ in (Move.FIRST_NOTICE, Move.LAST_NOTICE):
            await _give_notice(tx, policy, action, due, at)
        elif next_ is Move.BEGIN:
            await store.note(tx, key, action, due, started_at=at)
        elif next_ is Move.ARCHIVE:
            await _archive(tx, key, due, at)

    async def _pack(self, tx: AsyncConnection, experiment_key: int) -> None:
        if experiment_key in await unwritten(tx):
            await pack(tx, experiment_key, ORIGIN, self._clock())

    async def _safely(self, do: Callable[..., Any], experiment_key: int, *given: object) -> None:
        """Do something in a transaction of its own, alone; what fails is tried again later."""
        try:
            async with self._db.write() as tx:
                await take_turns(tx, _LOCK)
                await do(tx, experiment_key, *given)
        except Exception as error:
            why = whereabouts(error)
            log.error("Retention of experiment %d is put off: %s", experiment_key, why)


async def _is_anything(tx: AsyncConnection, key: int, action: RetentionAction) -> bool:
    """Say whether there is anything to delete."""
    if action is RetentionAction.DELETE_MEDIA:
        return await deletion.has_files(tx, key)
    return action is RetentionAction.DELETE_DATA and await deletion.has_rows(tx, key)


async def _give_notice(
    tx: AsyncConnection, policy: Row[Any], action: RetentionAction, due: Timestamp, at: Timestamp
) -> None:
    key = policy.experiment_key
    before = await store.step_of(tx, key, action)
    first = at if before is None else before.first_notice_at
    last = None if before is None else at
    await store.note(tx, key, action, due, first_notice_at=first, last_notice_at=last)
    begins_at = timetable(due, policy.reminder_days, at, first, last).begins_at
    noted = AuditAction.RETENTION_NOTICE
    await add(tx, ORIGIN, noted, experiment_keys=[key], resource=action.value)
    await tell(tx, key, action, "FIRST" if last is None else "LAST", begins_at)


async def _archive(tx: AsyncConnection, key: int, due: Timestamp, at: Timestamp) -> None:
    await put_away(tx, key, ORIGIN, at)
    action = RetentionAction.ARCHIVE
    await store.note(tx, key, action, due, started_at=at, done_at=at)
    await add(tx, ORIGIN, AuditAction.ARCHIVE, experiment_keys=[key])
    await tell(tx, key, action, "DONE", at)
