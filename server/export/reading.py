"""Reading the database in a worker: ADBC, which hands over batches of Arrow columns."""

import os
import sys
from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, Protocol

from server.export import reading_sqlite
from server.export.arrow import Columns
from server.export.tables import Identifying, Kind, Query, Table

ROWS = 16_384
"""Rows of a batch."""

ROWS_WITH_TEXT = 4_096
"""Rows of a batch that may hold long texts."""

AHEAD = 4
"""How many batches are read before they are asked for, if any."""

ENOUGH_CORES = 3
"""How many leave one to those whom we serve, when an export takes two. Of two cores it took both:
one answer in a hundred took 2.5 times as long as without an export, in place of 1.5."""


class Reader(Protocol):
    """One snapshot of the database, for as long as the reader is open.

    Columns have the same Arrow types whatever the database: whole numbers of 64 bits, floats of
    64 bits, texts, JSON as compact text; truth values are such, or 0 and 1.
    """

    def tuples(self, query: Query) -> list[tuple[Any, ...]]:
        """Read a short result as Python values."""
        ...

    def batches(self, query: Query, rows: int) -> Generator[Columns]:
        """Read a result of any length in order, at most so many rows at a time."""
        ...

    def whole(self, query: Query) -> Columns:
        """Read all of a result at once."""
        ...


@contextmanager
def reader(uri: str) -> Generator[Reader]:
    """Open a database for reading, all of it as it is at the first statement.

    It is read ahead where there are cores enough, or where PostgreSQL does most of the work.
    """
    with _opened(uri) as opened, ThreadPoolExecutor(1, "reading") as thread:
        ahead = _is_served(uri) or _cores() >= ENOUGH_CORES
        yield AheadReader(opened, thread) if ahead else opened


class AheadReader:
    """A `Reader` that has another read what comes next, in a thread, while what came is written."""

    def __init__(self, reader: Reader, thread: ThreadPoolExecutor) -> None:
        self._reader = reader
        self._thread = thread

    def tuples(self, query: Query) -> list[tuple[Any, ...]]:
        return self._thread.submit(self._reader.tuples, query).result()

    def batches(self, query: Query, rows: int) -> Generator[Columns]:
        with closing(self._reader.batches(query, rows)) as batches:
            coming = deque(self._thread.submit(next, batches, None) for _ in range(AHEAD))
            try:
                while (columns := coming.popleft().result()) is not None:
                    coming.append(self._thread.submit(next, batches, None))
                    yield columns
            finally:
                wait(coming)

    def whole(self, query: Query) -> Columns:
        return self._thread.submit(self._reader.whole, query).result()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _is_served(uri: str) -> bool:
    return uri.startswith("postgresql:")


def _opened(uri: str) -> AbstractContextManager[Reader]:
    if _is_served(uri):
        from server.export import reading_postgres  # its driver is an extra

        return reading_postgres.reader(uri)
    return reading_sqlite.reader(uri)


def rows_at_once(table: Table) -> int:
    """Return how many rows of a table are read at a time: fewer where each may be long."""
    long = any(
        column.kind is Kind.JSON or column.identifies is Identifying.IN_TEXT
        for column in table.columns
    )
    return ROWS_WITH_TEXT if long else ROWS
