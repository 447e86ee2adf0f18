"""Rows into the database: JSON as the text it is, and what is refused in a sentence."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
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
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeDecorator, TypeEngine

from server.column_types import JsonType
from server.db import Stored
from server.errors import BadPackage, BadUserInput

Values = Mapping[str, Sequence[Any]]
"""Rows as columns, by their names in the database."""


async def put(tx: AsyncConnection, model: type[Stored], values: Values) -> None:
    """Insert rows in their order; BadPackage if the database refuses one."""
    names = tuple(values)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*values.values(), strict=True)]
    if rows:
        async with _explained(model.table_name()):
            await tx.execute(insert(_filled(model, tx.dialect)), rows)


@asynccontextmanager
async def _explained(name: str) -> AsyncGenerator[None]:
    try:
        yield
    except IntegrityError as refused:
        raise BadPackage(
            f"A row for the table {name} is there twice, or lacks what it must have: nothing was "
            "imported."
        ) from refused
    except (DBAPIError, BadUserInput) as refused:  # the latter is a text that no row can hold
        raise BadPackage(
            f"This database cannot keep a value for its table {name}: a number that is too large "
            "or, in PostgreSQL, a text with U+0000. Nothing was imported."
        ) from refused


class _JsonText(TypeDecorator[str]):
    """JSON as the text that it is, for PostgreSQL."""

    impl = Text
    cache_ok = True

    def bind_expression(self, bindparam: BindParameter[str]) -> ColumnElement[Any]:
        return cast(type_coerce(bindparam, Text), JSONB)


def _filled(model: type[Stored], dialect: Dialect) -> TableClause:
    """Return a model's table, of which columns of JSON are given texts."""
    json = Text() if dialect.name == "sqlite" else _JsonText()

    def given(kind: TypeEngine[Any]) -> TypeEngine[Any]:
        return json if isinstance(kind, JsonType) else kind

    columns = inspect(model).columns
    return table(model.table_name(), *(column(each.key, given(each.type)) for each in columns))
