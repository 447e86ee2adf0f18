"""Turns: how many requests are begun at once when more come than can be answered.

Each turn of the event loop goes through all that is ready. Were hundreds of requests begun in one,
it would last as long as they take together, and whatever needs many turns, as a transaction does,
would take minutes. So only as many are begun in a turn as it has time for; the others wait, first
come, first served. What has begun goes on beside them, however long it takes.
"""

import asyncio
from collections import deque
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

TURN_SECONDS = 0.005
"""How long a turn should take."""

MOST = 16
"""How many requests are begun in a turn, however quickly they are answered."""


class Turns:
    """Begins requests in the order in which they come, a few in a turn."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._most = MOST
        self._begun = 0
        self._began = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self._waiting or self._begun >= self._most:
                await self._turn()
            else:
                self._begin()
        await self._app(scope, receive, send)

    async def _turn(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            raise

    def _begin(self) -> None:
        if not self._begun:
            self._look_after()
        self._begun += 1

    def _look_after(self) -> None:
        """Look at a turn once it is over: what has begun in it was put into the loop before."""
        self._began = perf_counter()
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """Begin those of the next turn: as many as there is time for, as the last one shows."""
        took = (perf_counter() - self._began) / self._begun
        self._most = max(1, min(MOST, int(TURN_SECONDS / took)))
        self._begun = 0
        while self._waiting and self._begun < self._most:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._begun += 1
        if self._begun:
            self._look_after()
