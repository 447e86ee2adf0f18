"""Rows into tables: JSON is given as the text that it is."""

from collections.abc import Mapping, Sequence
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
    """Insert rows in their order: each has the same columns."""
    if rows:
        await tx.execute(_into(model, tx.dialect.name), rows)


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
