"""Keyset pages, written once: of one list, or of many parents' lists in one statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, select, true

from server.cursors import PageRequest, cursor_writer
from server.key_lists import among, keys, listed
from server.keysets import are_whole, beyond, ordering, place_of, places
from server.rows import Row, TableLayout

PARENT, PARENTS, LIMIT = "parent", "parents", "page_limit"

EXPERIMENTS = "parents_experiments"
"""The parameter that names the parents' experiments: partitions of all others are left out."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A row and its place in its list."""

    node: Row
    cursor: str


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Some rows of a list, and whether there are others on either side.

    parent    whose rows they are; None for a list of all rows
    kin       what it is a page of, for whoever made it: pages of one kin are counted together
    """

    layout: TableLayout
    values: Sequence[Sequence[Any]]
    request: PageRequest
    has_next_page: bool
    has_previous_page: bool
    parent: int | None = None
    kin: Any = None

    @property
    def write_cursor(self) -> Callable[[Sequence[Any]], str]:
        """What makes a row's values its place in the list."""
        whole = are_whole(self.layout, self.request.keys)
        return cursor_writer(self.request, self.parent, self.layout.place, whole=whole)

    @property
    def nodes(self) -> list[Row]:
        return [self.layout.row(values) for values in self.values]

    @property
    def edges(self) -> list[Edge]:
        write = self.write_cursor
        return [Edge(self.layout.row(values), write(values)) for values in self.values]

    @property
    def page_info(self) -> "Page":
        return self

    @property
    def start_cursor(self) -> str | None:
        return self.write_cursor(self.values[0]) if self.values else None

    @property
    def end_cursor(self) -> str | None:
        return self.write_cursor(self.values[-1]) if self.values else None


def page_statement(
    layout: TableLayout,
    shown: Sequence[ColumnElement[Any]],
    request: PageRequest,
    where: Sequence[ColumnElement[bool]],
) -> Select[*tuple[Any, ...]]:
    """Return the statement for a page of the rows that keep some clauses.

    `shown` are the layout's selected columns, as the caller may see them.
    """
    return _page(select(*shown), layout, request).where(*where)


def pages_statement(
    layout: TableLayout,
    shown: Sequence[ColumnElement[Any]],
    parent: str,
    request: PageRequest,
    where: Sequence[ColumnElement[bool]],
    *,
    lateral: bool,
    partitions: Sequence[ColumnElement[bool]] = (),
) -> Select[*tuple[Any, ...]]:
    """Return the statement for the same page of each of many parents' rows.

    `partitions` are clauses that tell in which partitions these lie. The parent's key comes last in
    each row. A window function over all rows was measured hundreds
    of times slower. `lateral` is for PostgreSQL; SQLite has no such join.
    """
    column, key = layout.columns[parent], layout.columns["key"]
    parents = listed(keys(PARENTS))
    named = [key.label("picked")]
    if partitions:
        named.append(layout.columns["experiment_key"].label("picked_in"))
    picked = (
        _page(select(*named), layout, request)
        .where(column == parents.c.value, *where, *partitions)
        .correlate(parents)
    )
    found = select(*shown, column.label(PARENT)).select_from(parents)
    if lateral:
        page = picked.lateral("page")
        same = [key == page.c.picked]
        if partitions:
            same.append(layout.columns["experiment_key"] == page.c.picked_in)
        found = found.join(page, true()).join(layout.model, and_(*same))
    else:
        found = found.join(layout.model, key.in_(picked))
    return found.where(*partitions).order_by(parents.c.key, *ordering(layout, request))


def page_parameters(layout: TableLayout, request: PageRequest) -> dict[str, Any]:
    """Return what a run of a page's statement must be given, but for the parents."""
    given: dict[str, Any] = {LIMIT: request.limit + 1}
    for name, cursor in (("after", request.after), ("before", request.before)):
        if cursor is not None:
            place = place_of(layout, request, cursor)
            given |= {f"{name}_{i}": value for i, value in enumerate(place)}
    return given


def of_parent(layout: TableLayout, parent: str) -> ColumnElement[bool]:
    """Return the clause that keeps the rows of the one parent that a run names."""
    column = layout.columns[parent]
    return column == bindparam(PARENT, type_=column.type, required=False)


def of_experiments(layout: TableLayout) -> ColumnElement[bool]:
    """Return the clause that keeps the rows of the experiments that a run names."""
    return among(layout.columns["experiment_key"], keys(EXPERIMENTS))


def by_parent(
    rows: Sequence[Sequence[Any]], parents: Sequence[int]
) -> Mapping[int, list[Sequence[Any]]]:
    """Part rows by the parent's key, which comes last in each."""
    found: dict[int, list[Sequence[Any]]] = {key: [] for key in parents}
    for values in rows:
        found[values[-1]].append(values)
    return found


def page_of(
    layout: TableLayout,
    rows: Sequence[Sequence[Any]],
    request: PageRequest,
    parent: int | None = None,
    kin: object = None,
) -> Page:
    """Return a page of what its statement found: one row too many tells that more follow."""
    more = len(rows) > request.limit
    kept = rows[: request.limit] if more else rows
    if request.backwards:
        kept, has_next, has_previous = kept[::-1], request.before is not None, more
    else:
        has_next, has_previous = more, request.after is not None
    return Page(layout, kept, request, has_next, has_previous, parent, kin)


def _page(
    columns: Select[*tuple[Any, ...]], layout: TableLayout, request: PageRequest
) -> Select[*tuple[Any, ...]]:
    between = [
        beyond(layout, request, places(layout, request, name), towards_end=towards_end)
        for name, cursor, towards_end in (
            ("after", request.after, True),
            ("before", request.before, False),
        )
        if cursor is not None
    ]
    return (
        columns.select_from(layout.model)
        .where(*between)
        .order_by(*ordering(layout, request))
        .limit(bindparam(LIMIT, request.limit + 1))
    )
