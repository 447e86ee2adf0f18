"""How much there is of each data type, from when to when: read off the tallies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import col

from server.batches import Wanted
from server.key_lists import among, keys
from server.paging import PARENTS
from server.records import RecordType
from server.records.tallies import Tally
from server.resolvers.context import Context
from server.rows import Layout, Row, layout_of
from server.statements import Statement

SUMMARY = Layout("DataSummary", ["data_type", "record_count", "first_timestamp", "last_timestamp"])

_TALLY = layout_of(Tally)


@dataclass(frozen=True, slots=True)
class Summaries:
    """One row for each of some data types, for each source."""

    types: tuple[RecordType, ...]

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[list[Row]]:
        context.actor.require(*(each.value.scope for each in self.types))
        parents = [source.key for source in sources]
        found = await summaries(context, sources[0].layout.level, parents)
        nothing = {each: SUMMARY.row((each, 0, None, None)) for each in self.types}
        return [
            [found.get((parent, each), nothing[each]) for each in self.types] for parent in parents
        ]


@dataclass(frozen=True, slots=True)
class AvailableTypes:
    """The types of which each source has any record, of those that the key may read."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[list[RecordType]]:
        found = await summaries(context, sources[0].layout.level, [each.key for each in sources])
        types = [each for each in RecordType if context.actor.may(each.value.scope)]
        return [[each for each in types if (source.key, each) in found] for source in sources]


async def summaries(
    context: Context, level: str, parents: Sequence[int]
) -> Mapping[tuple[int, RecordType], Row]:
    """Summarise all that belongs to some parents, by parent and type; what is not there is not."""
    actor, column = context.actor, _TALLY.columns[f"{level}_key"]

    def statement() -> Statement:
        return (
            select(
                column,
                col(Tally.data_type),
                func.sum(col(Tally.record_count)),
                func.min(col(Tally.first_timestamp)),
                func.max(col(Tally.last_timestamp)),
            )
            .where(among(column, keys(PARENTS)), actor.sees_within(_TALLY))
            .group_by(column, col(Tally.data_type))
        )

    prepared = context.db.prepare(("summaries", level, actor.kind), statement)
    given = {PARENTS: list(dict.fromkeys(parents)), **actor.parameters}
    return {
        (parent, RecordType[name]): SUMMARY.row((RecordType[name], int(count), first, last))
        for parent, name, count, first, last in await context.db.fetch(prepared, given)
    }
