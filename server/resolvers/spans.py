"""Spans of onset: what part of a recording a question is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal

from server.errors import BadUserInput


@dataclass(frozen=True, slots=True)
class Span:
    """Onsets from `start` on and before `end`, in ms; None leaves that side open."""

    start: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise BadUserInput(
                f"`from` must be before `to`: {self.start:,} is not before {self.end:,}.", ["from"]
            )

    def clauses(self, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        """Return what must hold of a row."""
        onset = columns["onset"]
        kept = [] if self.start is None else [onset >= self.start]
        return kept if self.end is None else [*kept, onset < self.end]

    def ends(self, onset: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Return the first and the last onset, of the rows where the span leaves a side open."""
        first = func.min(onset) if self.start is None else literal(self.start)
        last = func.max(onset) if self.end is None else literal(self.end - 1)
        return cast(first, BigInteger), cast(last, BigInteger)


def require_within(name: str, value: int, least: int, most: int, unit: str = "") -> None:
    """Raise BadUserInput unless an argument is in its range."""
    if not least <= value <= most:
        raise BadUserInput(
            f"`{name}` must be from {least:,} to {most:,}{unit}; it is {value:,}.", [name]
        )
