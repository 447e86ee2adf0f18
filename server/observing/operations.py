"""One operation while it is executed: its name, what it loads and what it asks of the database."""

from contextvars import ContextVar
from time import perf_counter
from types import TracebackType
from typing import Protocol

from server.logs import request_id
from server.observing import metrics
from server.observing.requests import Asked, asked

MOST_STATEMENTS = 64
"""Of how many different statements, and fields, an operation's record keeps anything."""

LONGEST_NAME = 100
"""How many characters of an operation's name are told."""


class Statement:
    """One text of SQL: how many parameters it has, how often it ran, and how long altogether."""

    __slots__ = ("count", "parameters", "seconds")

    def __init__(self, parameters: int) -> None:
        self.parameters = parameters
        self.count = 0
        self.seconds = 0.0


class Watcher(Protocol):
    """Is told when an operation ends."""

    def ended(self, operation: "Operation", seconds: float) -> None:
        """Look at an operation that has ended."""
        ...


class Operation:
    """A context in which an operation is executed; when it ends, it is counted and told of.

    kind     query, mutation or subscription, once that is known
    name     as its document says; nothing if it has none
    outcome  OK, or the code of an error
    """

    __slots__ = (
        *("kind", "name", "outcome", "started", "id", "request", "statements", "loads"),
        *("statement_count", "statement_seconds", "_watcher", "_is_followed"),
    )

    def __init__(self, watcher: Watcher | None = None, kind: str = "", name: str = "") -> None:
        self.kind = kind
        self.name = name[:LONGEST_NAME]
        self.outcome = "OK"
        self.id = request_id()
        self.request: Asked | None = asked()
        self.statements: dict[str, Statement] = {}
        self.loads: dict[str, int] = {}
        self.statement_count = 0
        self.statement_seconds = 0.0
        self._watcher = watcher
        self._is_followed = False
        self.started = perf_counter()

    def named(self, kind: str, name: str) -> None:
        """Say what is executed, once that is known."""
        self.kind, self.name = kind, name[:LONGEST_NAME]
        if kind == "subscription" and not self._is_followed:
            self._is_followed = True
            metrics.subscribers.inc()

    def __enter__(self) -> "Operation":
        _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self.outcome == "OK":
            self.outcome = "INTERNAL" if isinstance(error, Exception) else "CANCELED"
        _current.set(None)
        self.end()

    def end(self) -> None:
        """Count it, and tell of it."""
        seconds = perf_counter() - self.started
        if self._is_followed:
            metrics.subscribers.dec()
        name = (self.name or metrics.UNNAMED) if self.kind else metrics.INVALID
        metrics.operation_ended(name, self.kind or metrics.INVALID, self.outcome, seconds)
        if self.request is not None:
            self.request.executed(self.name, self.kind, self.outcome)
        if self._watcher is not None:
            self._watcher.ended(self, seconds)

    def asked_of_database(self, text: str, parameters: int, seconds: float) -> None:
        """Note that a statement ran."""
        self.statement_count += 1
        self.statement_seconds += seconds
        if (statement := self.statements.get(text)) is None:
            if self._is_followed or len(self.statements) >= MOST_STATEMENTS:
                return  # what is followed may go on for days
            statement = self.statements[text] = Statement(parameters)
        statement.count += 1
        statement.seconds += seconds

    def loaded(self, field: str, sources: int) -> None:
        """Note for how many sources a field was loaded."""
        if field in self.loads or len(self.loads) < MOST_STATEMENTS:
            self.loads[field] = self.loads.get(field, 0) + sources


_current: ContextVar[Operation | None] = ContextVar("operation", default=None)


def current() -> Operation | None:
    """Return the operation that is being executed; None outside of any."""
    return _current.get()


def ran(text: str, parameters: int, seconds: float) -> None:
    """Note that a statement ran that reads."""
    metrics.read_seconds(seconds)
    if (operation := _current.get()) is not None:
        operation.asked_of_database(text, parameters, seconds)


def wrote(text: str, parameters: int, seconds: float) -> None:
    """Note that a statement ran in a transaction that writes."""
    metrics.write_seconds(seconds)
    if (operation := _current.get()) is not None:
        operation.asked_of_database(text, parameters, seconds)


def loaded(field: str, sources: int) -> None:
    """Note for how many sources at once a field was loaded."""
    metrics.batch_size(sources)
    if (operation := _current.get()) is not None:
        operation.loaded(field, sources)
