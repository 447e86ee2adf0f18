"""SQL for a worker: statements compiled for its own SQLite, which the server never opens."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    SQLColumnExpression,
    bindparam,
    func,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects import sqlite

from server.export.tables import Kind, Query
from server.statements import Prepared

_DIALECT = sqlite.dialect(paramstyle="qmark")
_AMONG = "among"

_SAMPLES = {Kind.REAL: "0.5", Kind.TEXT: "''", Kind.JSON: "''"}
"""A value of each kind, as ADBC must see one to know a column's type; all others are integers."""


_FIRST = str(-(1 << 63))
"""The least integer: the sample row stands in front."""


def is_among_those_asked_for(column: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Keep the keys that `Query.among` will name."""
    return column.in_(_listed(bindparam(_AMONG, "[]")))


def _listed(keys: Any) -> Select[Any]:  # noqa: ANN401 - a text or the parameter of one
    return select(func.json_each(keys).table_valued("value").c.value)


def with_sample(
    rows: Select[*tuple[Any, ...]], kinds: Sequence[Kind], order: Sequence[str]
) -> CompoundSelect[*tuple[Any, ...]]:
    """Sort rows by columns of whole numbers, and put a row in front that shows every type.

    ADBC takes a column's type from the first rows, and a column that is empty there for an integer.
    """
    columns = [str(column.key) for column in rows.selected_columns]
    shown: list[ColumnElement[Any]] = [
        literal_column(_FIRST if name in order else _SAMPLES.get(kind, "0")).label(name)
        for name, kind in zip(columns, kinds, strict=True)
    ]
    return union_all(select(*shown), rows).order_by(text(", ".join(order)))


def compiled(
    statement: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]],
) -> Query:
    """Return a statement as text and parameters."""
    prepared = Prepared(statement, _DIALECT)
    return Query(
        sql=prepared.text,
        parameters=tuple(prepared.parameters({})),
        among_at=prepared.place_of(_AMONG),
    )
