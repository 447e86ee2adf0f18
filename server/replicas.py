"""A streaming replica of PostgreSQL that queries are read from, where it has what they must see.

A query is answered by it only if it has replayed all that had been committed when the query came,
by whomever: so nobody reads less than what they, or others, had been told was done, be it a row or
a right. Where it is behind for longer than a moment, or away, the database itself is asked.

Both are asked how far they are by a question that all who come at the same time share.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.engines import engine_for
from server.errors import Busy
from server.logs import whereabouts
from server.observing import metrics
from server.positions import COMMITTED, REPLAYED, SILENCE_SECONDS, Line, Position, Shared, look_at

AGAIN_SECONDS = 1.0
"""How long a replica that was behind, or away, is left alone."""

LOOK_SECONDS = 0.002
"""How often a replica that is behind is asked again."""

BEHIND = "It has not yet what was committed."

_STARTED = "started"

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class Away(Exception):
    """A replica does not answer."""


class Replica:
    """Says whether a query may be read from a replica, and lends connections to it.

    patience  how long a query waits for it to have what was committed before, in seconds
    """

    def __init__(self, primary: URL, url: URL, patience: float) -> None:
        self.reader = engine_for(url, readonly=True)
        event.listen(self.reader.sync_engine, "connect", _note_start)
        self._patience = patience
        self._ours, self._theirs = Line(primary, COMMITTED), Line(url, REPLAYED)
        self._committed = Shared(self._ours.ask)
        self._replayed = Shared(self._ask_it)
        self._left_alone_until = 0.0
        self.trouble: str | None = None
        """Why it is not read from."""

    async def moment(self) -> "Moment | None":
        """Return a moment that the replica has reached, and no earlier than now; None if not."""
        if asyncio.get_running_loop().time() < self._left_alone_until:
            metrics.replica_queries("left_alone")
            return None
        reached = None
        try:
            async with asyncio.timeout(self._patience):
                reached = await self._reached(await self._committed())
        except TimeoutError:
            self._leave_alone(BEHIND)
        except Exception as error:
            self._leave_alone(_told(error))
        if reached is None:
            metrics.replica_queries("behind" if self.trouble == BEHIND else "away")
            return None
        self._be_well()
        metrics.replica_queries("answered")
        return Moment(self, reached.started)

    async def _reached(self, wanted: Position) -> Position | None:
        assert wanted.byte is not None
        while True:
            position = await self._replayed()
            if position.byte is None or position.history != wanted.history:
                self._leave_alone("It follows another server, or none.")
                return None
            if position.byte >= wanted.byte:
                return position
            await asyncio.sleep(LOOK_SECONDS)

    async def supervised(self, asking: Coroutine[Any, Any, Answer]) -> Answer:
        """Await what the replica is asked for as long as it is there: Away."""
        task = asyncio.ensure_future(asking)
        task.add_done_callback(look_at)
        try:
            while not (await asyncio.wait((task,), timeout=SILENCE_SECONDS))[0]:
                try:
                    await self._replayed()
                except Exception as error:
                    raise Away from error
            return task.result()
        except (Away, Busy, OSError, SQLAlchemyError) as error:
            self._leave_alone(_told(error))
            raise
        finally:
            task.cancel()

    async def close(self) -> None:
        self._ours.close()
        self._theirs.close()
        await self.reader.dispose()

    async def _ask_it(self) -> Position:
        try:
            return await self._theirs.ask()
        except Exception as error:
            self._leave_alone(_told(error))
            raise

    def _leave_alone(self, trouble: str) -> None:
        self._left_alone_until = asyncio.get_running_loop().time() + AGAIN_SECONDS
        if self.trouble is None:
            log.warning("The replica is not read from, the database itself is: %s", trouble)
        self.trouble = trouble

    def _be_well(self) -> None:
        if self.trouble is not None:
            log.info("The replica is read from again.")
        self.trouble = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a query sees at least, on a replica as it was started then."""

    replica: Replica
    started: object

    async def open(self, stack: AsyncExitStack) -> AsyncConnection | None:
        """Return a connection to the replica; None if it is away, or another one by now."""
        opening = self.replica.reader.connect()
        try:
            tx = await self.replica.supervised(_open(opening))
        except (Away, Busy, OSError, SQLAlchemyError):
            return None
        stack.push_async_exit(opening)
        return tx if await self.holds(tx) else None

    async def holds(self, tx: AsyncConnection) -> bool:
        """Say whether a connection is to the replica as it was started then."""
        noted: object = (await tx.get_raw_connection()).info.get(_STARTED)
        return noted == self.started


_current: ContextVar[Moment | None] = ContextVar("moment", default=None)


def current() -> Moment | None:
    """Return the moment that what is done here may be read at from a replica; None if none."""
    return _current.get()


@asynccontextmanager
async def followed(replica: Replica) -> AsyncGenerator[None]:
    """Let what is read in the block, and in tasks begun there, be read from a replica if it may."""
    token = _current.set(await replica.moment())
    try:
        yield
    finally:
        _current.reset(token)


async def _open(opening: AsyncConnection) -> AsyncConnection:
    return await opening.start()


def _note_start(connection: Any, record: Any) -> None:  # noqa: ANN401 - a driver's own
    cursor = connection.cursor()
    cursor.execute("SELECT pg_postmaster_start_time()")
    [record.info[_STARTED]] = cursor.fetchone()
    cursor.close()
    connection.rollback()


def _told(error: BaseException) -> str:
    return f"It cannot be asked: {whereabouts(error)}."
