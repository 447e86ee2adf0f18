"""Until when an operation may take. The doors to the database ask, and stop what takes longer.

It goes along with the operation into the tasks that are begun for it. What outlives the operation
is not bound by it: the deadline is lifted with the operation's end.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar, cast

from server.errors import DeadlineExceeded

Done = TypeVar("Done")


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


class deadline:  # noqa: N801 - read as a verb, like `asyncio.timeout`
    """Binds what is done in the block, and the tasks that are begun in it, to a deadline."""

    __slots__ = ("_bound", "_token")

    def __init__(self, seconds: float) -> None:
        self._bound = Deadline(seconds)

    def __enter__(self) -> Deadline:
        self._token = _current.set(self._bound)
        return self._bound

    def __exit__(self, *_: object) -> None:
        self._bound.at = None
        _current.reset(self._token)


class InTime(Generic[Done]):
    """Awaits a coroutine until a deadline: DeadlineExceeded.

    What never waits, as most queries do not, is done before a timer is set: that was measured to
    cost a tenth of a small answer.
    """

    __slots__ = ("_bound", "_doing", "_is_over")

    def __init__(self, doing: Coroutine[Any, Any, Done], bound: Deadline) -> None:
        self._doing = doing
        self._bound = bound
        self._is_over = False

    def __await__(self) -> Generator[Any, Any, Done]:
        try:
            waited = self._doing.send(None)
        except StopIteration as done:
            return cast("Done", done.value)
        task = asyncio.current_task()
        assert task is not None
        assert self._bound.at is not None
        timer = asyncio.get_running_loop().call_at(self._bound.at, self._end, task)
        try:
            return (yield from self._go_on(waited))
        except asyncio.CancelledError:
            if self._is_over and task.uncancel() <= 0:
                raise self._bound.exceeded from None
            raise
        finally:
            timer.cancel()

    def _go_on(self, waited: object) -> Generator[Any, Any, Done]:
        """Wait for what the coroutine waits for, as `yield from` does."""
        while True:
            try:
                try:
                    sent = yield waited
                except BaseException as error:
                    waited = self._doing.throw(error)
                else:
                    waited = self._doing.send(sent)
            except StopIteration as done:
                return cast("Done", done.value)

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self._is_over = True
        task.cancel()


def check() -> None:
    """Raise DeadlineExceeded if the operation that this is done for has run out of time."""
    if (bound := _current.get()) is not None:
        bound.check()


@asynccontextmanager
async def enforced() -> AsyncGenerator[float | None]:
    """Cancel what is done in the block at the operation's deadline, if any: DeadlineExceeded.

    The block is told when that is, by the event loop's clock.
    """
    bound = _current.get()
    if bound is None or bound.at is None:
        yield None
        return
    bound.check()
    scope = asyncio.timeout_at(bound.at)
    try:
        async with scope:
            yield scope.when()
    except TimeoutError:
        if scope.expired():
            raise bound.exceeded from None
        raise
    except Exception:
        bound.check()  # it was stopped, and says so in words of its own
        raise
