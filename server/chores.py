"""What a server does by itself while it runs: a look at each of its chores every few seconds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from server.export.waiting import comes
from server.logs import whereabouts

TICK_SECONDS = 2.0
"""How often it is looked whether there is something to do."""

Chore = Callable[[asyncio.Event], Awaitable[None]]
"""Does what is due, in steps that may each be the last; stops between two once the event is set.

Every server does it: what must be done by one alone is claimed in the database.
"""

log = logging.getLogger(__name__)


class Chores:
    """Does chores side by side, in the background; by name, for the log."""

    def __init__(self, chores: Mapping[str, Chore]) -> None:
        self._chores = chores
        self._stopping = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look."""
        assert not self._running
        self._stopping.clear()
        self._running = [
            asyncio.create_task(self._run(name, chore)) for name, chore in self._chores.items()
        ]

    async def stop(self) -> None:
        """Stop, once each has ended the step that it is in."""
        self._stopping.set()
        running, self._running = self._running, []
        await asyncio.gather(*running)

    async def _run(self, name: str, chore: Chore) -> None:
        while not self._stopping.is_set():
            try:
                await chore(self._stopping)
            except Exception as error:  # it is still due, and tried again
                log.error("The chore %s could not be done yet: %s", name, whereabouts(error))
            await comes(self._stopping, TICK_SECONDS)
