"""One request while it is answered: what its line in the log will say."""

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.observing.operations import Operation


class Asked:
    """A request, or a socket: the operation that was executed last, and whose trace it is part of.

    `traceparent` is the header of that name, W3C Trace Context; None if there is none.
    """

    __slots__ = ("is_socket", "operation", "traceparent")

    def __init__(self, traceparent: str | None = None, *, is_socket: bool = False) -> None:
        self.operation: Operation | None = None
        self.traceparent = traceparent
        self.is_socket = is_socket


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


def asked() -> Asked | None:
    """Return the request that is being answered; None outside of one."""
    return _asked.get()


def begin(request: Asked) -> None:
    """Let operations from now on belong to a request."""
    _asked.set(request)
