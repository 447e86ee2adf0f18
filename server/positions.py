"""How far a server of PostgreSQL is, asked by one small question for all who want to know."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import Context
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import URL

SILENCE_SECONDS = 1.0
"""After how long without an answer to a small question a server is taken to be away."""

_HISTORY = (
    "(SELECT system_identifier FROM pg_control_system()), "
    "(SELECT timeline_id FROM pg_control_checkpoint())"
)
COMMITTED = (
    f"SELECT {_HISTORY}, (CASE current_setting('synchronous_commit') "
    "WHEN 'off' THEN pg_current_wal_insert_lsn() "  # what others see may be in no file yet
    "ELSE pg_current_wal_flush_lsn() END - '0/0')::bigint, NULL"
)
REPLAYED = (
    f"SELECT {_HISTORY}, CASE WHEN pg_is_in_recovery() "
    "THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END, pg_postmaster_start_time()"
)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a server is: up to which byte of which history; None if it follows nobody.

    started  when it was: after a crash a replica may be where it was before
    """

    history: tuple[int, int]
    byte: int | None
    started: object


class Shared(Generic[Answer]):
    """Asks for many at once: each is answered by a question that was put after they came."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Answer]]) -> None:
        self._ask = ask
        self._asking: asyncio.Task[Answer] | None = None
        self._next: asyncio.Task[Answer] | None = None

    def __call__(self) -> Awaitable[Answer]:
        if self._next is None:
            self._next = asyncio.create_task(self._in_turn(self._asking), context=Context())
            self._next.add_done_callback(look_at)
        return asyncio.shield(self._next)

    async def _in_turn(self, before: "asyncio.Task[Answer] | None") -> Answer:
        if before is not None:
            await asyncio.wait((before,))
        self._asking, self._next = self._next, None
        return await self._ask()


class Line:
    """A connection that is kept for one small question."""

    def __init__(self, url: URL, question: str) -> None:
        _, self._options = url.get_dialect()().create_connect_args(url)
        self._options.pop("prepared_statement_cache_size", None)
        self._question = question
        self._connection: Any = None  # a driver's own

    async def ask(self) -> Position:
        try:
            if self._connection is None:
                self._connection = await _connect(self._options)
            said: Any = await self._connection.fetchrow(self._question, timeout=SILENCE_SECONDS)
        except BaseException:
            self.close()
            raise
        return Position((said[0], said[1]), said[2], said[3])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def _connect(options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a driver's own
    driver = import_module("asyncpg")  # it comes with the extra `postgres`
    return await driver.connect(**options, timeout=SILENCE_SECONDS)


def look_at(task: "asyncio.Task[Any]") -> None:
    """Have an exception looked at that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
