"""The only door to the database: connections to read, transactions to write."""

import asyncio
import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic.alias_generators import to_snake
from sqlalchemy import MetaData, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from server import deadlines, replicas
from server.column_types import KEY_TYPE
from server.engines import engine_for
from server.errors import Busy
from server.observing.operations import ran
from server.outages import passing, reaching
from server.readers import FileReader, indented
from server.replicas import Away, Moment, Replica
from server.statements import Prepared, Statement

MOST_PREPARED = 1024
"""How many statements are kept compiled."""

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


_PREPARED: dict[str, OrderedDict[Hashable, Prepared]] = defaultdict(OrderedDict)
"""Statements by kind of database, in all of which a key stands for the same."""


class Database:
    """Hands out connections; nothing else in the server opens, commits or closes one."""

    def __init__(
        self, url: str, replica_url: str | None = None, replica_patience: float = 0.1
    ) -> None:
        self.url = make_url(url)
        self.writer = engine_for(self.url, readonly=False)
        self.reader = engine_for(self.url, readonly=True)
        self.replica = (
            Replica(self.url, make_url(replica_url), replica_patience) if replica_url else None
        )
        self._in_use = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._prepared = _PREPARED[self.reader.dialect.name]
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

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a connection for one batch of reads: one snapshot, and nothing can be written.

        Within what is `replicas.followed`, to the replica, if it is there.
        """
        moment = replicas.current()
        if moment is None:
            return self._using(self.reader.connect())
        return self._using(self._replicated(moment))

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
            return await self._fetch(prepared, given)
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

    async def _fetch(self, prepared: Prepared, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        if (moment := replicas.current()) is not None:
            try:
                return await moment.replica.supervised(self._fetch_at(moment, prepared, given))
            except (Away, Busy):
                pass  # it only read: the database itself is asked the same
        async with self._using(self.reader.connect()) as tx:
            return (await tx.execute(prepared.statement, given)).all()

    async def _fetch_at(
        self, moment: Moment, prepared: Prepared, given: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        async with self._using(moment.replica.reader.connect()) as tx:
            if not await moment.holds(tx):
                raise Away
            return (await tx.execute(prepared.statement, given)).all()

    @asynccontextmanager
    async def _replicated(self, moment: Moment) -> AsyncGenerator[AsyncConnection]:
        """Open a connection to the replica, or to the database if that is not there."""
        async with AsyncExitStack() as stack:
            tx = await moment.open(stack)
            if tx is None:
                tx = await stack.enter_async_context(self.reader.connect())
            yield tx

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
        if self.replica is not None:
            await self.replica.close()
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
