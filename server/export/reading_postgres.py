"""Reading PostgreSQL: columns have types of their own there, and JSON a spelling of its own.

While some rows are written the next are read: PostgreSQL's process may have a core of its own.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from itertools import count
from threading import Lock
from typing import Any

from adbc_driver_postgresql import dbapi

from server.export.arrow import Array, Columns, pa, pc
from server.export.tables import Query

_BEGINNING = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL client_encoding = 'UTF8'",  # what Arrow's texts are
    "SET LOCAL jit = off",  # compiling costs more than our statements
    "SET LOCAL cursor_tuple_fraction = 1",  # all rows of a cursor are read, not the first few
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",  # while a batch is written, it is idle
)

_NO_COPY = {"adbc.postgresql.use_copy": "false"}  # FETCH is no query that COPY knows

_STRINGS_AND_SPACES = r'("(?:[^"\\]|\\.)*")| '
_STRINGS = r"\1"


class PostgresReader:
    """One snapshot of a PostgreSQL database: a `Reader`.

    thread  reads ahead; whoever asks something else meanwhile waits for what it asks
    """

    def __init__(
        self,
        connection: Any,  # noqa: ANN401 - a cursor is not typed either
        thread: ThreadPoolExecutor,
    ) -> None:
        self._connection = connection
        self._thread = thread
        self._alone = Lock()
        self._numbers = count(1)

    def tuples(self, query: Query) -> list[tuple[Any, ...]]:
        with self._alone, closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def batches(self, query: Query, rows: int) -> Iterator[Columns]:
        """Read by a cursor: ADBC holds all of a result in memory whose query has parameters."""
        name = f"export_{next(self._numbers)}"
        with closing(self._connection.cursor()) as cursor:

            def fetch() -> tuple[int, Columns]:
                with self._alone:
                    cursor.execute(f"FETCH {rows} FROM {name}")
                    table = cursor.fetch_arrow_table()
                return table.num_rows, _columns(table)

            with self._alone:
                cursor.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {query.sql}", query.parameters)
                cursor.adbc_statement.set_options(**_NO_COPY)
            read, columns = fetch()
            while read == rows:
                coming = self._thread.submit(fetch)
                try:
                    yield columns
                finally:
                    wait([coming])
                read, columns = coming.result()
            if read:
                yield columns
            with self._alone:
                cursor.execute(f"CLOSE {name}")

    def whole(self, query: Query) -> Columns:
        with self._alone, closing(self._connection.cursor()) as cursor:
            cursor.execute(query.sql, query.parameters)
            return _columns(cursor.fetch_arrow_table())


@contextmanager
def reader(uri: str) -> Generator[PostgresReader]:
    """Open a database for reading, all of it as it is at the first query."""
    adbc: Any = dbapi  # typed, but not whole
    with closing(adbc.connect(uri)) as connection:
        with closing(connection.cursor()) as cursor:
            for statement in _BEGINNING:
                cursor.execute(statement)
        with ThreadPoolExecutor(1, "reading") as thread:
            yield PostgresReader(connection, thread)


def _columns(table: Any) -> Columns:  # noqa: ANN401 - Arrow ships no types
    return {
        field.name: _plain(field, column.combine_chunks())
        for field, column in zip(table.schema, table.columns, strict=True)
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
