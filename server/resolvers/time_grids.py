"""Time grids: points a fixed time apart, and which sample stands at each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case

from server.records.described import Described
from server.records.numbers import floored
from server.resolvers.spans import Span, require_within

LONGEST_MS = 3_600_000

EARLIEST = -(1 << 31)
"""Before it there are no onsets."""

HELD_MS = 1_000
"""How old a sample may be and still stand, unless the caller says otherwise."""


class Alignment(Described):
    """Which value stands at a point of a time grid."""

    HOLD = (
        "HOLD",
        (
            "The last sample at the point or before it, at most `maxGapMs` old: a slider stays "
            "where it was left."
        ),
    )
    MEAN = "MEAN", "The mean of the samples from the point on and before the next one."


class Known(NamedTuple):
    """What is known at one point: which point, when it was sampled, and the value."""

    point: int
    onset: int
    value: float


@dataclass(frozen=True, slots=True)
class TimeGrid:
    """Points `every_ms` apart from the span's start, or else at multiples of it.

    A sample is held for `held_ms`, or, where the rule is MEAN, is one of those from a point to the
    next of which the mean is taken.
    """

    every_ms: int
    span: Span
    rule: Alignment = Alignment.HOLD
    held_ms: int = HELD_MS

    def __post_init__(self) -> None:
        require_within("everyMs", self.every_ms, 1, LONGEST_MS, " ms")
        require_within("maxGapMs", self.held_ms, 0, LONGEST_MS, " ms")

    @property
    def origin(self) -> int:
        """Where point 0 is."""
        return self.span.start or 0

    @property
    def sampled(self) -> Span:
        """The span whose samples count: what was sampled before it may be held until it begins."""
        if self.span.start is None or self.rule is Alignment.MEAN:
            return self.span
        return replace(self.span, start=max(self.span.start - self.held_ms, EARLIEST))

    def point_of(self, onset: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the first point at which a sample counts, in SQL."""
        if self.rule is Alignment.MEAN:
            return floored(onset, self.every_ms, self.origin)
        next_point = floored(onset, self.every_ms, self.origin - self.every_ms + 1)
        if self.span.start is None:
            return next_point
        return case((onset < self.span.start, 0), else_=next_point)

    def points(self, known: Iterable[Sequence[Known]]) -> range:
        """Return the onsets of the points: as far as the span says, or else as the samples go."""
        sampled = [series for series in known if series]
        if not sampled and None in (self.span.start, self.span.end):
            return range(0)
        first, beyond = self.origin, self.span.end
        if self.span.start is None:
            first += self.every_ms * min(series[0].point for series in sampled)
        if beyond is None:
            beyond = self.origin + self.every_ms * max(series[-1].point for series in sampled) + 1
        return range(first, beyond, self.every_ms)


def filled(grid: TimeGrid, points: range, known: Sequence[Known]) -> list[float | None]:
    """Return one participant's value at each point; None where there is none."""
    values: list[float | None] = [None] * len(points)
    first = (points.start - grid.origin) // grid.every_ms
    for i, (point, onset, value) in enumerate(known):
        until = point + 1
        if grid.rule is Alignment.HOLD:
            until = (onset + grid.held_ms - grid.origin) // grid.every_ms + 1
        if i + 1 < len(known):  # which would come to the same, but not be written twice
            until = min(until, known[i + 1].point)
        for place in range(point - first, min(until - first, len(points))):
            values[place] = value
    return values
