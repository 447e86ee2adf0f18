"""Hearing what other processes did: one connection of a process to PostgreSQL listens.

Triggers tell of a change in the transaction that makes it, by a subject and a key, such as
`export 17`: what it is now is read from the row. What is told while nobody listens is lost, so that
whoever waits is called when listening begins and ends, and looks for themselves now and then.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from server.db import Database
from server.logs import whereabouts

CHANNEL = "hyperdata"

LOOK_SECONDS = 5.0
"""How often one looks all the same while one listens, and whether the connection still holds."""

AGAIN_SECONDS = 0.5
"""How long until it is tried again to listen."""


class Subject(StrEnum):
    """What can be told of, by a key."""

    EXPORT = "export"
    ROOM = "room"
    EXPERIMENT = "experiment"
    RIGHTS = "rights"
    """What an account may do, by its key; without one, what many may do."""
    OWNER = "owner"


_SUBJECTS = frozenset(map(str, Subject))

Heard = Callable[[int | None], None]
"""Is called with the key of what has changed; None if anything may have."""

log = logging.getLogger(__name__)


class Listener:
    """Calls who asked for it whenever something has changed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._heard: defaultdict[Subject, list[Heard]] = defaultdict(list)
        self._listening = self._deaf = self._over = False
        self._ended = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def listens(self) -> bool:
        """Whether what changes is told; else one must look as often as one wants to know."""
        return self._listening

    def on(self, subject: Subject, heard: Heard) -> None:
        """Have something called when what a subject names has changed."""
        self._heard[subject].append(heard)

    def start(self) -> None:
        """Begin to listen, in the background; to a file there is nothing to listen."""
        assert self._running is None
        if self._db.file is None:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Listen no more."""
        self._over = True
        self._ended.set()
        if self._running is not None:
            await self._running
            self._running = None

    async def _run(self) -> None:
        server = {"server_settings": {"application_name": "hyperdata listener"}}
        engine = create_async_engine(self._db.url, poolclass=NullPool, connect_args=server)
        while not self._over:
            try:
                async with engine.connect() as connection:
                    raw: Any = (await connection.get_raw_connection()).driver_connection
                    await self._listen(raw)
            except Exception as error:
                if not self._deaf:  # said once, however often it is tried
                    log.warning("What others do cannot be heard: %s", whereabouts(error))
                self._deaf = True
                await asyncio.sleep(AGAIN_SECONDS)
        await engine.dispose()

    async def _listen(self, connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        """Listen until the connection breaks, which it says by an exception, or all is over."""
        connection.add_termination_listener(self._lose)
        await connection.add_listener(CHANNEL, self._hear)
        self._listening, self._deaf = True, False
        self._all_may_have_changed()
        try:
            while not self._over:
                self._ended.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._ended.wait()
                await connection.fetchval("SELECT 1", timeout=LOOK_SECONDS)
        finally:
            self._listening = False
            self._all_may_have_changed()
        await connection.remove_listener(CHANNEL, self._hear)

    def _lose(self, _connection: object) -> None:
        self._ended.set()

    def _hear(self, _connection: object, _pid: int, _channel: str, told: str) -> None:
        subject, _, key = told.partition(" ")
        if subject in _SUBJECTS:  # else a later version tells it
            self._call(Subject(subject), int(key) if key else None)

    def _all_may_have_changed(self) -> None:
        for subject in Subject:
            self._call(subject, None)

    def _call(self, subject: Subject, key: int | None) -> None:
        for heard in self._heard[subject]:
            heard(key)
