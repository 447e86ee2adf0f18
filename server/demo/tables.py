"""Writes many rows at once: the driver gets them as tuples, and indexes are built at the end."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Dialect, Table, insert, inspect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from server.db import Stored


def table_of(model: type[SQLModel]) -> Table:
    """Return a model's table."""
    return cast("Table[Any]", inspect(model).local_table)


@asynccontextmanager
async def indexes_built_after(
    tx: AsyncConnection, models: Iterable[type[SQLModel]]
) -> AsyncGenerator[None]:
    """Drop the tables' indexes and build them anew afterwards: sorting once is much faster."""
    indexes = sorted(
        chain.from_iterable(table_of(model).indexes for model in models),
        key=lambda index: str(index.name),  # a set has no order of its own
    )

    def drop(connection: Connection) -> None:
        for index in indexes:
            index.drop(connection)

    def create(connection: Connection) -> None:
        for index in indexes:
            index.create(connection)

    await tx.run_sync(drop)
    yield
    await tx.run_sync(create)


async def put_one(tx: AsyncConnection, row: Stored) -> int:
    """Insert one row and return its key."""
    columns = row.model_dump(exclude={"id"})
    result = await tx.execute(insert(table_of(type(row))).values(columns))
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


async def put_rows(
    tx: AsyncConnection, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows; a column that a row does not name is left null."""
    names = [column.key for column in table_of(model).columns if column.key != "id"]
    unknown = set[str]().union(*rows).difference(names)
    assert not unknown, f"{model.__name__} has no columns {unknown}"
    await put_columns(tx, model, {name: [row.get(name) for row in rows] for name in names})


async def put_columns(
    tx: AsyncConnection, model: type[SQLModel], columns: Mapping[str, Iterable[Any]]
) -> None:
    """Insert rows that come as columns, of which one at least has an end."""
    statement = _statement(table_of(model), tuple(columns), tx.dialect)
    series = [
        map(prepare, columns[name]) if prepare else columns[name]
        for name, prepare in statement.columns.items()
    ]
    if rows := list(zip(*series, strict=False)):
        await tx.exec_driver_sql(statement.sql, rows)


class _Statement(NamedTuple):
    """An INSERT, and what prepares the value of each of its columns for the driver."""

    sql: str
    columns: Mapping[str, Callable[[Any], Any] | None]


@lru_cache
def _statement(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Statement:
    compiled = insert(table).compile(dialect=dialect, column_keys=names)
    types = {name: table.columns[name].type for name in compiled.positiontup or ()}
    return _Statement(
        str(compiled),
        {name: kind.dialect_impl(dialect).bind_processor(dialect) for name, kind in types.items()},
    )
