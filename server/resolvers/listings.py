"""Lists: a page of them, and how long they are, for many parents at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import ColumnElement, func, select

from server.access import Actor
from server.batches import Wanted
from server.cursors import PageRequest, SortKey, check_cursors, page_size
from server.db import Table
from server.errors import BadUserInput
from server.key_lists import among, keys
from server.paging import (
    PARENT,
    PARENTS,
    Page,
    by_parent,
    of_parent,
    page_of,
    page_parameters,
    page_statement,
    pages_statement,
)
from server.records import RecordType
from server.records.api_keys import ApiKey
from server.records.base import DataType
from server.records.export_schedules import ExportSchedule
from server.records.exports import Export
from server.records.filters import Filter
from server.records.listed import Listed
from server.resolvers.context import Context
from server.resolvers.summaries import tallies
from server.rows import Row, TableLayout, keys_of, layout_of
from server.statements import Statement

QUICK_ROWS = 10_000
"""How many rows may be read where other answers wait for it."""


@dataclass(frozen=True, slots=True)
class Window:
    """The four arguments by which Relay asks for a page."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that a field shows: of all rows, or of those that belong to each source."""

    listed: Listed
    kept: Filter
    order: tuple[SortKey, ...] = ()
    scopes: tuple[str, ...] = field(init=False, compare=False)
    """What an API key must be allowed in order to read it."""
    _hash: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scopes", (self.listed.scope, *self.kept.scopes()))
        object.__setattr__(self, "_hash", hash((self.listed, self.kept, self.order)))

    def __hash__(self) -> int:
        return self._hash  # asked for with each statement

    @property
    def sorted_by(self) -> tuple[SortKey, ...]:
        """What the list is sorted by: the first that it can be, unless something is asked for."""
        return self.order or (SortKey(next(iter(self.listed.order)).value),)

    def request(self, level: str, window: Window, most: int | None = None) -> PageRequest:
        """Return which page of the list at a level is asked for; BadUserInput if there is none.

        `most` is how many rows it may have, if not as many as the list allows.
        """
        limit, backwards = page_size(window.first, window.last, most or self.listed.most)
        return PageRequest(
            order=self.sorted_by,
            limit=limit,
            fingerprint=_fingerprint(self, level),
            backwards=backwards,
            after=window.after,
            before=window.before,
        )


@lru_cache(4096)
def _fingerprint(listing: Listing, level: str) -> str:
    if len({key.column for key in listing.order}) < len(listing.order):
        raise BadUserInput("`orderBy` names a field twice.", ["orderBy"])
    asked = listing.kept.model_dump_json(exclude_none=True)
    meant = f"{listing.listed.model.__name__} of {level} {listing.sorted_by} {asked}"
    return sha256(meant.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class PageOfAll:
    """A page of all the rows of a table that the actor may see."""

    listing: Listing
    window: Window

    async def load(
        self, context: Context, sources: Sequence[object], wanted: Wanted
    ) -> Sequence[Page]:
        listing, actor = self.listing, context.actor
        actor.require(*listing.scopes)
        request = listing.request("", self.window)
        layout = _layout(context, listing, request, wanted)

        def statement() -> Statement:
            clauses = [seen(actor, layout), *listing.kept.clauses(layout.columns)]
            return page_statement(layout, actor.shown(layout), request, clauses)

        shape = "all", listing, _shape(request), layout, actor.kind
        given = {**page_parameters(layout, request), **actor.parameters}
        rows = await context.db.fetch(context.db.prepare(shape, statement), given)
        return [page_of(layout, rows, request, kin=(listing, ""))] * len(sources)


@dataclass(frozen=True, slots=True)
class PageWithin:
    """The same page of the rows that belong to each source."""

    listing: Listing
    window: Window
    most: int | None = None

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Page]:
        listing, actor = self.listing, context.actor
        actor.require(*listing.scopes)
        level = sources[0].layout.level
        request = listing.request(level, self.window, self.most)
        layout = _layout(context, listing, request, wanted)
        parents = keys_of(sources)
        for parent in parents:
            check_cursors(request, parent)
        one = len(parents) == 1

        def statement() -> Statement:
            clauses = [actor.sees_within(layout), *listing.kept.clauses(layout.columns)]
            shown = actor.shown(layout)
            if one:
                clauses.append(of_parent(layout, f"{level}_key"))
                return page_statement(layout, shown, request, clauses)
            parent, lateral = f"{level}_key", not context.db.raw
            return pages_statement(layout, shown, parent, request, clauses, lateral=lateral)

        shape = "within", one, level, listing, _shape(request), layout, actor.kind
        given = {**page_parameters(layout, request), **actor.parameters}
        given |= {PARENT: parents[0]} if one else {PARENTS: list(dict.fromkeys(parents))}
        quick = request.limit * len(parents) <= QUICK_ROWS
        rows = await context.db.fetch(context.db.prepare(shape, statement), given, quick=quick)
        found = {parents[0]: rows} if one else by_parent(rows, parents)
        kin = listing, level
        return [page_of(layout, found[parent], request, parent, kin) for parent in parents]


@dataclass(frozen=True, slots=True)
class TotalCounts:
    """How many rows the whole list of each page has."""

    async def load(
        self, context: Context, sources: Sequence[Page], wanted: Wanted
    ) -> Sequence[int]:
        listing, level = sources[0].kin
        if not level:
            return [await _count_of_all(context, listing)] * len(sources)
        parents = [page.parent for page in sources if page.parent is not None]
        return await counts_within(context, listing, level, parents)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of a table belong to each source."""

    listed: Listed

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[int]:
        listing = Listing(self.listed, self.listed.filter())
        level = sources[0].layout.level
        return await counts_within(context, listing, level, keys_of(sources))


async def counts_within(
    context: Context, listing: Listing, level: str, parents: Sequence[int]
) -> Sequence[int]:
    """Count the rows that belong to each of some parents: records off the tallies, if they do."""
    actor = context.actor
    actor.require(*listing.scopes)
    if isinstance(listing.listed, DataType) and listing.kept == listing.listed.filter():
        data_type = RecordType(listing.listed)
        tallied = await tallies(context, level, parents, [data_type])
        found = {parent: count for _, count, parent in tallied}
        return [found.get(key, 0) for key in parents]
    layout = layout_of(listing.listed.model)
    column = layout.columns[f"{level}_key"]

    def statement() -> Statement:
        clauses = [actor.sees_within(layout), *listing.kept.clauses(layout.columns)]
        return (
            select(column, func.count())
            .where(among(column, keys(PARENTS)), *clauses)
            .group_by(column)
        )

    prepared = context.db.prepare(("count", level, listing, actor.kind), statement)
    given = {PARENTS: list(dict.fromkeys(parents)), **actor.parameters}
    found = {parent: count for parent, count in await context.db.fetch(prepared, given)}  # noqa: C416 - rows are sequences
    return [found.get(key, 0) for key in parents]


async def _count_of_all(context: Context, listing: Listing) -> int:
    actor, layout = context.actor, layout_of(listing.listed.model)

    def statement() -> Statement:
        clauses = [seen(actor, layout), *listing.kept.clauses(layout.columns)]
        return select(func.count()).select_from(listing.listed.model).where(*clauses)

    prepared = context.db.prepare(("count of all", listing, actor.kind), statement)
    [[count]] = await context.db.fetch(prepared, actor.parameters)
    return int(count)


def seen(actor: Actor, layout: TableLayout) -> ColumnElement[bool]:
    """Return the clause that keeps what the actor may see of a table."""
    return _SEEN.get(layout.model, Actor.sees)(actor, layout)


_SEEN: Mapping[type[Table], Callable[[Actor, TableLayout], ColumnElement[bool]]] = {
    Export: Actor.sees_exports,
    ExportSchedule: Actor.sees_exports,
    ApiKey: Actor.holds,
}
"""What is not seen by all who see the experiment it is about."""


def _layout(
    context: Context, listing: Listing, request: PageRequest, wanted: Wanted
) -> TableLayout:
    if wanted is not None:
        wanted = _with_keys(wanted, request.keys)
    return layout_of(listing.listed.model, wanted, raw=context.db.raw)


@lru_cache(4096)
def _with_keys(wanted: frozenset[str], keys: tuple[SortKey, ...]) -> frozenset[str]:
    return wanted.union(key.column for key in keys)


def _shape(request: PageRequest) -> tuple[object, ...]:
    return request.order, request.backwards, request.after is None, request.before is None
