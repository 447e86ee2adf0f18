"""Reading PostgreSQL: columns have types of their own there, and JSON a spelling of its own.

Rows come by COPY. It takes no parameters, so they are written into its query. What else is asked
meanwhile is asked by another connection, which has the same snapshot.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from adbc_driver_postgresql import dbapi

from server.export.arrow import Array, Columns, pa, pc
from server.export.tables import Query

_BEGINNING = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL client_encoding = 'UTF8'",  # what Arrow's texts are
    "SET LOCAL standard_conforming_strings = on",  # else what is written into queries is not safe
    "SET LOCAL jit = off",  # compiling costs more than our statements
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",  # while a batch is written, it is idle
)

_PARAMETER = re.compile(r"\$(\d+)")
_BYTES = {"adbc.postgresql.batch_size_hint_bytes": str(4 << 20)}

_STRINGS_AND_SPACES = r'("(?:[^"\\]|\\.)*")| '
_STRINGS = r"\1"


class PostgresReader:
    """One snapshot of a PostgreSQL database: a `Reader`."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._idle: list[Any] = []
        self._connection = self._connected()
        [[snapshot]] = self.tuples(Query("SELECT pg_export_snapshot()", ()))
        self._snapshot = f"SET TRANSACTION SNAPSHOT '{snapshot}'"

    def tuples(self, query: Query) -> list[tuple[Any, ...]]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def batches(self, query: Query, rows: int) -> Generator[Columns]:
        """Read by COPY, some megabytes at a time."""
        connection = self._idle.pop() if self._idle else self._connected(self._snapshot)
        ended = False
        try:
            with closing(connection.cursor()) as cursor:
                cursor.adbc_statement.set_options(**_BYTES)
                cursor.execute(_PARAMETER.sub(lambda at: _given(query, at), query.sql))
                yield from _read(cursor.fetch_record_batch(), rows)
                ended = True
        finally:
            if ended:
                self._idle.append(connection)
            else:
                connection.close()  # in the middle of what it sends

    def whole(self, query: Query) -> Columns:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters)
            table = cursor.fetch_arrow_table()
            return _columns(table.schema, [each.combine_chunks() for each in table.columns])

    def close(self) -> None:
        for connection in (*self._idle, self._connection):
            connection.close()

    def _connected(self, *statements: str) -> Any:  # noqa: ANN401 - ADBC is typed, but not whole
        adbc: Any = dbapi
        connection = adbc.connect(self._uri)
        with closing(connection.cursor()) as cursor:
            for statement in (_BEGINNING[0], *statements, *_BEGINNING[1:]):
                cursor.execute(statement)
        return connection


@contextmanager
def reader(uri: str) -> Generator[PostgresReader]:
    """Open a database for reading, all of it as it is at the first query."""
    with closing(PostgresReader(uri)) as opened:
        yield opened


def _read(batches: Any, rows: int) -> Iterator[Columns]:  # noqa: ANN401 - Arrow ships no types
    for batch in batches:
        for start in range(0, batch.num_rows, rows):
            some = batch.slice(start, rows)
            yield _columns(some.schema, some.columns)


def _given(query: Query, at: re.Match[str]) -> str:
    return _written(query.parameters[int(at[1]) - 1])


def _written(value: str | float) -> str:
    """Return a value as SQL, of the type that a parameter would have."""
    match value:
        case bool():
            return f"{value}::boolean"
        case int():
            return f"({value})::bigint"
        case float():
            return f"'{value}'::float8"
        case _:
            text = value.replace("\0", "\uffff").replace("'", "''")  # U+0000 is in no text there
            return f"'{text}'::text"


def _columns(schema: Any, columns: Sequence[Array]) -> Columns:  # noqa: ANN401 - as above
    return {
        field.name: _plain(field, column) for field, column in zip(schema, columns, strict=True)
    }


def _plain(field: Any, values: Array) -> Array:  # noqa: ANN401 - Arrow ships no types
    """Return a column as a `Reader` promises it."""
    if pa.types.is_integer(field.type):
        return values.cast(pa.int64())
    if pa.types.is_floating(field.type):
        return values.cast(pa.float64())
    if pa.types.is_boolean(field.type):
        return values
    texts = values.storage if isinstance(field.type, pa.BaseExtensionType) else values
    is_json = bool(field.metadata) and field.metadata.get(b"POSTGRESQL:type") == b"jsonb"
    return compact(texts) if is_json else texts


def compact(texts: Array) -> Array:
    """Return JSON as PostgreSQL shows it, `{"a": 1}`, without the spaces between its parts."""
    return pc.replace_substring_regex(texts, _STRINGS_AND_SPACES, _STRINGS)
