"""How long a lost connection is tried again, ever more seldom, before one gives up."""

import time
from collections.abc import Callable

from server.errors import ExpectedFailure

PATIENCE_SECONDS = 180.0
"""How long nothing may come of it before a server counts as gone."""

FIRST_DELAY, LONGEST_DELAY = 0.5, 15.0


class ConnectionLost(ExpectedFailure):
    """The server was there and is not any more."""

    code = "CONNECTION_LOST"


class Patience:
    """Waits between attempts, and ends when there were enough that brought nothing."""

    def __init__(self, say: Callable[[str], object], seconds: float = PATIENCE_SECONDS) -> None:
        self._say = say
        self._seconds = seconds
        self._since: float | None = None
        self._delay = FIRST_DELAY

    def rewarded(self) -> None:
        """Note that an attempt brought something: what comes next is a new loss."""
        self._since, self._delay = None, FIRST_DELAY

    def wait(self, why: str) -> None:
        """Wait for the next attempt; ConnectionLost if there were enough."""
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since > self._seconds:
            raise ConnectionLost(
                f"{why}, and it has not come back for {self._seconds:.0f} s. Run the same command "
                "again when it is there: it goes on where it stopped."
            )
        self._say(f"{why}: trying again in {self._delay:g} s")
        time.sleep(self._delay)
        self._delay = min(2 * self._delay, LONGEST_DELAY)
