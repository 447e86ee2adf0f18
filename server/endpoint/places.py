"""How many sockets each caller has open at this process, and the most that each may have."""

from collections import Counter

from server.errors import ExpectedFailure
from server.resolvers.context import Caller


class TooManySockets(ExpectedFailure):
    """A key, or a person who is signed in, has as many sockets open as one may have."""

    code = "THROTTLED"


class Places:
    """The sockets that are open, counted by who has them: a key, or else a person."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[tuple[str, int]] = Counter()

    def take(self, caller: Caller) -> tuple[str, int]:
        """Count one more, for a caller who is known; return what `leave` is to be given."""
        who = _who(caller)
        if self._taken[who] >= self._most:
            raise TooManySockets(f"{self._most} sockets are open already: close one of them first.")
        self._taken[who] += 1
        return who

    def leave(self, who: tuple[str, int]) -> None:
        """Count one less."""
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]


def _who(caller: Caller) -> tuple[str, int]:
    if caller.holder is not None:
        return "key", caller.holder.key
    assert caller.actor is not None
    return "user", caller.actor.user_key
