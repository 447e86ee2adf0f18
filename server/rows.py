"""Rows: what statements on one table return, read by the names of the table's expressions.

Rows, not entities: a page of a thousand ratings is a thousand tuples and one layout.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import sqlite

from server.db import Table
from server.global_ids import global_id

_SQLITE = sqlite.dialect()


class Layout:
    """What the values of some rows are called, in their order.

    level      the kind of thing a row is, such as `room`; empty for what is no table's
    place      where the value of each name is
    readers    what makes a stored value Python's, by place; None where it is that already
    raw        whether the values are as SQLite keeps them: JSON is text
    """

    def __init__(
        self,
        type_name: str,
        names: Sequence[str],
        *,
        level: str = "",
        readers: Sequence[Callable[[Any], Any] | None] | None = None,
    ) -> None:
        self.type_name = type_name
        self.level = level
        self.place: Mapping[str, int] = {name: i for i, name in enumerate(names)}
        self.readers = readers or (None,) * len(names)
        self.raw = readers is not None

    def row(self, values: Sequence[Any]) -> "Row":
        return Row(self, values)


class TableLayout(Layout):
    """Which expressions of a table a statement selects; `id` is called `key` and comes first.

    columns   every expression of the table, whether selected or not
    selected  those that are
    """

    def __init__(self, model: type[Table], wanted: frozenset[str] | None, *, raw: bool) -> None:
        self.model = model
        self.columns: Mapping[str, ColumnElement[Any]] = {
            "key" if name == "id" else name: column for name, column in _in_order(model)
        }
        kept = {
            name: column
            for name, column in self.columns.items()
            if name == "key" or wanted is None or name in wanted
        }
        super().__init__(
            model.__name__,
            list(kept),
            level=model.level_name(),
            readers=readers_of(kept.values()) if raw else None,
        )
        self.selected = [column.label(name) for name, column in kept.items()]


MOST_ASKED = 4096
"""For how many sets of names their layout is kept: a client may give any of them."""

_asked: dict[tuple[type[Table], frozenset[str] | None, bool], TableLayout] = {}
_layouts: dict[tuple[type[Table], frozenset[str] | None, bool], TableLayout] = {}


def layout_of(
    model: type[Table], wanted: frozenset[str] | None = None, *, raw: bool = False
) -> TableLayout:
    """Return the layout that selects some of a table's expressions, all by default: one for each.

    `raw` says that the rows come from SQLite's driver, past SQLAlchemy. Names that the table does
    not have are passed over, so that a selection's names can be given as they are.
    """
    if (layout := _asked.get((model, wanted, raw))) is not None:
        return layout
    kept = None if wanted is None else wanted & _names_of(model)
    if (layout := _layouts.get((model, kept, raw))) is None:
        layout = _layouts[model, kept, raw] = TableLayout(model, kept, raw=raw)
    if len(_asked) >= MOST_ASKED:
        _asked.clear()
    _asked[model, wanted, raw] = layout
    return layout


def _in_order(model: type[Table]) -> list[tuple[str, ColumnElement[Any]]]:
    return sorted(model.expressions().items(), key=lambda named: named[0] != "id")


def _names_of(model: type[Table]) -> frozenset[str]:
    return frozenset(layout_of(model).columns)


def readers_of(columns: Iterable[ColumnElement[Any]]) -> list[Callable[[Any], Any] | None]:
    """Return what makes of each column's values, as SQLite keeps them, those of Python."""
    return [column.type.dialect_impl(_SQLITE).result_processor(_SQLITE, None) for column in columns]


class Row:
    """One row. An attribute that was not selected does not exist."""

    __slots__ = ("layout", "values")

    def __init__(self, layout: Layout, values: Sequence[Any]) -> None:
        self.layout = layout
        self.values = values

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the column holds
        layout = self.layout
        try:
            place = layout.place[name]
        except KeyError:
            raise AttributeError(f"{layout.type_name} has no {name}") from None
        reader = layout.readers[place]
        return self.values[place] if reader is None else reader(self.values[place])

    @property
    def kin(self) -> Layout:
        """What rows have in common that can be asked for the same together."""
        return self.layout

    @property
    def id(self) -> str:
        """The global id."""
        return global_id(self.layout.type_name, self.key)


def keys_of(rows: Sequence[Row], name: str = "key") -> list[int]:
    """Return the keys of rows of one layout, or what they refer to by keys of another name."""
    if not isinstance(rows, Rows):
        return [getattr(row, name) for row in rows]
    place = rows.layout.place[name]
    return [values[place] for values in rows.values]


class Rows(Sequence[Row]):
    """Some rows of one layout, made when they are looked at."""

    __slots__ = ("layout", "values")

    def __init__(self, layout: Layout, values: Sequence[Sequence[Any]]) -> None:
        self.layout = layout
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> "Rows": ...
    def __getitem__(self, place: int | slice) -> "Row | Rows":
        if isinstance(place, slice):
            return Rows(self.layout, self.values[place])
        return Row(self.layout, self.values[place])
