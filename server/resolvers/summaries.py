"""How much there is of each data type, from when to when: read off the tallies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel
from sqlalchemy import BigInteger, ColumnElement, SQLColumnExpression, cast, func, select
from sqlmodel import col

from server.batches import Wanted
from server.key_lists import among, keys
from server.paging import PARENTS
from server.records import RecordType
from server.records.tallies import Tally
from server.resolvers.context import Context
from server.resolvers.quality.completeness import Received, completeness
from server.rows import Layout, Row, Rows, keys_of, layout_of
from server.statements import Statement

_NAMES = ["data_type", "record_count", "first_timestamp", "last_timestamp"]
_EXPECTED = ["completeness", "expected_count"]
_READERS = [RecordType.__getitem__, None, None, None]
WHOLE = Layout("DataSummary", [*_NAMES, *_EXPECTED], readers=[*_READERS, None, None])
SUMMARY = Layout("DataSummary", _NAMES, readers=_READERS)
COUNT = Layout("DataSummary", _NAMES[:2], readers=_READERS[:2])
"""What a summary is if nobody asks from when to when."""

_TALLY = layout_of(Tally)


@dataclass(frozen=True, slots=True)
class Summaries:
    """One row for each of some data types, for each source."""

    types: tuple[RecordType, ...]

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Rows]:
        context.actor.require(*(each.value.scope for each in self.types))
        parents = keys_of(sources)
        place = {each.name: place for place, each in enumerate(self.types)}
        nothing: list[Sequence[Any]] = [(name, 0, None, None) for name in place]
        found = {parent: nothing.copy() for parent in parents}
        expects = _is_expected(context, wanted)
        ends = wanted is None or expects or not wanted.isdisjoint(_NAMES[2:])
        level = sources[0].layout.level
        for tally in await tallies(context, level, parents, self.types, ends=ends):
            found[tally[-1]][place[tally[0]]] = tally
        if expects:
            share = await completeness(context, level, parents, self.types)
            for parent, rows in found.items():
                rows[:] = [_whole(row, share.get((parent, RecordType[row[0]]))) for row in rows]
            return [Rows(WHOLE, found[parent]) for parent in parents]
        layout = SUMMARY if ends else COUNT
        return [Rows(layout, found[parent]) for parent in parents]


def _is_expected(context: Context, wanted: Wanted) -> bool:
    """Say whether it is asked how much was expected: that costs more than to read a tally."""
    if wanted is None:
        return any(context.names(to_camel(name)) for name in _EXPECTED)
    return not wanted.isdisjoint(_EXPECTED)


def _whole(summary: Sequence[Any], received: Received | None) -> Sequence[Any]:
    """Return a summary with what was expected."""
    expected = (None, None) if received is None else (received.share, received.expected)
    return *summary[:4], *expected


@dataclass(frozen=True, slots=True)
class AvailableTypes:
    """The types of which each source has any record, of those that the key may read."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[list[RecordType]]:
        types = [each for each in RecordType if context.actor.may(each.value.scope)]
        parents = keys_of(sources)
        tallied = await tallies(context, sources[0].layout.level, parents, types)
        found = {(parent, name) for name, _, parent in tallied}
        return [[each for each in types if (parent, each.name) in found] for parent in parents]


async def tallies(
    context: Context,
    level: str,
    parents: Sequence[int],
    types: Sequence[RecordType],
    *,
    ends: bool = False,
) -> Sequence[Sequence[Any]]:
    """Return type's name and count, first and last time if wanted, and parent; no row for none.

    A participant has one tally a type; what is above adds up those of its participants.
    """
    actor, column = context.actor, _TALLY.columns[f"{level}_key"]
    count, first, last = (
        col(Tally.record_count),
        col(Tally.first_timestamp),
        col(Tally.last_timestamp),
    )

    def statement() -> Statement:
        is_one = level == "participant"
        shown = [col(Tally.data_type), count if is_one else _sum(count)]
        if ends:
            shown += [first, last] if is_one else [func.min(first), func.max(last)]
        shown.append(column)
        kept = [among(column, keys(PARENTS)), actor.sees_within(_TALLY)]
        if len(types) < len(RecordType):
            kept.append(col(Tally.data_type).in_([each.name for each in types]))
        found = select(*shown).where(*kept)
        return found if is_one else found.group_by(column, col(Tally.data_type))

    prepared = context.db.prepare(("tallies", level, tuple(types), ends, actor.kind), statement)
    given = {PARENTS: list(dict.fromkeys(parents)), **actor.parameters}
    return await context.db.fetch(prepared, given)


def _sum(count: SQLColumnExpression[int]) -> ColumnElement[int]:
    return cast(func.sum(count), BigInteger)  # PostgreSQL adds up to a NUMERIC
