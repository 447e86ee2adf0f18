"""Lists of keys as a table: one parameter, however many there are."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
    SQLColumnExpression,
    TableValuedAlias,
    Text,
    bindparam,
    func,
    select,
)
from sqlalchemy.types import TypeDecorator


class KeyList(TypeDecorator[Any]):
    """Keys as one parameter."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> str:
        return orjson.dumps(list(value or ())).decode()


def keys(name: str, values: Sequence[int] = ()) -> BindParameter[Any]:
    """Return a parameter of some name that takes a list of keys."""
    return bindparam(name, list(values), KeyList())


def listed(keys: Sequence[int] | BindParameter[Any]) -> TableValuedAlias:
    """Return keys as a table, with columns `key` (their place) and `value`.

    One parameter however many there are: SQLite takes some thousands, and a statement that does
    not change with their number is compiled once.
    """
    if not isinstance(keys, BindParameter):
        keys = bindparam(None, list(keys), KeyList())
    return func.json_each(keys).table_valued("key", "value")


def among(
    column: SQLColumnExpression[Any], keys: Sequence[int] | BindParameter[Any]
) -> ColumnElement[bool]:
    """Return the clause that keeps some keys, any number of them."""
    return column.in_(select(listed(keys).c.value))
