"""Whether a server can do its work, found out at most once a second however many ask."""

import asyncio
import logging
import time
from collections.abc import Mapping

from server.db import Database
from server.health import checks
from server.storage import Storage

KEPT_SECONDS = 1.0
"""How long what was found out is told again."""

Found = Mapping[str, str | None]
"""What is wrong, by what was checked; None where nothing is."""

log = logging.getLogger(__name__)


class Readiness:
    """Checks the database, its schema and the store."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db = db
        self._storage = storage
        self._found: Found = {}
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def found(self) -> Found:
        """Return what is wrong."""
        async with self._turn:
            if time.monotonic() >= self._until:
                before, self._found = self._found, await self._look()
                self._until = time.monotonic() + KEPT_SECONDS
                _tell(before, self._found)
        return self._found

    async def _look(self) -> Found:
        made = {
            "database": checks.made(checks.database(self._db)),
            "schema": checks.made(checks.schema(self._db)),
            "storage": checks.made(checks.storage(self._storage)),
        }
        return dict(zip(made, await asyncio.gather(*made.values()), strict=True))


def _tell(before: Found, found: Found) -> None:
    """Note in the log what has become wrong, or right again."""
    for name, wrong in found.items():
        if wrong is not None and before.get(name) is None:
            log.error("Not ready, %s: %s", name, wrong)
        elif wrong is None and before.get(name) is not None:
            log.info("Ready again, %s", name)
