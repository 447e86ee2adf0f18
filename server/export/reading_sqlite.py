"""Reading SQLite, whose results begin with a row that only shows the columns' types."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

from adbc_driver_sqlite import dbapi

from server.export.arrow import Columns
from server.export.tables import Query


class SqliteReader:
    """One snapshot of an SQLite file: a `Reader`."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - a cursor is not typed either
        self._connection = connection

    def tuples(self, query: Query) -> list[tuple[Any, ...]]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def batches(self, query: Query, rows: int) -> Iterator[Columns]:
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
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters)
            rows = cursor.fetch_arrow_table().slice(1)
            columns = [column.combine_chunks() for column in rows.columns]
            return dict(zip(rows.schema.names, columns, strict=True))


@contextmanager
def reader(uri: str) -> Generator[SqliteReader]:
    """Open a file for reading, all of it as it is at the first statement."""
    adbc: Any = dbapi  # typed, but not whole
    connection = adbc.connect(uri)
    with closing(connection):
        yield SqliteReader(connection)
