"""Who holds an API key, kept for as long as nothing in the database has changed since.

Whoever reads sends the same key again and again, and to look it up is a large part of a small
answer. SQLite says cheaply whether any other connection, of whichever process, has committed
anything, so that what is kept is never older than the database: a key that is revoked is refused at
once. PostgreSQL has nothing like it; there every request looks its key up.
"""

from collections import OrderedDict

from server.api_keys import Holder, holder_of
from server.db import Database
from server.timestamps import now

MOST_KEPT = 1_000
"""The holders of how many keys are kept: of those used last."""


class KnownHolders:
    """Finds the holders of keys."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._version: int | None = None
        self._kept: OrderedDict[str, Holder] = OrderedDict()

    async def of(self, secret: str, key_hash: str) -> Holder:
        """Return the holder of a key; Unauthenticated as `holder_of`."""
        version = self._db.version()
        if version is None:
            return await holder_of(self._db, secret)
        if version != self._version:
            self._kept.clear()
            self._version = version
        kept = self._kept.get(key_hash)
        if kept is not None and (kept.actor.ends_at is None or kept.actor.ends_at > now()):
            self._kept.move_to_end(key_hash)
            return kept
        holder = await holder_of(self._db, secret)
        if version == self._version:  # else what was read may be older than what is kept by now
            self._kept[key_hash] = holder
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return holder
