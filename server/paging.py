"""Keyset pages, written once: of one list, or of many parents' lists in one statement."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, TypeDecorator, and_, case, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import BadUserInput, InvalidCursor
from server.rows import Layout, Row

DEFAULT_PAGE = 50

_UNREADABLE = "That is not a cursor of this server."
_ELSEWHERE = "That cursor belongs to another list, order or filter: page with the one it came from."


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by. Nulls come last, or first when descending."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list: `limit` rows from one end of what lies between the cursors.

    `fingerprint` stands for the list, its order and its filter: a cursor carries it, so that one
    from elsewhere is refused rather than misread.
    """

    order: tuple[SortKey, ...]
    limit: int
    fingerprint: str
    backwards: bool = False
    after: str | None = None
    before: str | None = None

    @property
    def keys(self) -> tuple[SortKey, ...]:
        """The order made unique: ties are broken by the row's key, in the last direction."""
        return (*self.order, SortKey("key", self.order[-1].descending))


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
        place = [self.request.fingerprint, self.parent, *values]
        return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def page_size(first: int | None, last: int | None, most: int) -> tuple[int, bool]:
    """Return how many rows are asked for, and whether from the end; BadUserInput if unusable."""
    if first is not None and last is not None:
        raise BadUserInput("Give `first` or `last`, not both.", ["first"])
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_PAGE, False
    if not 0 <= size <= most:
        raise BadUserInput(f"`{name}` must be from 0 to {most:,}; it is {size:,}.", [name])
    return size, last is not None


def check_cursors(request: PageRequest, parent: int) -> None:
    """Raise InvalidCursor if a cursor is from the list of another parent."""
    for cursor in (request.after, request.before):
        if cursor is not None and _read(request, cursor)[0] != parent:
            raise InvalidCursor(_ELSEWHERE)


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
    parents = func.json_each(orjson.dumps(list(parent_keys)).decode()).table_valued("key", "value")
    picked = (
        _page(select(layout.columns["key"]), layout, request)
        .where(column == parents.c.value, *where)
        .correlate(parents)
    )
    statement = (
        select(*layout.selected)
        .select_from(parents)
        .join(layout.model, layout.columns["key"].in_(picked))
        .order_by(parents.c.key, *_ordering(layout, request))
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
        _beyond(layout, request, cursor, towards_end=towards_end)
        for cursor, towards_end in ((request.after, True), (request.before, False))
        if cursor is not None
    ]
    return (
        columns.select_from(layout.model)
        .where(*between)
        .order_by(*_ordering(layout, request))
        .limit(request.limit + 1)
    )


def _cut(rows: list[Row], request: PageRequest, parent: int | None) -> Page:
    more = len(rows) > request.limit
    kept = rows[: request.limit]
    if request.backwards:
        return Page(kept[::-1], request, request.before is not None, more, parent)
    return Page(kept, request, more, request.after is not None, parent)


def _terms(layout: Layout, request: PageRequest) -> list[tuple[ColumnElement[Any], bool]]:
    """Return what to sort by and whether descending; a nullable column is two terms, never null."""
    terms: list[tuple[ColumnElement[Any], bool]] = []
    for key in request.keys:
        column = layout.columns[key.column]
        if _nullable(column):
            terms.append((case((column.is_(None), 1), else_=0), key.descending))
            column = func.coalesce(column, _zero(column))
        terms.append((column, key.descending))
    return terms


def _ordering(layout: Layout, request: PageRequest) -> list[ColumnElement[Any]]:
    return [
        term.desc() if descending != request.backwards else term.asc()
        for term, descending in _terms(layout, request)
    ]


def _beyond(
    layout: Layout, request: PageRequest, cursor: str, *, towards_end: bool
) -> ColumnElement[bool]:
    """Return the clause that a row lies on one side of a cursor.

    Terms of one direction are compared as a row value, which an index can seek: the same written
    with OR was measured hundreds of times slower. Mixed directions leave no choice.
    """
    terms = _terms(layout, request)
    place = _place(layout, request, cursor)
    ascending = [descending != towards_end for _, descending in terms]
    if len(set(ascending)) == 1:
        here, there = tuple_(*(term for term, _ in terms)), tuple_(*place)
        return here > there if ascending[0] else here < there
    return or_(
        *(
            and_(
                *(t == p for (t, _), p in zip(terms[:i], place[:i], strict=True)),
                term > place[i] if ascending[i] else term < place[i],
            )
            for i, (term, _) in enumerate(terms)
        )
    )


def _read(request: PageRequest, cursor: str) -> tuple[Any, list[Any]]:
    """Return whose list a cursor is of, and its place there; InvalidCursor if not this list's."""
    try:
        fingerprint, parent, *values = orjson.loads(
            urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        )
    except (NotBase64, ValueError, TypeError):
        raise InvalidCursor(_UNREADABLE) from None
    if fingerprint != request.fingerprint:
        raise InvalidCursor(_ELSEWHERE)
    if len(values) != len(request.keys):
        raise InvalidCursor(_UNREADABLE)
    return parent, values


def _place(layout: Layout, request: PageRequest, cursor: str) -> list[Any]:
    """Return a cursor's place as the values of the terms; InvalidCursor if they cannot be."""
    place: list[Any] = []
    for key, value in zip(request.keys, _read(request, cursor)[1], strict=True):
        column = layout.columns[key.column]
        nullable = _nullable(column)
        if not (_is_of(column, value) or (nullable and value is None)):
            raise InvalidCursor(_UNREADABLE)
        if nullable:
            place.append(int(value is None))
        place.append(_zero(column) if value is None else value)
    return place


def _is_of(column: ColumnElement[Any], value: object) -> bool:
    kind = _kind(column)
    if kind is int:
        return type(value) is int and -(1 << 63) <= value < 1 << 63
    return type(value) in (int, float) if kind is float else type(value) is kind


def _nullable(column: ColumnElement[Any]) -> bool:
    return bool(getattr(column, "nullable", True))


def _zero(column: ColumnElement[Any]) -> Any:  # noqa: ANN401 - as the column's type
    return _kind(column)()


def _kind(column: ColumnElement[Any]) -> type[Any]:
    decorated = column.type  # a decorated type, such as SQLModel's text, calls itself an object
    kind = decorated.impl_instance if isinstance(decorated, TypeDecorator) else decorated
    return kind.python_type
