"""Keyset pages, written once: of one list, or of many parents' lists in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.cursors import PageRequest, write_cursor
from server.key_lists import listed
from server.keysets import beyond, ordering
from server.rows import Layout, Row


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and whether there are others on either side; `parent` is whose rows they are."""

    rows: Sequence[Row]
    request: PageRequest
    has_next: bool
    has_previous: bool
    parent: int | None = None

    def cursor(self, row: Row) -> str:
        """Return the place of a row in its list."""
        values = (getattr(row, key.column) for key in self.request.keys)
        return write_cursor(self.request, self.parent, list(values))


async def pages_by_parent(
    tx: AsyncConnection,
    layout: Layout,
    parent: str,
    parent_keys: Sequence[int],
    request: PageRequest,
    where: Sequence[ColumnElement[bool]] = (),
) -> dict[int, Page]:
    """Read the same page of each parent's rows, in one statement."""
    column = layout.columns[parent]
    if len(parent_keys) == 1:
        [key] = parent_keys
        return {key: await one_page(tx, layout, request, [column == key, *where], key)}
    parents = listed(parent_keys)
    picked = (
        _page(select(layout.columns["key"]), layout, request)
        .where(column == parents.c.value, *where)
        .correlate(parents)
    )
    statement = (
        select(*layout.selected)
        .select_from(parents)
        .join(layout.model, layout.columns["key"].in_(picked))
        .order_by(parents.c.key, *ordering(layout, request))
    )
    found: dict[int, list[Row]] = {key: [] for key in parent_keys}
    for values in await tx.execute(statement):
        row = layout.row(values)
        found[getattr(row, parent)].append(row)
    return {key: _cut(rows, request, key) for key, rows in found.items()}


async def one_page(
    tx: AsyncConnection,
    layout: Layout,
    request: PageRequest,
    where: Sequence[ColumnElement[bool]],
    parent: int | None = None,
) -> Page:
    """Read a page of the rows that keep some clauses."""
    statement = _page(select(*layout.selected), layout, request).where(*where)
    return _cut([layout.row(values) for values in await tx.execute(statement)], request, parent)


def _page(
    columns: Select[*tuple[Any, ...]], layout: Layout, request: PageRequest
) -> Select[*tuple[Any, ...]]:
    """Keep what lies between the cursors, and one row more than asked: it tells whether more do."""
    between = [
        beyond(layout, request, cursor, towards_end=towards_end)
        for cursor, towards_end in ((request.after, True), (request.before, False))
        if cursor is not None
    ]
    return (
        columns.select_from(layout.model)
        .where(*between)
        .order_by(*ordering(layout, request))
        .limit(request.limit + 1)
    )


def _cut(rows: list[Row], request: PageRequest, parent: int | None) -> Page:
    more = len(rows) > request.limit
    kept = rows[: request.limit]
    if request.backwards:
        return Page(kept[::-1], request, request.before is not None, more, parent)
    return Page(kept, request, more, request.after is not None, parent)
