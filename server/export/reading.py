"""Reading the database in a worker: ADBC, which hands over batches of Arrow columns."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

from adbc_driver_sqlite import dbapi

from server.export.arrow import Columns
from server.export.tables import Identifying, Kind, Query, Table

ROWS = 8_192
"""Rows of a batch."""

ROWS_WITH_TEXT = 1_024
"""Rows of a batch that may hold long texts."""


class Reader:
    """One snapshot of the database, for as long as the reader is open."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - a cursor is not typed either
        self._connection = connection

    def tuples(self, query: Query) -> list[tuple[Any, ...]]:
        """Read a short result as Python values."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def batches(self, query: Query, rows: int) -> Iterator[Columns]:
        """Read the rows that follow the sample row, in order."""
        with closing(self._connection.cursor()) as cursor:  # while it is read, keep it
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
            cursor.execute(query.sql, query.parameters)
            sampled = False
            for batch in cursor.fetch_record_batch():
                kept = batch if sampled else batch.slice(1)
                sampled = True
                if kept.num_rows:
                    yield dict(zip(kept.schema.names, kept.columns, strict=True))

    def whole(self, query: Query) -> Columns:
        """Read all the rows that follow the sample row."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters)
            rows = cursor.fetch_arrow_table().slice(1)
            columns = [column.combine_chunks() for column in rows.columns]
            return dict(zip(rows.schema.names, columns, strict=True))


@contextmanager
def reader(uri: str) -> Generator[Reader]:
    """Open a database for reading, all of it as it is at the first statement."""
    adbc: Any = dbapi  # typed, but not whole
    connection = adbc.connect(uri)
    with closing(connection):
        yield Reader(connection)


def rows_at_once(table: Table) -> int:
    """Return how many rows of a table are read at a time: fewer where each may be long."""
    long = any(
        column.kind is Kind.JSON or column.identifies is Identifying.IN_TEXT
        for column in table.columns
    )
    return ROWS_WITH_TEXT if long else ROWS
