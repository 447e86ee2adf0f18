"""What the caller may do with what they see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from server.access import Actor
from server.batches import Wanted
from server.key_lists import among, keys
from server.paging import PARENTS, Page
from server.records.audit import AuditAction
from server.records.experiments import Experiment
from server.resolvers.context import Context
from server.resolvers.listings import PageWithin
from server.rows import Layout, Row, TableLayout, keys_of, layout_of
from server.statements import Statement

ACCESS = Layout("Access", ["can_view", "can_export"])


@dataclass(frozen=True, slots=True)
class Accesses:
    """What the actor may do with each of some experiments that they see."""

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
        exportable = frozenset[int]()
        if context.actor.may("export:data"):
            exportable = await those(context, keys_of(sources), Actor.may_export)
        return [ACCESS.row((True, source.key in exportable)) for source in sources]


@dataclass(frozen=True, slots=True)
class OwnersPage:
    """A page of what belongs to each experiment; None to all but its owner and administrators.

    `action` is what the audit log calls it to read one.
    """

    page: PageWithin
    action: AuditAction | None = None

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Page | None]:
        context.actor.require(*self.page.listing.scopes)
        owned = await those(context, keys_of(sources), Actor.owns)
        theirs = [source for source in sources if source.key in owned]
        pages = iter(await self.page.load(context, theirs, wanted) if theirs else ())
        if self.action is not None:
            context.reads.update((self.action, key) for key in owned)
        return [next(pages) if source.key in owned else None for source in sources]


async def those(
    context: Context,
    experiment_keys: Sequence[int],
    may: Callable[[Actor, TableLayout], ColumnElement[bool]],
) -> frozenset[int]:
    """Return with which of some experiments the actor may do something."""
    actor, layout = context.actor, layout_of(Experiment)
    key = layout.columns["key"]

    def statement() -> Statement:
        return select(key).where(among(key, keys(PARENTS)), may(actor, layout))

    prepared = context.db.prepare((may.__name__, actor.kind), statement)
    given = {PARENTS: experiment_keys, **actor.parameters}
    return frozenset(key for (key,) in await context.db.fetch(prepared, given))
