"""Where holders of API keys are let in, whichever way they come; who guesses must wait."""

from server.api_keys import Holder, hash_of
from server.attempts import Attempts
from server.db import Database
from server.errors import Throttled, Unauthenticated
from server.key_uses import KeyUses
from server.known_holders import KnownHolders


class Entrance:
    """Lets holders of keys in, and has noted who was and who was not."""

    def __init__(self, db: Database, uses: KeyUses, attempts: Attempts) -> None:
        self.uses = uses
        self._holders = KnownHolders(db)
        self._attempts = attempts

    async def holder(self, secret: str | None, address: str | None) -> Holder:
        """Return the holder of a key that comes from a network address.

        Unauthenticated if there is none, Throttled if too many wrong keys came from there.
        """
        if not secret:
            raise Unauthenticated(
                "Send an API key: header `X-API-Key: hst_live_…` or `Authorization: Bearer "
                "hst_live_…`."
            )
        origin, key_hash = address or "", hash_of(secret)
        if seconds := self._attempts.seconds_to_wait(origin, key_hash):
            raise Throttled(
                f"Too many wrong API keys came from your network address: wait {seconds} seconds.",
                seconds,
            )
        try:
            holder = await self._holders.of(secret, key_hash)
        except Unauthenticated:
            if self._attempts.failed(origin, key_hash):
                self.uses.note_refused(origin)
            raise
        self._attempts.worked(origin, key_hash)
        return holder
