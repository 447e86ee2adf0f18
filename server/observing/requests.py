"""One request while it is answered: what its line in the log will say."""

from contextvars import ContextVar


class Asked:
    """A request, or a socket: what was executed last, and whose trace it is part of.

    `traceparent` is the header of that name, W3C Trace Context; None if there is none. It names
    its operations, rather than to hold them: a cycle a request would be work for the collector.
    """

    __slots__ = ("is_socket", "kind", "name", "outcome", "traceparent")

    def __init__(self, traceparent: str | None = None, *, is_socket: bool = False) -> None:
        self.name = ""
        self.kind = ""
        self.outcome: str | None = None
        self.traceparent = traceparent
        self.is_socket = is_socket

    def executed(self, name: str, kind: str, outcome: str) -> None:
        """Note what was executed, and how it came out."""
        self.name, self.kind, self.outcome = name, kind, outcome


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


def asked() -> Asked | None:
    """Return the request that is being answered; None outside of one."""
    return _asked.get()


def begin(request: Asked) -> None:
    """Let operations from now on belong to a request."""
    _asked.set(request)
