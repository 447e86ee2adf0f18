"""Rows: what statements on one table return, read by the names of the table's expressions.

Rows, not entities: a page of a thousand ratings is a thousand tuples and one layout.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement

from server.db import Stored
from server.global_ids import global_id


class Layout:
    """Which expressions of a table a statement selects, in which order; `id` is called `key`."""

    def __init__(self, model: type[Stored]) -> None:
        expressions = model.expressions()
        self.model = model
        self.type_name = model.__name__
        self.level = model.table_name()
        self.columns: Mapping[str, ColumnElement[Any]] = {
            "key": expressions.pop("id"),
            **expressions,
        }
        self.selected = [column.label(name) for name, column in self.columns.items()]
        self.place = {name: i for i, name in enumerate(self.columns)}

    def row(self, values: Sequence[Any]) -> "Row":
        return Row(self, values)


_layouts: dict[type[Stored], Layout] = {}


def layout_of(model: type[Stored]) -> Layout:
    """Return the layout that selects all of a table's expressions: one for each table."""
    if model not in _layouts:
        _layouts[model] = Layout(model)
    return _layouts[model]


class Row:
    """One row. An attribute that was not selected does not exist."""

    __slots__ = ("layout", "values")

    def __init__(self, layout: Layout, values: Sequence[Any]) -> None:
        self.layout = layout
        self.values = values

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the column holds
        try:
            return self.values[self.layout.place[name]]
        except KeyError:
            raise AttributeError(f"{self.layout.type_name} has no {name}") from None

    @property
    def id(self) -> str:
        """The global id."""
        return global_id(self.layout.type_name, self.key)
