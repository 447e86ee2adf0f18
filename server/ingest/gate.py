"""How many may add at once: who comes when that many do is told to come again."""

from collections.abc import Generator
from contextlib import contextmanager

from server.errors import Busy

RETRY_SECONDS = 1
"""After how long somebody who was not let in should come again."""


class Gate:
    """Lets some in at once.

    The database writes one batch after the other: a queue of more would only keep what was sent in
    memory, and its senders in the dark.
    """

    def __init__(self, most: int, adding: str = "records") -> None:
        self._most = most
        self._adding = adding
        self._inside = 0

    @contextmanager
    def entered(self) -> Generator[None]:
        """Be inside until the block ends; Busy if it is full."""
        if self._inside >= self._most:
            raise Busy(
                f"{self._most} are adding {self._adding} at this moment: send the same again in a "
                "second."
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
