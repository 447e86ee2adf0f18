"""Reading SQLite, the columns of whose results have the types of what is in the first rows."""

from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from adbc_driver_sqlite import dbapi

from server.export.arrow import Columns, pa
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

    def batches(self, query: Query, rows: int) -> Generator[Columns]:
        with ExitStack() as reading:
            stream, begins = self._read(query, reading, rows)
            for batch in stream:
                kept = batch.slice(begins)
                begins = 0
                if kept.num_rows:
                    yield dict(zip(kept.schema.names, kept.columns, strict=True))

    def whole(self, query: Query) -> Columns:
        with ExitStack() as reading:
            stream, begins = self._read(query, reading)
            rows = stream.read_all().slice(begins)
            columns = [column.combine_chunks() for column in rows.columns]
            return dict(zip(rows.schema.names, columns, strict=True))

    def _read(self, query: Query, reading: ExitStack, rows: int | None = None) -> tuple[Any, int]:
        """Read so many rows at a time; return the stream, and at which row of it they begin."""
        stream = self._stream(query.sql, query, reading, rows)
        if all(stream.schema.field(name).type != pa.int64() for name in query.other_kinds):
            return stream, 0
        reading.close()
        assert query.sampled is not None
        return self._stream(query.sampled, query, reading, rows), 1

    def _stream(self, sql: str, query: Query, reading: ExitStack, rows: int | None) -> Any:  # noqa: ANN401 - untyped
        cursor = reading.enter_context(closing(self._connection.cursor()))  # while it is read
        if rows is not None:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
        cursor.execute(sql, query.parameters)
        return cursor.fetch_record_batch()


@contextmanager
def reader(uri: str) -> Generator[SqliteReader]:
    """Open a file for reading, all of it as it is at the first statement."""
    adbc: Any = dbapi  # typed, but not whole
    connection = adbc.connect(uri)
    with closing(connection):
        yield SqliteReader(connection)
