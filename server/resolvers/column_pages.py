"""Column pages: a page of a list as parallel lists, of which only those asked for are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Float, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.cursors import PageRequest, check_cursors, write_cursor
from server.key_lists import listed
from server.keysets import beyond, ordering
from server.records.filters import Filter
from server.records.listed import Listed
from server.resolvers.context import Context
from server.resolvers.numbers import finite
from server.resolvers.rollups import AnySelect, RollUp, rolled_up, transposed
from server.rows import Row


@dataclass(frozen=True, slots=True)
class ColumnPage:
    """Parallel lists by name, and where the page lies in its list."""

    columns: Mapping[str, Sequence[Any]]
    has_next: bool
    has_previous: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class ColumnQuestion:
    """Which page, forwards, of the rows that a filter keeps; and which of its columns."""

    request: PageRequest
    kept: Filter
    names: frozenset[str]


async def column_page(
    context: Context, what: Listed, parent: Row, question: ColumnQuestion
) -> ColumnPage:
    """Return a page of the rows that belong to a row, column by column."""
    check_cursors(question.request, parent.key)
    return await rolled_up(context, _ColumnPages, what, parent, question)


class _ColumnPages(RollUp[ColumnQuestion, ColumnPage]):
    async def answers(
        self, tx: AsyncConnection, question: ColumnQuestion, places: Sequence[int]
    ) -> Mapping[int, ColumnPage]:
        request = question.request
        sorted_by = [key.column for key in request.keys]
        names = [*sorted_by, *sorted(question.names.difference(sorted_by))]
        statement = self._page(request, question.kept, names, places)
        found = {place: _cut(request, place, names, []) for place in places}
        for place, own in groupby(await tx.execute(statement), itemgetter(0)):
            found[place] = _cut(request, place, names, list(own))
        return found

    def _page(
        self, request: PageRequest, kept: Filter, names: Sequence[str], places: Sequence[int]
    ) -> AnySelect:
        """Select one row more than asked for, of each place: it tells whether others follow."""
        read = [self.place, *map(self._readable, names)]
        where = [self.actor.sees_within(self.layout), *kept.clauses(self.columns)]
        if request.after is not None:
            where.append(beyond(self.layout, request, request.after, towards_end=True))
        order, limit = ordering(self.layout, request), request.limit + 1
        if len(places) == 1:
            own = select(*read).where(self.place == places[0], *where)
            return own.order_by(*order).limit(limit)
        parents = listed(places)
        key = self.columns["key"]
        picked = (
            select(key)
            .where(self.place == parents.c.value, *where)
            .order_by(*order)
            .limit(limit)
            .correlate(parents)
        )
        return (
            select(*read)
            .select_from(parents)
            .join(self.layout.model, key.in_(picked))
            .order_by(parents.c.key, *order)
        )

    def _readable(self, name: str) -> ColumnElement[Any]:
        column = self.columns[name]
        return finite(column) if isinstance(column.type, Float) else column


def _cut(request: PageRequest, place: int, names: Sequence[str], rows: Sequence[Any]) -> ColumnPage:
    kept = rows[: request.limit]
    lists: list[list[Any]] = transposed(kept)[1:] if kept else [[] for _ in names]

    def cursor(row: Any) -> str:  # noqa: ANN401 - a row of any columns
        return write_cursor(request, place, list(row[1 : len(request.keys) + 1]))

    return ColumnPage(
        columns=dict(zip(names, lists, strict=True)),
        has_next=len(rows) > request.limit,
        has_previous=request.after is not None,
        start_cursor=cursor(kept[0]) if kept else None,
        end_cursor=cursor(kept[-1]) if kept else None,
    )
