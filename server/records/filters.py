"""Filters: which rows to keep. Connections, exports and subscriptions take the same ones.

A filter is frozen, so that it can be part of a dataloader's key. A field left out keeps every
row; fields combine with AND. Each field bears the name of the column it looks at.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement

from server.errors import BadUserInput
from server.timestamps import Timestamp

MOST_VALUES = 1000
"""How many values one condition may name: databases take only so many."""


class Condition(BaseModel):
    """What a filter asks of one column."""

    model_config = ConfigDict(frozen=True)

    @abstractmethod
    def clauses(self, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Return what must hold of the column."""


class TimestampRange(Condition):
    """A span of absolute time, its end not included."""

    gte: Timestamp | None = Field(default=None, description="At or after this moment.")
    lt: Timestamp | None = Field(default=None, description="Before this moment.")

    def clauses(self, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        return _between(column, self.gte, self.lt)


class IntRange(Condition):
    """A span of whole numbers, its end not included."""

    gte: int | None = Field(default=None, description="This number or more.")
    lt: int | None = Field(default=None, description="Less than this number.")

    def clauses(self, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        return _between(column, self.gte, self.lt)


class TextIn(Condition):
    """One of some exact texts, such as public ids."""

    in_: tuple[str, ...] | None = Field(default=None, description="Any of these, exactly.")

    def clauses(self, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        if self.in_ is None:
            return []
        if len(self.in_) > MOST_VALUES:
            raise BadUserInput(f"Name at most {MOST_VALUES:,} values in `in`.", ["filter"])
        return [column.in_(self.in_)]


class Filter(BaseModel):
    """Which rows of a table to keep."""

    model_config = ConfigDict(frozen=True)

    def clauses(self, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        """Return what must hold of a row, given its table's columns by name."""
        return [
            clause
            for name in type(self).model_fields
            if isinstance(condition := getattr(self, name), Condition)
            for clause in self.asked_of(name, condition, columns)
        ]

    def asked_of(
        self, name: str, condition: Condition, columns: Mapping[str, ColumnElement[Any]]
    ) -> list[ColumnElement[bool]]:
        """Return what a field asks: by default, of the column of its name."""
        return condition.clauses(columns[name])


def _between(
    column: ColumnElement[Any], gte: int | None, lt: int | None
) -> list[ColumnElement[bool]]:
    kept = [] if gte is None else [column >= gte]
    return kept if lt is None else [*kept, column < lt]
