"""Conditions: what a filter can ask of one column, by what the column holds."""

from abc import abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, false, true

from server.column_types import ByteCount
from server.errors import BadUserInput
from server.records.json_paths import holds, is_empty
from server.records.text_search import contains, starts_with
from server.timestamps import Timestamp

MOST_VALUES = 1000
"""How many values one condition may name: databases take only so many."""

LONGEST_SEARCH = 500
"""How many characters of text one condition may look for within texts."""

Clauses = list[ColumnElement[bool]]
Value = TypeVar("Value", bound=StrEnum)


def storable(text: str) -> str:
    """Return a text that a database can be asked for; ValueError for any other."""
    if "\0" in text:
        raise ValueError("A text in a filter cannot hold the character NUL.")
    return text


Text = Annotated[str, AfterValidator(storable)]


class Condition(BaseModel):
    """What a filter asks of one column."""

    model_config = ConfigDict(frozen=True)

    is_null: bool | None = Field(
        default=None, description="True for only rows without a value, false for only those with."
    )

    def clauses(self, column: ColumnElement[Any]) -> Clauses:
        """Return what must hold of the column."""
        asked = self.asked(column)
        if self.is_null is None:
            return asked
        return [column.is_(None) if self.is_null else column.is_not(None), *asked]

    @abstractmethod
    def asked(self, column: ColumnElement[Any]) -> Clauses:
        """Return what is asked of the column's value."""


class TimestampRange(Condition):
    """A span of absolute time, its end not included."""

    gte: Timestamp | None = Field(default=None, description="At or after this moment.")
    lt: Timestamp | None = Field(default=None, description="Before this moment.")

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        return _between(column, self.gte, self.lt)


class IntRange(Condition):
    """A span of whole numbers, its end not included."""

    gte: int | None = Field(default=None, description="This number or more.")
    lt: int | None = Field(default=None, description="Less than this number.")

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        return _between(column, self.gte, self.lt)


class BigIntRange(Condition):
    """A span of whole numbers that may exceed 32 bits, its end not included."""

    gte: ByteCount | None = Field(default=None, description="This number or more.")
    lt: ByteCount | None = Field(default=None, description="Less than this number.")

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        return _between(column, self.gte, self.lt)


class FloatRange(Condition):
    """A span of numbers, its end not included."""

    gte: float | None = Field(default=None, description="This number or more.")
    lt: float | None = Field(default=None, description="Less than this number.")

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        return _between(column, self.gte, self.lt)


class BooleanMatch(Condition):
    """A truth value."""

    equals: bool | None = Field(default=None, description="Exactly this.")

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        return [] if self.equals is None else [column.is_(true() if self.equals else false())]


class TextIn(Condition):
    """One of some exact texts, such as public ids."""

    in_: tuple[Text, ...] | None = Field(
        default=None, description="Any of these, exactly; at most 1,000."
    )

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        return _among(column, self.in_)


class TextMatch(Condition):
    """A text, as a whole or by what it holds. Searches take upper and lower case alike."""

    equals: Text | None = Field(default=None, description="Exactly this.")
    in_: tuple[Text, ...] | None = Field(
        default=None, description="Any of these, exactly; at most 1,000."
    )
    contains: Text | None = Field(
        default=None,
        description="Holds this somewhere, upper and lower case alike; at most 500 characters.",
    )
    starts_with: Text | None = Field(
        default=None,
        description="Begins with this, upper and lower case alike; at most 500 characters.",
    )

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        asked = _among(column, self.in_)
        if self.equals is not None:
            asked.append(column == self.equals)
        if self.contains is not None:
            asked.append(contains(column, _short("contains", self.contains)))
        if self.starts_with is not None:
            asked.append(starts_with(column, _short("startsWith", self.starts_with)))
        return asked


class TextListMatch(Condition):
    """A list of texts."""

    has: Text | None = Field(default=None, description="One of the list is exactly this.")
    is_empty: bool | None = Field(
        default=None, description="True for only lists of nothing, false for only others."
    )

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        asked = [] if self.has is None else [holds(column, self.has)]
        if self.is_empty is not None:
            asked.append(is_empty(column).is_(true() if self.is_empty else false()))
        return asked


class OneOf(Condition, Generic[Value]):
    """One of some values of a closed set."""

    in_: tuple[Value, ...] | None = Field(default=None, description="Any of these.")

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        return _among(column, self.in_ and tuple(value.value for value in self.in_))


def _between(column: ColumnElement[Any], gte: float | None, lt: float | None) -> Clauses:
    kept = [] if gte is None else [column >= gte]
    return kept if lt is None else [*kept, column < lt]


def _among(column: ColumnElement[Any], values: Sequence[str] | None) -> Clauses:
    if values is None:
        return []
    if len(values) > MOST_VALUES:
        raise BadUserInput(f"Name at most {MOST_VALUES:,} values in `in`.", ["filter"])
    return [column.in_(values)]


def _short(name: str, text: str) -> str:
    if len(text) > LONGEST_SEARCH:
        raise BadUserInput(
            f"`{name}` takes at most {LONGEST_SEARCH} characters; this has {len(text):,}.",
            ["filter"],
        )
    return text
