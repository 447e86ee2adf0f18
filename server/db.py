"""The only door to the database: connections to read, transactions to write."""

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic.alias_generators import to_snake
from sqlalchemy import MetaData, event, func, inspect, select
from sqlalchemy.engine import Connection, ExceptionContext, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from server import deadlines
from server.column_types import KEY_TYPE, dump_json
from server.errors import BadUserInput, Busy
from server.observing.operations import ran, wrote
from server.outages import passing, reaching
from server.readers import FileReader, indented
from server.statements import Prepared, Statement

READERS = 4
"""How many connections may read at once."""

MOST_PREPARED = 1024
"""How many statements are kept compiled."""

WRITERS = {"sqlite": 1, "postgresql": 4}
"""How many may write: SQLite has one writer, so wait for it here."""

_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_SESSION = {"timezone": "UTC", "jit": "off"}  # compiling costs more than our statements

_NO_SUCH_CHARACTER = ("22021", "22P05")
"""How PostgreSQL refuses a text with U+0000, by itself and within JSON."""

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {  # so that migrations can name what they change
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    """Whatever is stored: a table called like its class, in snake case."""

    @classmethod
    def table_name(cls) -> str:
        return to_snake(cls.__name__)

    @classmethod
    def level_name(cls) -> str:
        """Say what its rows are to those that belong to them, in `<level>_key`."""
        return cls.table_name()

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # pyright: ignore[reportIncompatibleVariableOverride] - SQLModel's own way to name tables, which joins the words
        return to_snake(cls.__name__)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        """Return what can be read of a row, by name: its columns, and what is made of them."""
        return {column.key: column for column in inspect(cls).columns}


class Stored(Table):
    """What makes a set of columns a row of a table that has a key of its own."""

    id: int | None = Field(default=None, primary_key=True, sa_type=KEY_TYPE)


class Database:
    """Hands out connections; nothing else in the server opens, commits or closes one."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.writer = self._engine(readonly=False)
        self.reader = self._engine(readonly=True)
        self._in_use = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._prepared: OrderedDict[Hashable, Prepared] = OrderedDict()
        self._files = FileReader(str(self.file)) if self.file else None

    @property
    def raw(self) -> bool:
        """Whether `fetch` returns values as the database keeps them, past SQLAlchemy."""
        return self._files is not None

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        name = self.url.database
        return Path(name) if name and self.url.get_backend_name() == "sqlite" else None

    def _engine(self, *, readonly: bool) -> AsyncEngine:
        kind = self.url.get_backend_name()
        options: dict[str, Any] = {}
        if kind == "postgresql":
            options["connect_args"] = {"server_settings": _SESSION}
            options["execution_options"] = _SNAPSHOT if readonly else {}
            options["pool_pre_ping"] = True  # it may have been started again since
        engine = create_async_engine(
            self.url,
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

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a connection for one batch of reads: one snapshot, and nothing can be written."""
        return self._using(self.reader.connect())

    def prepare(self, key: Hashable, make: Callable[[], Statement]) -> Prepared:
        """Return the statement that a key stands for, compiled once for all that use it."""
        if (prepared := self._prepared.get(key)) is None:
            prepared = self._prepared[key] = Prepared(make(), self.reader.dialect)
            if len(self._prepared) > MOST_PREPARED:
                self._prepared.popitem(last=False)
        else:
            self._prepared.move_to_end(key)
        return prepared

    async def fetch(
        self, prepared: Prepared, given: Mapping[str, Any], *, quick: bool = True
    ) -> Sequence[Sequence[Any]]:
        """Return all rows of a read; say if it is known not to be quick."""
        if self._files is None:
            async with self.read() as tx:
                return (await tx.execute(prepared.statement, given)).all()
        parameters = prepared.parameters(given)
        self._enter()
        started = perf_counter()
        try:
            deadlines.check()
            if quick and (rows := self._files.fetch_now(prepared.text, parameters)) is not None:
                return rows
            async with deadlines.enforced():
                return await self._files.fetch(prepared.text, parameters)
        except sqlite3.OperationalError as error:
            if (busy := passing(error)) is not None:
                raise busy from error
            raise
        finally:
            ran(prepared.text, len(parameters), perf_counter() - started)
            self._leave()

    def version(self) -> int | None:
        """Return a number that is another one once anything was committed; None if it is unknown.

        What is read after it was asked for is at least as new.
        """
        if self._files is None:
            return None
        try:
            return self._files.version()
        except sqlite3.OperationalError as error:
            if (busy := passing(error)) is not None:
                raise busy from error
            raise

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open one transaction: committed when the block ends, rolled back if it raises."""
        return self._using(self.writer.begin())

    async def explain(self, text: str, parameters: int) -> Sequence[str]:
        """Return the plan of a statement, a line a step, without a value of any parameter."""
        if self._files is not None:
            asked = f"EXPLAIN QUERY PLAN {text}"
            rows = await self._files.fetch(asked, [None] * parameters)
            return indented(rows)
        nothing = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
        async with self.read() as tx:
            raw: Any = (await tx.get_raw_connection()).driver_connection
            async with raw.transaction():
                await raw.execute("SET LOCAL plan_cache_mode = force_generic_plan")
                await raw.execute(f"PREPARE explained AS {text}")
                try:
                    rows = await raw.fetch(f"EXPLAIN EXECUTE explained{nothing}")
                finally:
                    await raw.execute("DEALLOCATE explained")
        return [line for (line,) in rows]

    async def maintain(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run a statement of the database's own that may be in no transaction, such as VACUUM."""
        async with self._using(self.writer.connect()) as tx:
            raw: Any = (await tx.get_raw_connection()).driver_connection
            if self.file is None:
                await raw.execute(statement)
                return []
            async with raw.execute(statement) as cursor:
                return list(await cursor.fetchall())

    @asynccontextmanager
    async def _using(
        self, opening: AbstractAsyncContextManager[AsyncConnection]
    ) -> AsyncGenerator[AsyncConnection]:
        self._enter()
        try:
            async with deadlines.enforced() as at, AsyncExitStack() as stack:
                with reaching():
                    tx = await stack.enter_async_context(opening)
                if at is None or self._files is None:  # asyncpg stops what is cancelled by itself
                    yield tx
                    return
                stopping = asyncio.create_task(_stop(tx, at))
                try:
                    yield tx
                finally:
                    stopping.cancel()
        finally:
            self._leave()

    def _enter(self) -> None:
        self._in_use += 1
        self._unused.clear()

    def _leave(self) -> None:
        self._in_use -= 1
        if not self._in_use:
            self._unused.set()

    async def close(self) -> None:
        """Close every connection, once nobody uses it: loaders outlive an answer that failed."""
        await self._unused.wait()
        if self._files is not None:
            self._files.close()
        await self.reader.dispose()
        await self.writer.dispose()


async def _stop(tx: AsyncConnection, at: float) -> None:
    """Stop what SQLite is at from a moment of the loop's clock on, until this is cancelled.

    SQLAlchemy waits for the statement before it lets go of who is cancelled, and a statement that
    has not quite begun is not stopped: hence beside it, and again and again.
    """
    raw: Any = (await tx.get_raw_connection()).driver_connection
    await asyncio.sleep(at - asyncio.get_running_loop().time())
    while True:
        await raw.interrupt()
        await asyncio.sleep(0.02)


async def take_turns(tx: AsyncConnection, number: int) -> None:
    """Wait until no other transaction that writes holds a number, and hold it until the end.

    The number is that of an advisory lock in PostgreSQL; SQLite has but one writer.
    """
    if tx.dialect.name == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock(number)))


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
