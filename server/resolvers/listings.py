"""Lists: a page of them, and how long they are, for many parents at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import func, select

from server.batches import Wanted
from server.cursors import PageRequest, SortKey, check_cursors, page_size
from server.errors import BadUserInput
from server.key_lists import among, keys
from server.paging import (
    EXPERIMENTS,
    PARENT,
    PARENTS,
    Page,
    by_parent,
    of_experiments,
    of_parent,
    page_of,
    page_parameters,
    page_statement,
    pages_statement,
)
from server.records import RecordType
from server.records.base import DataType
from server.records.filters import Filter
from server.records.listed import Listed
from server.resolvers.context import Context
from server.resolvers.kept import kept_by, seen
from server.resolvers.own_questions import asked_by, check_order
from server.resolvers.reads import DATA, experiments_of, fetched, layout_to_read, tell
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


async def answerable(context: Context, listing: Listing) -> Listing:
    """Return the list as it is looked for on behalf of the caller; Forbidden as `asked_by`."""
    if listing.listed.model not in DATA or (view := await context.own_view()) is None:
        return listing
    kept = asked_by(view, listing.listed, listing.kept)
    check_order(listing.listed, [key.column for key in listing.order])
    return listing if kept == listing.kept else replace(listing, kept=kept)


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
        request = listing.request("", self.window)  # of what was asked: it tells of nothing hidden
        listing = await answerable(context, listing)
        layout = _layout(context, listing, request, wanted, entry=True)

        def statement() -> Statement:
            clauses = [seen(actor, layout), *kept_by(listing.kept, actor, layout)]
            return page_statement(layout, actor.shown(layout), request, clauses)

        shape = "all", listing, _shape(request), layout, actor.kind
        given = {**page_parameters(layout, request), **actor.parameters}
        rows = await fetched(context, layout, context.db.prepare(shape, statement), given)
        page = page_of(layout, rows, request, kin=(listing, "", ()))
        tell(context, layout, page.values, entry=True)
        return [page] * len(sources)


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
        listing = await answerable(context, listing)
        layout = _layout(context, listing, request, wanted)
        parents = keys_of(sources)
        context.meter.foresee(request.limit * len(parents))
        for parent in parents:
            check_cursors(request, parent)
        one = len(parents) == 1
        experiments = experiments_of(context, layout, sources)

        def statement() -> Statement:
            clauses = [actor.sees_within(layout), *kept_by(listing.kept, actor, layout)]
            shown = actor.shown(layout)
            there = [of_experiments(layout)] if experiments else []
            if one:
                clauses.append(of_parent(layout, f"{level}_key"))
                return page_statement(layout, shown, request, [*clauses, *there])
            parent, lateral = f"{level}_key", not context.db.raw
            return pages_statement(
                layout, shown, parent, request, clauses, lateral=lateral, partitions=there
            )

        asked = one, bool(experiments), level, listing, _shape(request)
        shape = "within", *asked, layout, actor.kind
        given = {**page_parameters(layout, request), **actor.parameters, EXPERIMENTS: experiments}
        given |= {PARENT: parents[0]} if one else {PARENTS: list(dict.fromkeys(parents))}
        quick = request.limit * len(parents) <= QUICK_ROWS
        prepared = context.db.prepare(shape, statement)
        rows = await fetched(context, layout, prepared, given, quick=quick)
        found = {parents[0]: rows} if one else by_parent(rows, parents)
        kin = listing, level, tuple(experiments)
        pages = [page_of(layout, found[parent], request, parent, kin) for parent in parents]
        for page in pages:
            tell(context, layout, page.values)
        return pages


@dataclass(frozen=True, slots=True)
class TotalCounts:
    """How many rows the whole list of each page has."""

    async def load(
        self, context: Context, sources: Sequence[Page], wanted: Wanted
    ) -> Sequence[int]:
        listing, level, experiments = sources[0].kin
        if not level:
            return [await _count_of_all(context, listing)] * len(sources)
        parents = [page.parent for page in sources if page.parent is not None]
        return await counts_within(context, listing, level, parents, experiments)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of a table belong to each source."""

    listed: Listed

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[int]:
        listing = Listing(self.listed, self.listed.filter())
        level = sources[0].layout.level
        experiments = experiments_of(context, layout_of(self.listed.model), sources)
        return await counts_within(context, listing, level, keys_of(sources), experiments)


async def counts_within(
    context: Context,
    listing: Listing,
    level: str,
    parents: Sequence[int],
    experiments: Sequence[int] = (),
) -> Sequence[int]:
    """Count the rows that belong to each of some parents: records off the tallies, if they do.

    `experiments` are those in whose partitions they lie, if that is known.
    """
    actor = context.actor
    actor.require(*listing.scopes)
    listing = await answerable(context, listing)
    if isinstance(listing.listed, DataType) and listing.kept == listing.listed.filter():
        data_type = RecordType(listing.listed)
        tallied = await tallies(context, level, parents, [data_type])
        found = {parent: count for _, count, parent in tallied}
        return [found.get(key, 0) for key in parents]
    layout = layout_of(listing.listed.model)
    column = layout.columns[f"{level}_key"]

    def statement() -> Statement:
        clauses = [actor.sees_within(layout), *kept_by(listing.kept, actor, layout)]
        if experiments:
            clauses.append(of_experiments(layout))
        return (
            select(column, func.count())
            .where(among(column, keys(PARENTS)), *clauses)
            .group_by(column)
        )

    shape = "count", bool(experiments), level, listing, actor.kind
    prepared = context.db.prepare(shape, statement)
    given = {PARENTS: list(dict.fromkeys(parents)), **actor.parameters, EXPERIMENTS: experiments}
    found = {parent: count for parent, count in await context.db.fetch(prepared, given)}  # noqa: C416 - rows are sequences
    return [found.get(key, 0) for key in parents]


async def _count_of_all(context: Context, listing: Listing) -> int:
    actor, layout = context.actor, layout_of(listing.listed.model)
    listing = await answerable(context, listing)

    def statement() -> Statement:
        clauses = [seen(actor, layout), *kept_by(listing.kept, actor, layout)]
        return select(func.count()).select_from(listing.listed.model).where(*clauses)

    prepared = context.db.prepare(("count of all", listing, actor.kind), statement)
    [[count]] = await context.db.fetch(prepared, actor.parameters)
    return int(count)


def _layout(
    context: Context,
    listing: Listing,
    request: PageRequest,
    wanted: Wanted,
    *,
    entry: bool = False,
) -> TableLayout:
    if wanted is not None:
        wanted = _with_keys(wanted, request.keys)
    return layout_to_read(context, listing.listed.model, wanted, entry=entry)


@lru_cache(4096)
def _with_keys(wanted: frozenset[str], keys: tuple[SortKey, ...]) -> frozenset[str]:
    return wanted.union(key.column for key in keys)


def _shape(request: PageRequest) -> tuple[object, ...]:
    return request.order, request.backwards, request.after is None, request.before is None
