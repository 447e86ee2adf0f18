"""SQL for a worker: statements compiled for its own database, which it opens by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy
from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL

from server.export.tables import Kind, Query
from server.key_lists import among, keys
from server.statements import Prepared, Statement

_AMONG = "among"

_SAMPLES = {Kind.REAL: "0.5", Kind.TEXT: "''", Kind.JSON: "''"}
"""A value of each kind, as ADBC must see one to know a column's type; all others are integers."""

_FIRST = str(-(1 << 63))
"""The least integer: the sample row stands in front."""


def is_among_those_asked_for(column: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Keep the keys that `Query.among` will name."""
    return among(column, keys(_AMONG))


@dataclass(frozen=True)
class Dialect:
    """How a worker asks a kind of database.

    sql    its SQL, with parameters as ADBC's driver takes them
    typed  whether columns of a result have types; else a first row may have to show them
    partitioned  whether large experiments may have partitions of their own
    """

    sql: sqlalchemy.Dialect
    typed: bool
    partitioned: bool

    def table(
        self,
        rows: Select[*tuple[Any, ...]],
        kinds: Sequence[Kind],
        order: Sequence[str],
        unread: Sequence[ColumnElement[Any]] = (),
    ) -> Query:
        """Read rows, columns of these kinds, sorted by some that are whole numbers.

        `unread` are those of the order that are not among the columns.
        """
        sorting = text(", ".join(order))
        query = self.compiled(rows.order_by(sorting))
        if self.typed:
            return query
        sorted_by = rows.add_columns(*unread)
        all_kinds = [*kinds, *[Kind.INTEGER] * len(unread)]
        sampled = union_all(_sample(sorted_by, all_kinds, order), sorted_by).order_by(sorting)
        names = [str(column.key) for column in rows.selected_columns]
        others = [name for name, kind in zip(names, kinds, strict=True) if kind in _SAMPLES]
        return replace(query, sampled=self.compiled(sampled).sql, other_kinds=tuple(others))

    def compiled(self, statement: Statement) -> Query:
        """Return a statement as text and parameters."""
        prepared = Prepared(statement, self.sql)
        return Query(
            sql=prepared.text,
            parameters=tuple(prepared.parameters({})),
            among_at=prepared.place_of(_AMONG),
        )


_postgresql: Any = postgresql.dialect  # typed, but not whole

_DIALECTS = {
    "sqlite": Dialect(sqlite.dialect(paramstyle="qmark"), typed=False, partitioned=False),
    "postgresql": Dialect(_postgresql(paramstyle="numeric_dollar"), typed=True, partitioned=True),
}


def dialect_of(database_url: URL) -> Dialect:
    """Return how a worker asks a database."""
    return _DIALECTS[database_url.get_backend_name()]


def _sample(
    rows: Select[*tuple[Any, ...]], kinds: Sequence[Kind], order: Sequence[str]
) -> Select[*tuple[Any, ...]]:
    """Return a row that stands in front and shows every type.

    ADBC takes a column's type from the first rows, and a column that is empty there for an integer.
    The row costs a comparison of every other, so it is there for those results only.
    """
    columns = [str(column.key) for column in rows.selected_columns]
    shown: list[ColumnElement[Any]] = [
        literal_column(_FIRST if name in order else _SAMPLES.get(kind, "0")).label(name)
        for name, kind in zip(columns, kinds, strict=True)
    ]
    return select(*shown)
