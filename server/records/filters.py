"""Filters: which rows to keep. Connections, exports and subscriptions take the same ones.

A filter is frozen, so that it can be part of a dataloader's key. A field left out keeps every
row; fields combine with AND. Each field bears the name of the column it looks at, and its
description unless it has one of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, false, or_, select, true

from server.errors import BadUserInput
from server.records.conditions import Clauses, Condition

DEEPEST = 5
"""How deep `and`, `or` and `not` may lie in one another."""

MOST_CONDITIONS = 100
"""How many conditions a filter may hold, however they are combined."""

MOST_VALUES_IN_ALL = 10_000
"""How many values all conditions of a filter may name."""


class Reference(NamedTuple):
    """What rows refer to: its public id, its key, and the column of that key in the rows.

    `joined` relates the first two where they are of two tables.
    """

    public_id: Any
    key: Any
    column: str
    joined: Any = None


class Filter(BaseModel):
    """Which rows of a table to keep."""

    model_config = ConfigDict(frozen=True)

    by_key: ClassVar[Mapping[str, Reference]] = {}
    """The fields that ask for public ids of what rows refer to."""

    needs: ClassVar[Mapping[str, str]] = {}
    """The scopes that a key must have in order to use some fields: they tell of other rows."""

    and_: tuple[Self, ...] | None = Field(
        default=None, description="All of these hold, and the fields beside this one."
    )
    or_: tuple[Self, ...] | None = Field(
        default=None, description="Any of these holds; no row, if the list is empty."
    )
    not_: Self | None = Field(
        default=None,
        description="This does not hold: keeps just the rows that it would leave out, "
        "those without a value among them.",
    )

    def __init_subclass__(cls, of: type[BaseModel] | None = None, **options: Any) -> None:  # noqa: ANN401 - as Pydantic's
        super().__init_subclass__(**options)

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        of: type[BaseModel] | None = None,
        **options: Any,  # noqa: ANN401 - as Pydantic's
    ) -> None:
        """Describe fields as the columns of the same names in `of`."""
        for name, field in cls.model_fields.items():
            if field.description is None and of is not None and name in of.model_fields:
                field.description = of.model_fields[name].description

    def clauses(self, columns: Mapping[str, ColumnElement[Any]]) -> Clauses:
        """Return what must hold of a row, given its table's columns by name.

        What lies in a row is given beside them, as far as the caller sees it: how many rooms and
        participants, and whether there are `any_events` and the like. BadUserInput if that is more
        than a database should be asked.
        """
        self._check()
        return self._kept(columns)

    def scopes(self) -> set[str]:
        """Return the scopes that a key must have in order to ask this."""
        return {scope for filter_ in self._all() for scope in filter_.own_scopes()}

    def own_scopes(self) -> set[str]:
        return {scope for name, scope in self.needs.items() if getattr(self, name) is not None}

    def asked(self, columns: Mapping[str, ColumnElement[Any]]) -> Clauses:
        """Return what the conditions ask, without `and`, `or` and `not`."""
        return [
            clause
            for name, condition in self._conditions()
            for clause in self.asked_of(name, condition, columns)
        ]

    def asked_of(
        self, name: str, condition: Condition, columns: Mapping[str, ColumnElement[Any]]
    ) -> Clauses:
        """Return what a field asks: of the column of its name, or by key of what it refers to."""
        if (reference := self.by_key.get(name)) is None:
            return condition.clauses(columns[name])
        joined = [] if reference.joined is None else [reference.joined]
        keys = select(reference.key).where(*joined, *condition.clauses(reference.public_id))
        return [columns[reference.column].in_(keys)]

    def mapped(self, change: Callable[[str, Condition], Condition]) -> Self:
        """Return the filter with each condition, by the name of its field, changed."""
        changed: dict[str, Any] = {name: change(name, each) for name, each in self._conditions()}
        for name in ("and_", "or_"):
            if (within := getattr(self, name)) is not None:
                changed[name] = tuple(each.mapped(change) for each in within)
        if self.not_ is not None:
            changed["not_"] = self.not_.mapped(change)
        return self.model_copy(update=changed)

    def _conditions(self) -> Iterator[tuple[str, Condition]]:
        for name in type(self).model_fields:
            if isinstance(condition := getattr(self, name), Condition):
                yield name, condition

    def _kept(self, columns: Mapping[str, ColumnElement[Any]]) -> Clauses:
        kept = self.asked(columns)
        kept += [each._whole(columns) for each in self.and_ or ()]
        if self.or_ is not None:
            kept.append(or_(false(), *(each._whole(columns) for each in self.or_)))
        if self.not_ is not None:
            kept.append(self.not_._whole(columns).is_not(true()))
        return kept

    def _whole(self, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
        return and_(true(), *self._kept(columns))

    def _within(self) -> tuple[Self, ...]:
        return (*(self.and_ or ()), *(self.or_ or ()), *((self.not_,) if self.not_ else ()))

    def _all(self, depth: int = 0) -> "Iterator[Self]":
        if depth > DEEPEST:
            raise BadUserInput(
                f"A filter may nest `and`, `or` and `not` at most {DEEPEST} deep.", ["filter"]
            )
        yield self
        for within in self._within():
            yield from within._all(depth + 1)

    def _check(self) -> None:
        conditions = values = 0
        for each in self._all():
            asked = [condition for _, condition in each._conditions()]
            conditions += sum(map(_size, asked)) or not each._within()
            values += sum(len(getattr(condition, "in_", None) or ()) for condition in asked)
        for count, most, what in (
            (conditions, MOST_CONDITIONS, "conditions"),
            (values, MOST_VALUES_IN_ALL, "values in all its `in`"),
        ):
            if count > most:
                raise BadUserInput(
                    f"A filter may hold at most {most:,} {what}; this one holds {count:,}.",
                    ["filter"],
                )


def _size(condition: Condition) -> int:
    """Return how many things a condition asks."""
    return sum(value is not None for _, value in condition)
