"""Who is told of every operation that ends: the log, if it was slow or came by a socket, traces."""

import logging

from server.observing import lines
from server.observing.operations import Operation
from server.observing.slow import SlowOperations
from server.observing.tracing import Tracer


class Observer:
    """Looks at operations as they end; without anything to tell, at little cost."""

    def __init__(self, slow: SlowOperations | None = None, tracer: Tracer | None = None) -> None:
        self._slow = slow
        self._tracer = tracer
        self._too_long = float("inf") if slow is None else slow.seconds

    def watch(self, kind: str = "", name: str = "") -> Operation:
        """Return the record of an operation that begins."""
        return Operation(self, kind, name)

    def ended(self, operation: Operation, seconds: float) -> None:
        """Tell of an operation that has just ended."""
        if self._tracer is not None:
            self._tracer.ended(operation, seconds)
        if operation.request is not None and operation.request.is_socket:
            _tell(operation, seconds)
        if seconds >= self._too_long and operation.kind in ("query", "mutation"):
            assert self._slow is not None
            self._slow.tell(operation, seconds)

    async def close(self) -> None:
        """Tell of what is left."""
        if self._slow is not None:
            await self._slow.close()
        if self._tracer is not None:
            self._tracer.close()


def _tell(operation: Operation, seconds: float) -> None:
    """Write the line of an operation that came by a socket: a request has its own."""
    if not lines.log.isEnabledFor(logging.INFO):
        return
    lines.tell(
        "operation",
        {
            "request_id": operation.id,
            "operation": operation.name or None,
            "type": operation.kind or None,
            "outcome": operation.outcome,
            "ms": round(seconds * 1000, 2),
        },
    )
