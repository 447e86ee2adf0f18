"""What a selection costs, as far as its document says: the rest are the sizes of its pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.cursors import DEFAULT_PAGE

LARGEST_PAGE = 100_000
"""The most rows that any page may have. Who asks for more is told so by its field."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A size that a variable says, and what it is if the variable is left out."""

    name: str
    default: int | None = None

    def value(self, variables: Mapping[str, Any]) -> object:
        return variables.get(self.name, self.default)


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows a page may have, by its field's `first` and `last`; `per` of them a point."""

    first: int | Variable | None = None
    last: int | Variable | None = None
    per: int = 1

    @property
    def known(self) -> int | None:
        """The size, unless it is for a variable to say."""
        is_open = isinstance(self.first, Variable) or isinstance(self.last, Variable)
        return None if is_open else self.rows({})

    def rows(self, variables: Mapping[str, Any]) -> int:
        """Return the number of rows."""
        for said in (self.last, self.first):
            value = said.value(variables) if isinstance(said, Variable) else said
            if type(value) is int:
                return min(max(value, 0), LARGEST_PAGE)
        return DEFAULT_PAGE


@dataclass(frozen=True, slots=True)
class Part:
    """A page of some size, and what each of its rows costs besides."""

    size: Size
    each: "Cost"

    def points(self, variables: Mapping[str, Any]) -> int:
        rows = self.size.rows(variables)
        return -(-rows // self.size.per) + rows * self.each.points(variables)


@dataclass(frozen=True, slots=True)
class Cost:
    """Points that are certain, and pages whose size a variable says."""

    fixed: int = 0
    parts: tuple[Part, ...] = ()

    def points(self, variables: Mapping[str, Any]) -> int:
        """Return what it comes to."""
        if not self.parts:
            return self.fixed
        return self.fixed + sum([part.points(variables) for part in self.parts])

    def plus(self, other: "Cost") -> "Cost":
        return Cost(self.fixed + other.fixed, self.parts + other.parts)


NOTHING = Cost()


def page_cost(size: Size, each: Cost) -> Cost:
    """Return what a page costs whose rows cost something each."""
    part = Part(size, each)
    if size.known is not None and not each.parts:
        return Cost(part.points({}))
    return Cost(0, (part,))


def times(number: int, each: Cost) -> Cost:
    """Return what a list of about so many things costs."""
    if not each.parts:
        return Cost(number * each.fixed)
    return Cost(0, (Part(Size(first=number, per=LARGEST_PAGE), each),))
