"""What the caller may do with what they see."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from server.batches import Wanted
from server.key_lists import among, keys
from server.paging import PARENTS
from server.records.experiments import Experiment
from server.resolvers.context import Context
from server.rows import Layout, Row, keys_of, layout_of
from server.statements import Statement

ACCESS = Layout("Access", ["can_view", "can_export"])


@dataclass(frozen=True, slots=True)
class Accesses:
    """What the actor may do with each of some experiments that they see."""

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
        exportable = frozenset[int]()
        if context.actor.may("export:data"):
            exportable = await _exportable(context, keys_of(sources))
        return [ACCESS.row((True, source.key in exportable)) for source in sources]


async def _exportable(context: Context, experiment_keys: Sequence[int]) -> frozenset[int]:
    actor, layout = context.actor, layout_of(Experiment)
    key = layout.columns["key"]

    def statement() -> Statement:
        return select(key).where(among(key, keys(PARENTS)), actor.may_export(layout))

    prepared = context.db.prepare(("exportable", actor.kind), statement)
    given = {PARENTS: experiment_keys, **actor.parameters}
    return frozenset(key for (key,) in await context.db.fetch(prepared, given))
