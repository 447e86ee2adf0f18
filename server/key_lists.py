"""Lists of keys as a table: one parameter, however many there are."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, SQLColumnExpression, TableValuedAlias, func, select


def listed(keys: Sequence[int]) -> TableValuedAlias:
    """Return keys as a table, with columns `key` (their place) and `value`.

    One parameter however many there are: SQLite takes some thousands, and a statement that does
    not change with their number is compiled once.
    """
    return func.json_each(orjson.dumps(list(keys)).decode()).table_valued("key", "value")


def among(column: SQLColumnExpression[Any], keys: Sequence[int]) -> ColumnElement[bool]:
    """Return the clause that keeps some keys, any number of them."""
    return column.in_(select(listed(keys).c.value))
