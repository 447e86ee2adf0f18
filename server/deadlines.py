"""Until when an operation may take. The doors to the database ask, and stop what takes longer.

It goes along with the operation into the tasks that are begun for it. What outlives the operation
is not bound by it: the deadline is lifted with the operation's end.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from server.errors import DeadlineExceeded


class Deadline:
    """A moment of the event loop's clock; None once the operation is over."""

    __slots__ = ("at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at: float | None = asyncio.get_running_loop().time() + seconds

    def check(self) -> None:
        """Raise DeadlineExceeded once it has passed."""
        if self.at is not None and asyncio.get_running_loop().time() >= self.at:
            raise self.exceeded

    @property
    def exceeded(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"This took longer than {self.seconds:g} seconds, so it was stopped: ask for less, or "
            "have it exported."
        )


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Generator[Deadline]:
    """Bind what is done in the block, and the tasks that are begun in it, to a deadline."""
    bound = Deadline(seconds)
    token = _current.set(bound)
    try:
        yield bound
    finally:
        bound.at = None
        _current.reset(token)


def check() -> None:
    """Raise DeadlineExceeded if the operation that this is done for has run out of time."""
    if (bound := _current.get()) is not None:
        bound.check()


@asynccontextmanager
async def enforced() -> AsyncGenerator[None]:
    """Cancel what is done in the block at the operation's deadline: DeadlineExceeded."""
    bound = _current.get()
    if bound is None or bound.at is None:
        yield
        return
    bound.check()
    scope = asyncio.timeout_at(bound.at)
    try:
        async with scope:
            yield
    except TimeoutError:
        if scope.expired():
            raise bound.exceeded from None
        raise
