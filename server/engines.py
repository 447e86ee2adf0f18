"""Connections as each kind of database needs them: how they begin, what they tell of failures.

On SQLite what writes begins IMMEDIATE, so that it waits for its turn at once; on PostgreSQL what
reads sees one snapshot. Each statement is timed, whoever sends it.
"""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.column_types import dump_json
from server.errors import BadUserInput, Busy
from server.observing.operations import ran, wrote
from server.outages import passing

READERS = 4
"""How many connections may read at once."""

WRITERS = {"sqlite": 1, "postgresql": 4}
"""How many may write: SQLite has one writer, so wait for it here."""

SESSION = {"timezone": "UTC", "jit": "off"}  # compiling costs more than our statements

_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_NO_SUCH_CHARACTER = ("22021", "22P05")
"""How PostgreSQL refuses a text with U+0000, by itself and within JSON."""


def engine_for(url: URL, *, readonly: bool) -> AsyncEngine:
    """Return an engine whose connections read, each in one snapshot, or write."""
    kind = url.get_backend_name()
    options: dict[str, Any] = {}
    if kind == "postgresql":
        options["connect_args"] = {"server_settings": SESSION}
        options["execution_options"] = _SNAPSHOT if readonly else {}
        options["pool_pre_ping"] = True  # it may have been started again since
    engine = create_async_engine(
        url,
        json_serializer=dump_json,
        hide_parameters=True,  # they are people's data, and errors are logged
        pool_size=READERS if readonly else WRITERS[kind],
        max_overflow=0,
        **options,
    )
    # many rows in one statement: it runs the triggers, or saves what it may undo, only once
    engine.dialect.use_insertmanyvalues_wo_returning = True
    event.listen(engine.sync_engine, "handle_error", _explain)
    event.listen(engine.sync_engine, "before_cursor_execute", _begin_to_time)
    event.listen(
        engine.sync_engine, "after_cursor_execute", partial(_time, ran if readonly else wrote)
    )
    if kind == "postgresql" and readonly:
        event.listen(engine.sync_engine, "before_cursor_execute", _look_for_no_nul, retval=True)
    if kind == "sqlite":
        event.listen(engine.sync_engine, "connect", _tune_reader if readonly else _tune_writer)
        begin = "BEGIN" if readonly else "BEGIN IMMEDIATE"
        event.listen(engine.sync_engine, "begin", partial(_begin, statement=begin))
    return engine


def _look_for_no_nul(
    _tx: object,
    _cursor: object,
    statement: str,
    parameters: Any,  # noqa: ANN401 - a driver's own
    *_: object,
) -> tuple[str, Any]:
    """Ask for U+FFFF, which is no character either, in place of U+0000.

    PostgreSQL has no text with U+0000, and refuses to look for one instead of finding nothing.
    """
    if any(isinstance(value, str) and "\0" in value for value in parameters):
        parameters = tuple(
            value.replace("\0", "\uffff") if isinstance(value, str) else value
            for value in parameters
        )
    return statement, parameters


def _explain(context: ExceptionContext) -> BadUserInput | Busy | None:
    """Say so where a database is out of reach, which SQLAlchemy itself deals with when it pings."""
    error = context.original_exception
    if context.is_pre_ping or not isinstance(error, Exception):  # else it is cancelled
        return None
    return _say_which_text(error) or passing(error, disconnected=context.is_disconnect)


def _say_which_text(error: BaseException | None) -> BadUserInput | None:
    """Say so where a database refuses a text: a half of a character, or U+0000 in PostgreSQL."""
    while error is not None:
        code = getattr(error, "sqlstate", None)
        if isinstance(error, UnicodeEncodeError) or code in _NO_SUCH_CHARACTER:
            return BadUserInput(
                "A text holds what the database cannot keep, such as the character U+0000: "
                "leave it out."
            )
        error = error.__cause__
    return None


def _begin_to_time(tx: Connection, *_: object) -> None:
    tx.info["began"] = perf_counter()


def _time(
    note: Callable[[str, int, float], None],
    tx: Connection,
    _cursor: object,
    text: str,
    given: Any,  # noqa: ANN401 - a driver's own
    _context: object,
    *_: object,
) -> None:
    rows: list[Any] = given or []
    first: object = next(iter(rows), None)
    is_many = type(rows) is list and type(first) in (tuple, dict)  # by one statement
    parameters: list[Any] = rows[0] if is_many else rows
    note(text, len(parameters), perf_counter() - tx.info["began"])


def _begin(tx: Connection, statement: str) -> None:
    tx.exec_driver_sql(statement)


def _tune_writer(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's own
    _pragmas(
        connection,
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "recursive_triggers=ON",  # so that what INSERT OR REPLACE deletes is no longer counted
        "secure_delete=ON",  # what is deleted is overwritten: a byte search finds none of it
        "temp_store=MEMORY",  # a row with triggers is journaled on its own: in a file, that is slow
    )


def _tune_reader(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's own
    _pragmas(connection, "query_only=ON", "cache_size=-65536", "mmap_size=1073741824")


def _pragmas(connection: Any, *settings: str) -> None:  # noqa: ANN401 - a driver's own
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for setting in ("busy_timeout=30000", *settings):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()
