"""Checks: what must hold of a record. Declared with the data, and asked in two ways.

Of a record that comes in (`Check.passes`), and of those that are stored, in SQL (`Check.broken`):
so what is refused on the way in is what a quality report would name. A check passes where a value
it looks at is missing: what must be there is said by the column itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel
from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, func, inspect, or_
from sqlmodel import SQLModel

from server.column_types import JsonType
from server.db import Table
from server.records.numbers import calculable, number_in
from server.timestamps import now

EXPERIMENT_START = "experiment_start"
"""The name under which checks find the time zero of the record's room, beside its own columns."""

NOW = "now"
"""The parameter of `broken` clauses that is the present moment: clauses are kept compiled."""

EARLIEST = 946_684_800_000
"""2000-01-01: a clock that says less was never set."""

MOST_AHEAD_MS = 86_400_000
"""How far ahead of ours a clock may be: a day, as for one that is in the wrong time zone."""

MOST_DISAGREEMENT_MS = 60_000
"""How far an onset may be from what timestamp and experiment start say."""

_MOST_DRIFT = 1e-9
"""How far from a range a number may be by rounding alone, in parts of the range."""

Record = Mapping[str, Any]
Columns = Mapping[str, ColumnElement[Any]]


@dataclass(frozen=True)
class Check(ABC):
    """Something that must hold of each record.

    field  the column at fault, if it does not
    """

    field: str

    @property
    @abstractmethod
    def code(self) -> str:
        """What a program knows a breach by."""

    @property
    @abstractmethod
    def sentence(self) -> str:
        """What must hold, for people, in the names of the API."""

    @abstractmethod
    def passes(self, record: Record) -> bool:
        """Say whether it holds of a record: values by column, moments in ms."""

    @abstractmethod
    def broken(self, columns: Columns) -> ColumnElement[bool]:
        """Return the clause that keeps the stored records of which it does not hold."""


@dataclass(frozen=True)
class InRange(Check):
    """A number lies in a range, both ends included; None for no end."""

    least: float | None
    most: float | None

    @property
    def code(self) -> str:
        return "OUT_OF_RANGE"

    @property
    def sentence(self) -> str:
        name = to_camel(self.field)
        if self.most is None:
            return f"`{name}` must be at least {self.least:g}."
        if self.least is None:
            return f"`{name}` must be at most {self.most:g}."
        return f"`{name}` must be from {self.least:g} to {self.most:g}."

    def passes(self, record: Record) -> bool:
        if (value := record.get(self.field)) is None:
            return True
        if self.least is not None and value < self.least:
            return False
        return self.most is None or bool(value <= self.most)

    def broken(self, columns: Columns) -> ColumnElement[bool]:
        column = columns[self.field]
        ends: list[ColumnElement[bool]] = []
        if self.least is not None:
            ends.append(column < self.least)
        if self.most is not None:
            ends.append(column > self.most)
        return or_(*ends)


@dataclass(frozen=True)
class NotBefore(Check):
    """A moment is not before another one."""

    other: str

    @property
    def code(self) -> str:
        return "ENDS_BEFORE_START"

    @property
    def sentence(self) -> str:
        return f"`{to_camel(self.field)}` must not be before `{to_camel(self.other)}`."

    def passes(self, record: Record) -> bool:
        end, start = record.get(self.field), record.get(self.other)
        return end is None or start is None or end >= start

    def broken(self, columns: Columns) -> ColumnElement[bool]:
        return columns[self.field] < columns[self.other]


@dataclass(frozen=True)
class OnScale(Check):
    """A number lies on the scale that the record itself names, whichever way it runs."""

    @property
    def code(self) -> str:
        return "OFF_SCALE"

    @property
    def sentence(self) -> str:
        return f"`{to_camel(self.field)}` must be from `scaleMin` to `scaleMax`."

    def passes(self, record: Record) -> bool:
        value, low, high = record.get(self.field), record.get("scale_min"), record.get("scale_max")
        if low is None or high is None or isinstance(value, bool | None):
            return True
        if not isinstance(value, int | float):
            return True  # a text, or a list
        low, high = min(low, high), max(low, high)
        slack = (high - low) * _MOST_DRIFT
        return bool(low - slack <= value <= high + slack)

    def broken(self, columns: Columns) -> ColumnElement[bool]:
        value = columns[self.field]
        low, high = (calculable(columns[name]) for name in ("scale_min", "scale_max"))
        if isinstance(value.type, JsonType):
            value = number_in(value)
        slack = func.abs(high - low) * _MOST_DRIFT
        under = (value < low - slack) & (value < high - slack)
        over = (value > low + slack) & (value > high + slack)
        is_outside = (value < columns["scale_min"]) | (value > columns["scale_max"])
        return is_outside & (under | over)  # the first, which most are not, costs little


@dataclass(frozen=True)
class PlausibleTime(Check):
    """The clock was set: neither before EARLIEST nor more than a day ahead of ours."""

    field: str = "timestamp"

    @property
    def code(self) -> str:
        return "IMPLAUSIBLE_TIME"

    @property
    def sentence(self) -> str:
        return f"`{to_camel(self.field)}` must be after 1999, and not more than a day from now."

    def passes(self, record: Record) -> bool:
        return bool(EARLIEST <= record[self.field] <= now() + MOST_AHEAD_MS)

    def broken(self, columns: Columns) -> ColumnElement[bool]:
        moment = columns[self.field]
        latest = bindparam(NOW, now(), BigInteger()) + MOST_AHEAD_MS
        return or_(moment < EARLIEST, moment > latest)


@dataclass(frozen=True)
class OnsetAgrees(Check):
    """The onset is what the timestamp and the room's experiment start say, or close to it."""

    field: str = "onset"

    @property
    def code(self) -> str:
        return "ONSET_DISAGREES"

    @property
    def sentence(self) -> str:
        return (
            "`onset` must be `timestamp` less the room's experiment start, to within "
            f"{MOST_DISAGREEMENT_MS // 1000} s: leave it out to have it calculated."
        )

    def passes(self, record: Record) -> bool:
        start = record.get(EXPERIMENT_START)
        if start is None:
            return True
        return bool(abs(record["onset"] - (record["timestamp"] - start)) <= MOST_DISAGREEMENT_MS)

    def broken(self, columns: Columns) -> ColumnElement[bool]:
        onset = cast(columns["onset"], BigInteger)
        away = onset - (columns["timestamp"] - columns[EXPERIMENT_START])
        return func.abs(away) > MOST_DISAGREEMENT_MS


def declared_checks(model: type[Table], base: type[SQLModel]) -> Iterator[Check]:
    """Return what the columns of a table say of their own values: their ranges."""
    columns = inspect(model).columns
    for name in base.model_fields:
        least, most = columns[name].info.get("least"), columns[name].info.get("most")
        if least is not None or most is not None:
            yield InRange(name, least, most)
