"""An order and a place in it, as SQL: what to sort by, and what lies beyond a cursor."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    TypeDecorator,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import String

from server.cursors import UNENDING, UNREADABLE, PageRequest, SortKey, read_cursor
from server.errors import InvalidCursor
from server.rows import TableLayout


class _ByCodePoint(FunctionElement[str]):
    """A text that is compared by its code points, whatever the language of the database."""

    type = String()
    inherit_cache = True


@compiles(_ByCodePoint)
def _as_it_is(element: _ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return compiler.process(element.clauses, **options)


@compiles(_ByCodePoint, "postgresql")
def _collated(element: _ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


def ordering(layout: TableLayout, request: PageRequest) -> list[ColumnElement[Any]]:
    """Return what a page's statement sorts by."""
    return [
        term.desc() if descending != request.backwards else term.asc()
        for term, descending in _terms(layout, request)
    ]


def beyond(
    layout: TableLayout, request: PageRequest, place: Sequence[Any], *, towards_end: bool
) -> ColumnElement[bool]:
    """Return the clause that a row lies on one side of a place: values, or parameters for them.

    Terms of one direction are compared as a row value, which an index can seek: the same written
    with OR was measured hundreds of times slower. Mixed directions leave no choice, but the first
    term bounds them all.
    """
    terms = _terms(layout, request)
    ascending = [descending != towards_end for _, descending in terms]
    if len(set(ascending)) == 1:
        here, there = tuple_(*(term for term, _ in terms)), tuple_(*place)
        return here > there if ascending[0] else here < there
    first = terms[0][0]
    return and_(
        first >= place[0] if ascending[0] else first <= place[0],
        or_(
            *(
                and_(
                    *(t == p for (t, _), p in zip(terms[:i], place[:i], strict=True)),
                    term > place[i] if ascending[i] else term < place[i],
                )
                for i, (term, _) in enumerate(terms)
            )
        ),
    )


def _terms(layout: TableLayout, request: PageRequest) -> list[tuple[ColumnElement[Any], bool]]:
    """Return what to sort by and whether descending; a nullable column is two terms, never null."""
    terms: list[tuple[ColumnElement[Any], bool]] = []
    for key in request.keys:
        column = layout.columns[key.column]
        if _nullable(column):
            terms.append((case((column.is_(None), 1), else_=0), key.descending))
            column = func.coalesce(column, _zero(column))
        if _kind(column) is str:
            column = _ByCodePoint(column)
        terms.append((column, key.descending))
    return terms


def places(layout: TableLayout, request: PageRequest, name: str) -> list[BindParameter[Any]]:
    """Return parameters for a place that each run gives, called `after_0` and so on."""
    return [
        bindparam(f"{name}_{i}", type_=term.type, required=False)
        for i, (term, _) in enumerate(_terms(layout, request))
    ]


def place_of(layout: TableLayout, request: PageRequest, cursor: str) -> list[Any]:
    """Return a cursor's place as the values of the terms; InvalidCursor if they cannot be."""
    place: list[Any] = []
    for key, value in zip(request.keys, read_cursor(request, cursor)[1], strict=True):
        column = layout.columns[key.column]
        if _nullable(column):
            place.append(int(value is None))
            if value is None:
                place.append(_kind(column)())
                continue
        place.append(_read(_kind(column), value))
    return place


@lru_cache(1024)
def are_whole(layout: TableLayout, keys: tuple[SortKey, ...]) -> bool:
    """Say whether all that is sorted by are whole numbers, never null."""
    columns = [layout.columns[key.column] for key in keys]
    return all(_kind(column) is int and not _nullable(column) for column in columns)


def _read(kind: type[Any], value: object) -> object:
    """Return a cursor's value as the column's kind; InvalidCursor if it cannot be."""
    if kind is float and (type(value) in (int, float) or value in UNENDING):
        return float(str(value))
    if kind is bool and type(value) is int and value in (0, 1):
        return bool(value)  # as SQLite has it
    if type(value) is not kind or (type(value) is int and not -(1 << 63) <= value < 1 << 63):
        raise InvalidCursor(UNREADABLE)
    return value


def _nullable(column: ColumnElement[Any]) -> bool:
    return bool(getattr(column, "nullable", True))


def _zero(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return literal(_kind(column)(), column.type)


def _kind(column: ColumnElement[Any]) -> type[Any]:
    decorated = column.type  # a decorated type, such as SQLModel's text, calls itself an object
    kind = decorated.impl_instance if isinstance(decorated, TypeDecorator) else decorated
    return kind.python_type
