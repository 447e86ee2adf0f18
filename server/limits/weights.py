"""Points: what a field costs beside the rows of its pages. One point is a row that is read."""

from collections.abc import Mapping
from typing import Any

from server.errors import TooComplex

LOOK_UP = 1
"""A field that is looked up for each of its sources; also a whole operation, whatever it asks."""

ROLL_UP = 100
"""Numbers that are made of many rows, for each place that they are asked of."""

QUALITY = 200
"""A quality report, for each place: it reads all that is there."""

ESTIMATE = 1_000
"""What counts, or tries out, all that an export or a deletion would reach."""

INTROSPECTION = 1_000
"""The schema itself, or a type of it: it is long."""

COLUMN_ROWS = 10
"""How many rows of columns cost as much as one row: they are lists of numbers, and no objects."""

MOST_ROWS = 2_000_000
"""How many rows an operation may read: they are held in memory. Known only as it is executed."""

_WEIGHT, _ROWS = "points", "rows_a_point"


def costs(points: int = LOOK_UP, *, rows_a_point: int = 1) -> dict[str, Any]:
    """Return the `metadata` of a field that costs more, or whose rows cost less, than others."""
    return {_WEIGHT: points, _ROWS: rows_a_point}


def points_of(metadata: Mapping[str, Any]) -> int:
    """Return what a field with a resolver of its own costs, for each source."""
    points: int = metadata.get(_WEIGHT, LOOK_UP)
    return points


def rows_a_point(metadata: Mapping[str, Any]) -> int:
    """Return how many rows of a field's page cost one point."""
    rows: int = metadata.get(_ROWS, 1)
    return rows


class Meter:
    """What an operation may cost, and what it has really cost so far, in points."""

    __slots__ = ("points", "requested")

    def __init__(self) -> None:
        self.points = 0
        self.requested = 0

    def foresee(self, rows: int) -> None:
        """Raise TooComplex if an operation may read more rows than it can be answered with."""
        if self.points + rows > MOST_ROWS:
            raise TooComplex(
                f"This would read up to {self.points + rows:,} rows; at most {MOST_ROWS:,} are "
                "read for one operation: ask for smaller pages, with `first`, or have it exported."
            )
