"""Rows into tables: JSON is given as the text that it is."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Insert,
    TableClause,
    Text,
    cast,
    column,
    insert,
    inspect,
    table,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeDecorator, TypeEngine

from server.column_types import JsonType
from server.db import Stored


async def fill(tx: AsyncConnection, model: type[Stored], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in their order: each has the same columns, in the same order."""
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        await _fill_sqlite(tx, model, rows)
    elif len(rows) < COPIED_FROM or not await _copied(tx, model, rows):
        await tx.execute(_into(model, tx.dialect.name), rows)


COPIED_FROM = 1_000
"""From how many rows on they are copied into PostgreSQL: below, to begin takes longer."""


async def _copied(
    tx: AsyncConnection, model: type[Stored], rows: Sequence[Mapping[str, Any]]
) -> bool:
    """Have PostgreSQL copy rows, past SQLAlchemy; False if it refused one, and none is there.

    An insert then tells what is wrong as it always does. Nothing is to be dropped for being there
    already: whoever fills has asked before, so that no table in between is needed.
    """
    from asyncpg import InterfaceError, PostgresError  # an extra, which is there by now

    raw: Any = (await tx.get_raw_connection()).driver_connection
    savepoint = await tx.begin_nested()  # which begins the transaction, if nothing has by now
    try:
        await raw.copy_records_to_table(
            model.table_name(),
            records=[tuple(row.values()) for row in rows],
            columns=list(rows[0]),
        )
    except (PostgresError, InterfaceError, ValueError, TypeError):
        await savepoint.rollback()
        return False
    await savepoint.commit()
    return True


async def _fill_sqlite(
    tx: AsyncConnection, model: type[Stored], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert hundreds of rows a statement, past SQLAlchemy: a third of the time.

    SQLite saves what it may undo at each statement whose table has triggers.
    """
    names = tuple(rows[0])
    one = f"({', '.join('?' * len(names))})"
    head = f"INSERT INTO {model.table_name()} ({', '.join(names)}) VALUES "  # noqa: S608 - names of ours
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        values = tuple(chain.from_iterable(row.values() for row in some))
        await tx.exec_driver_sql(head + ", ".join([one] * len(some)), values)


_AT_ONCE = 500
"""How many rows go into a statement of SQLite's, which takes 32,766 values."""


class _JsonText(TypeDecorator[str]):
    """JSON as the text that it is, for PostgreSQL."""

    impl = Text
    cache_ok = True

    def bind_expression(self, bindparam: BindParameter[str]) -> ColumnElement[Any]:
        return cast(type_coerce(bindparam, Text), JSONB)


_statements: dict[tuple[type[Stored], str], Insert] = {}


def _into(model: type[Stored], dialect: str) -> Insert:
    if (statement := _statements.get((model, dialect))) is None:
        statement = _statements[model, dialect] = insert(_filled(model, dialect))
    return statement


def _filled(model: type[Stored], dialect: str) -> TableClause:
    """Return a model's table, of which columns of JSON are given texts."""
    json = Text() if dialect == "sqlite" else _JsonText()

    def given(kind: TypeEngine[Any]) -> TypeEngine[Any]:
        return json if isinstance(kind, JsonType) else kind

    columns = inspect(model).columns
    return table(model.table_name(), *(column(each.key, given(each.type)) for each in columns))
