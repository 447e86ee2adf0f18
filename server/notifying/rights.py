"""Waiting for somebody's rights to change, for whatever stays open as long as they hold."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import chain
from pathlib import Path

from server.db import Database
from server.notifying.listener import Listener, Subject

LOOK_SECONDS = 0.25
"""How often it is looked whether anything was written into a file, by whichever process."""

_RIGHTS = (
    "SELECT count(*), total(revoked_at), total(expires_at), total(length(scopes)) FROM api_key",
    "SELECT count(*), total(revoked_at), total(expires_at), max(id) FROM browser_session",
    "SELECT count(*), total(disabled_at), total(length(role)), total(length(participant_id)) "
    'FROM "user"',
    "SELECT count(*), max(id), total(expires_at), total(can_export), total(length(anonymization)), "
    "total(length(data_types)) FROM collaborator",
    "SELECT count(*), total(group_key), total(user_key) FROM group_member",
    "SELECT count(*), total(owner_key) FROM experiment",
)
"""What tells, of tables of hundreds of rows, whether rights are what they were; of a change that it
does not show, whoever waits learns when they ask again by themselves."""


class Rights:
    """Wakes those who wait for a change of an account's rights; perhaps for nothing.

    PostgreSQL tells whose rights have changed. A file is looked at: whether anything was written
    into it, which costs microseconds, and then whether that was rights.
    """

    def __init__(self, db: Database, listener: Listener) -> None:
        self._file = db.file
        self._waiting: defaultdict[int, set[Callable[[], None]]] = defaultdict(set)
        self._looking: asyncio.Task[None] | None = None
        listener.on(Subject.RIGHTS, self._changed)
        listener.on(Subject.OWNER, lambda _: self._changed(None))

    @asynccontextmanager
    async def unchanged(self, user_key: int, until: float) -> AsyncGenerator[None]:
        """Break a block off, by TimeoutError, when rights may have changed, or at a loop's time."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(until) as timeout:

            def wake() -> None:
                if not timeout.expired():
                    timeout.reschedule(loop.time())

            self._waiting[user_key].add(wake)
            self._look()
            try:
                yield
            finally:
                self._waiting[user_key].discard(wake)
                if not self._waiting[user_key]:
                    del self._waiting[user_key]

    async def change(self, user_key: int, seconds: float) -> None:
        """Wait until rights may have changed, or for some seconds."""
        until = asyncio.get_running_loop().time() + seconds
        with suppress(TimeoutError):
            async with self.unchanged(user_key, until):
                await asyncio.Event().wait()

    def _changed(self, user_key: int | None) -> None:
        whose = self._waiting.values() if user_key is None else [self._waiting.get(user_key, ())]
        for wake in list(chain(*whose)):
            wake()

    def _look(self) -> None:
        if self._file is not None and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._watch(self._file))

    async def _watch(self, file: Path) -> None:
        """Look at the version of what is in the file for as long as anybody waits."""
        connection = sqlite3.connect(file, isolation_level=None, timeout=0)
        seen: tuple[object, object] = (None, None)
        try:
            while self._waiting:
                with suppress(sqlite3.Error):  # it is locked, or no file of ours any more
                    seen = self._compared(connection, seen)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            connection.close()

    def _compared(
        self, connection: sqlite3.Connection, seen: tuple[object, object]
    ) -> tuple[object, object]:
        """Return the version of a file, and what it says of rights; wake all if that changed."""
        version, rights = seen
        found = connection.execute("PRAGMA data_version").fetchone()
        if found != version:
            told = [connection.execute(each).fetchone() for each in _RIGHTS]
            if told != rights and rights is not None:
                self._changed(None)
            return found, told
        return seen
