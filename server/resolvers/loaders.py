"""Dataloaders: each turns the loads of one tick into one statement."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiodataloader import DataLoader
from sqlalchemy import func, select

from server.access import Actor
from server.cursors import PageRequest
from server.db import Database, Stored
from server.key_lists import among
from server.paging import Page, pages_by_parent
from server.records.filters import Filter
from server.rows import Row, layout_of
from server.timestamps import Timestamp

AnyLoader = TypeVar("AnyLoader", bound=DataLoader[Any, Any])


@dataclass(frozen=True, slots=True)
class PageKey:
    """Which page of which parent's rows."""

    parent_key: int
    request: PageRequest
    filter: Filter


@dataclass(frozen=True, slots=True)
class CountKey:
    """Which of a parent's rows to count."""

    parent_key: int
    filter: Filter


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows a parent has, and when the first and the last of them happened."""

    count: int = 0
    first: Timestamp | None = None
    last: Timestamp | None = None


class _Batch(DataLoader[Any, Any]):
    """What the loaders share: the tables they read, and for whom."""

    def __init__(self, db: Database, actor: Actor, model: type[Stored], parent: str) -> None:
        super().__init__()
        self.db = db
        self.layout = layout_of(model)
        self.parent = parent
        self.column = self.layout.columns[parent]
        self.actor = actor
        self.rights = actor.sees_within(self.layout)

    def load(self, key: Any) -> asyncio.Future[Any]:  # noqa: ANN401 - each loader has its own
        # Others may wait for the same answer: who is cancelled, beside a failure, must not end it.
        return asyncio.shield(super().load(key))


class Pages(_Batch):
    """Pages of a table, batched over the parents that ask for the same page."""

    async def batch_load_fn(self, keys: Sequence[PageKey]) -> list[Page]:
        asked = defaultdict[tuple[PageRequest, Filter], list[int]](list)
        for key in keys:
            asked[key.request, key.filter].append(key.parent_key)
        pages: dict[PageKey, Page] = {}
        async with self.db.read() as tx:
            for (request, kept), parents in asked.items():
                where = [self.rights, *kept.clauses(self.layout.columns)]
                found = await pages_by_parent(tx, self.layout, self.parent, parents, request, where)
                pages |= {PageKey(parent, request, kept): page for parent, page in found.items()}
        return [pages[key] for key in keys]


class Counts(_Batch):
    """How many rows each parent has, batched over the parents that ask with the same filter."""

    async def batch_load_fn(self, keys: Sequence[CountKey]) -> list[int]:
        asked = defaultdict[Filter, list[int]](list)
        for key in keys:
            asked[key.filter].append(key.parent_key)
        counts: dict[CountKey, int] = {}
        async with self.db.read() as tx:
            for kept, parents in asked.items():
                statement = (
                    select(self.column, func.count())
                    .where(
                        among(self.column, parents),
                        self.rights,
                        *kept.clauses(self.layout.columns),
                    )
                    .group_by(self.column)
                )
                found = await tx.execute(statement)
                counts |= {CountKey(parent, kept): count for parent, count in found}
        return [counts.get(key, 0) for key in keys]


class Summaries(_Batch):
    """Count, first and last moment of each parent's records."""

    async def batch_load_fn(self, keys: Sequence[int]) -> list[Summary]:
        moment = self.layout.columns["timestamp"]
        statement = (
            select(self.column, func.count(), func.min(moment), func.max(moment))
            .where(among(self.column, keys), self.rights)
            .group_by(self.column)
        )
        async with self.db.read() as tx:
            rows = (await tx.execute(statement)).all()
        found = {parent: Summary(count, first, last) for parent, count, first, last in rows}
        return [found.get(key, Summary()) for key in keys]


class ByKey(_Batch):
    """Rows by a unique column: what something belongs to."""

    async def batch_load_fn(self, keys: Sequence[int]) -> list[Row | None]:
        statement = select(*self.layout.selected).where(among(self.column, keys), self.rights)
        async with self.db.read() as tx:
            rows = [self.layout.row(values) for values in await tx.execute(statement)]
        found: Mapping[int, Row] = {getattr(row, self.parent): row for row in rows}
        return [found.get(key) for key in keys]


class Exportable(_Batch):
    """Whether the actor may take away what belongs to each key."""

    async def batch_load_fn(self, keys: Sequence[int]) -> list[bool]:
        statement = select(self.column).where(
            among(self.column, keys), self.actor.may_export(self.layout)
        )
        async with self.db.read() as tx:
            found = set(await tx.scalars(statement))
        return [key in found for key in keys]


class Loaders:
    """The loaders of one request. A loader remembers, so it must not outlive its request."""

    def __init__(self, db: Database, actor: Actor) -> None:
        self._db = db
        self._actor = actor
        self._made: dict[object, Any] = {}

    def get(
        self,
        loader: Callable[[Database, Actor, type[Stored], str], AnyLoader],
        model: type[Stored],
        parent: str,
    ) -> AnyLoader:
        """Return the request's loader of a kind for a table, keyed by one of its columns."""
        made: AnyLoader | None = self._made.get((loader, model, parent))
        if made is None:
            made = self._made[loader, model, parent] = loader(self._db, self._actor, model, parent)
        return made
