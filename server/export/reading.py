"""Reading the database in a worker: ADBC, which hands over batches of Arrow columns."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from server.export import reading_sqlite
from server.export.arrow import Columns
from server.export.tables import Identifying, Kind, Query, Table

ROWS = 16_384
"""Rows of a batch."""

ROWS_WITH_TEXT = 4_096
"""Rows of a batch that may hold long texts."""


class Reader(Protocol):
    """One snapshot of the database, for as long as the reader is open.

    Columns have the same Arrow types whatever the database: whole numbers of 64 bits, floats of
    64 bits, texts, JSON as compact text; truth values are such, or 0 and 1.
    """

    def tuples(self, query: Query) -> list[tuple[Any, ...]]:
        """Read a short result as Python values."""
        ...

    def batches(self, query: Query, rows: int) -> Iterator[Columns]:
        """Read a result of any length in order, at most so many rows at a time."""
        ...

    def whole(self, query: Query) -> Columns:
        """Read all of a result at once."""
        ...


def reader(uri: str) -> AbstractContextManager[Reader]:
    """Open a database for reading, all of it as it is at the first statement."""
    if uri.startswith("postgresql:"):
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
