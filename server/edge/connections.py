"""All connections of a server: how many there may be, and a look at each of them every second."""

from asyncio import AbstractEventLoop, TimerHandle
from dataclasses import dataclass
from typing import Protocol

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take of a server.

    connections     how many may be open, with websockets
    header_bytes    of a request's line and headers
    header_seconds  until its headers are there
    body_seconds    until its body is, beside a second for each KiB of it; and without any of it
    unread_seconds  for which an answer may be left unread
    """

    connections: int = 5000
    header_bytes: int = 32 << 10
    header_seconds: float = 15
    body_seconds: float = 30
    unread_seconds: float = 60


class Watched(Protocol):
    """A connection over which HTTP is spoken."""

    def look(self, now: float) -> None:
        """End it if its client owes something for too long."""

    def make_room(self) -> None:
        """End it, as others need the place."""


class Connections:
    """The connections of one server over which HTTP is spoken; `idle` are without a request."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.idle: dict[Watched, None] = {}
        self._all: set[Watched] = set()
        self._next: TimerHandle | None = None

    def add(self, connection: Watched, loop: AbstractEventLoop, count: int) -> bool:
        """Take a connection in; False if there is no place, nor an idle one to make it.

        count  how many connections are open, this one and websockets among them
        """
        self._all.add(connection)
        if self._next is None:
            self._next = loop.call_later(LOOK_SECONDS, self._look, loop)
        if count > self.limits.connections:
            longest_idle = next(iter(self.idle), None)
            if longest_idle is None:
                return False
            del self.idle[longest_idle]
            longest_idle.make_room()
        self.idle[connection] = None
        return True

    def remove(self, connection: Watched) -> None:
        """Forget a connection that ended, or speaks something else now."""
        self._all.discard(connection)
        self.idle.pop(connection, None)

    def _look(self, loop: AbstractEventLoop) -> None:
        now = loop.time()
        for each in list(self._all):
            each.look(now)
        self._next = loop.call_later(LOOK_SECONDS, self._look, loop) if self._all else None
