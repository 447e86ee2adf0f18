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

LOOK_SECONDS = 0.5
"""How often it is looked whether anything was written into a file, by whichever process."""


class Rights:
    """Wakes those who wait for a change of an account's rights; perhaps for nothing.

    PostgreSQL tells whose rights have changed. Of a file one sees only that something was written
    into it, at the cost of a few microseconds for all who wait.
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
        connection = sqlite3.connect(file, isolation_level=None)
        try:
            seen = _version(connection)
            while self._waiting:
                await asyncio.sleep(LOOK_SECONDS)
                if (version := _version(connection)) != seen:
                    seen = version
                    self._changed(None)
        finally:
            connection.close()


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version
