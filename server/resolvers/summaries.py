"""How much there is of each data type, from when to when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from server.batches import Wanted
from server.key_lists import among, keys
from server.paging import PARENTS
from server.records import RecordType
from server.resolvers.context import Context
from server.rows import Layout, Row, layout_of
from server.statements import Statement

SUMMARY = Layout("DataSummary", ["data_type", "record_count", "first_timestamp", "last_timestamp"])


@dataclass(frozen=True, slots=True)
class Summaries:
    """One row for each of some data types, for each source."""

    types: tuple[RecordType, ...]

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[list[Row]]:
        context.actor.require(*(each.value.scope for each in self.types))
        found = {each: await _summaries(context, each, sources) for each in self.types}
        return [
            [found[each].get(source.key, SUMMARY.row((each, 0, None, None))) for each in self.types]
            for source in sources
        ]


@dataclass(frozen=True, slots=True)
class AvailableTypes:
    """The types of which each source has any record, of those that the key may read."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[list[RecordType]]:
        types = tuple(each for each in RecordType if context.actor.may(each.value.scope))
        found = await Summaries(types).load(context, sources, wanted)
        return [[row.data_type for row in rows if row.record_count] for rows in found]


async def _summaries(
    context: Context, data_type: RecordType, sources: Sequence[Row]
) -> Mapping[int, Row]:
    actor, layout = context.actor, layout_of(data_type.value.model)
    level = sources[0].layout.level
    column, moment = layout.columns[f"{level}_key"], layout.columns["timestamp"]

    def statement() -> Statement:
        return (
            select(column, func.count(), func.min(moment), func.max(moment))
            .where(among(column, keys(PARENTS)), actor.sees_within(layout))
            .group_by(column)
        )

    prepared = context.db.prepare(("summary", data_type, level, actor.kind), statement)
    given = {PARENTS: [source.key for source in sources], **actor.parameters}
    rows = await context.db.fetch(prepared, given)
    return {parent: SUMMARY.row((data_type, *rest)) for parent, *rest in rows}
