"""Whose records are examined: those participants of some places whom the caller may see."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    case,
    cast,
    func,
    inspect,
    literal,
    null,
    select,
)
from sqlalchemy.sql.selectable import NamedFromClause

from server.access import Actor, key_of
from server.db import Table
from server.key_lists import among, keys
from server.paging import PARENTS
from server.records import RecordType
from server.records.participants import Participant
from server.records.tallies import Tally
from server.rows import layout_of

Alias: TypeAlias = NamedFromClause[Any]
"""A table under a name of its own."""

AnySelect: TypeAlias = Select[*tuple[Any, ...]]
"""A statement, whatever it returns."""

_PARTICIPANT = layout_of(Participant)
_TALLY = layout_of(Tally)


@dataclass(frozen=True, slots=True)
class Examined:
    """The participants of each of some places, such as rooms: the parameter PARENTS.

    Rights are asked here, and nowhere else in a check: of its participants, those whom the actor
    sees, and of them those of whom the actor sees every type that the check reads.
    """

    actor: Actor
    level: str
    types: Sequence[RecordType]

    @property
    def kind(self) -> Hashable:
        """What the text of a statement depends on, besides the check."""
        return self.level, self.actor.kind, tuple(self._scoped)

    @property
    def _scoped(self) -> list[RecordType]:
        return [each for each in RecordType if self.actor.may(each.value.scope)]

    def keys(self) -> Select[*tuple[Any, ...]]:
        """Select the keys of the participants."""
        return (
            select(_PARTICIPANT.columns["key"])
            .where(
                among(key_of(_PARTICIPANT, self.level), keys(PARENTS)),
                self.actor.sees_within(_PARTICIPANT),
                *(self.actor.sees_type(_PARTICIPANT, each) for each in self.types),
            )
            .correlate(None)
        )

    def of(self, row: Any) -> ColumnElement[bool]:  # noqa: ANN401 - whatever has columns
        """Return the clause that keeps the rows of the participants."""
        theirs: ColumnElement[bool] = row.c.participant_key.in_(self.keys())
        return theirs

    def rows(self, data_type: RecordType, name: str | None = None) -> Alias:
        """Return the table of a data type, to select from."""
        return table(data_type.value.model, name)

    def place_of(self, participant: Alias) -> ColumnElement[Any]:
        """Return the key of the place to which a participant belongs."""
        column: ColumnElement[Any] = participant.c[
            "id" if self.level == "participant" else f"{self.level}_key"
        ]
        return column

    def last_sign(self, participant_key: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return when the last record came from a participant, of the types that are read."""
        return self._last(participant_key, self.types)

    def last_sign_of_all(self, participant_key: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return when the last record came from a participant, of all types that are seen."""
        return self._last(participant_key, self._scoped, self.actor.sees_within(_TALLY))

    @staticmethod
    def _last(
        participant_key: ColumnElement[Any],
        types: Sequence[RecordType],
        *seen: ColumnElement[bool],
    ) -> ColumnElement[Any]:
        return (
            select(func.max(_TALLY.columns["last_timestamp"]))
            .where(
                _TALLY.columns["participant_key"] == participant_key,
                _TALLY.columns["data_type"].in_([each.name for each in types]),
                *seen,
            )
            .scalar_subquery()
        )

    def found(
        self,
        rows: Subquery,
        count: ColumnElement[Any],
        first: ColumnElement[Any] | None,
        last: ColumnElement[Any] | None,
        detail: ColumnElement[Any] | None = None,
    ) -> AnySelect:
        """Select what was found, in the form in which a check tells it, of rows by participant."""
        participant = table(Participant)
        return select(
            self.place_of(participant).label("place"),
            participant.c.id.label("participant_key"),
            cast(count, BigInteger).label("affected_count"),
            (null() if first is None else cast(first, BigInteger)).label("first_at"),
            (null() if last is None else cast(last, BigInteger)).label("last_at"),
            (null() if detail is None else detail).label("detail"),
        ).join_from(rows, participant, participant.c.id == rows.c.participant_key)


def table(model: type[Table], name: str | None = None) -> Alias:
    """Return a table to select from, under a name of its own."""
    named: Alias = inspect(model).local_table.alias(name)
    return named


def earlier(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the smaller of two numbers; the other if the one is null."""
    return case((one < other, one), else_=other)


def moment(value: int) -> ColumnElement[Any]:
    """Return a moment as SQL."""
    return literal(value, BigInteger())
