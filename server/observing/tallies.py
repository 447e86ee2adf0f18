"""Counting at little cost: added up in plain numbers, and handed on to Prometheus' metrics by tens.

One thread counts, that of the event loop, so there is nothing to lock; each of Prometheus' own
metrics takes a lock, or writes to a shared file, whenever it is touched.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter, Histogram

MOST_PENDING = 64
"""How many may be kept back, before they can be seen by a process that shares the folder."""

_all: "list[Count | Spread]" = []


def hand_on() -> None:
    """Hand on all that is kept back: before somebody looks."""
    for each in _all:
        each.hand_on()


class Count:
    """How often something happened."""

    __slots__ = ("_counter", "_pending")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._pending = 0
        _all.append(self)

    def add(self) -> None:
        """Count one more."""
        self._pending += 1
        if self._pending >= MOST_PENDING:
            self.hand_on()

    def hand_on(self) -> None:
        pending, self._pending = self._pending, 0
        if pending:
            self._counter.inc(pending)


class Spread:
    """How values are spread over buckets: the histogram's, of which these are the upper ends."""

    __slots__ = ("_buckets", "_ends", "_histogram", "_left", "_sum")

    def __init__(self, histogram: Histogram, ends: Sequence[float]) -> None:
        self._histogram: Any = histogram
        self._ends = ends
        self._buckets = [0] * (len(ends) + 1)
        self._sum = 0.0
        self._left = MOST_PENDING
        _all.append(self)

    def add(self, value: float) -> None:
        """Count a value."""
        self._buckets[bisect_left(self._ends, value)] += 1
        self._sum += value
        self._left -= 1
        if not self._left:
            self.hand_on()

    def hand_on(self) -> None:
        self._left = MOST_PENDING
        for place, count in enumerate(self._buckets):
            if count:
                self._histogram._buckets[place].inc(count)  # its own way takes a value at a time
                self._buckets[place] = 0
        self._histogram._sum.inc(self._sum)
        self._sum = 0.0
