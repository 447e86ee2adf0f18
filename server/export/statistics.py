"""Statistics of groups of numbers that come in ascending order, whatever their number."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

QUANTILES = ("min", "p25", "median", "p75", "max")
"""Quarter by quarter; interpolated linearly, type 7, as the API's statistics are."""


@dataclass(frozen=True)
class Reach:
    """From which to which number each person's go: who they are is all the same."""

    least: Floats
    most: Floats

    def people_beside(self, number: float) -> int:
        """Return how many people have numbers on both sides of one, or on it: the fewer of them."""
        return int(min((self.least <= number).sum(), (self.most >= number).sum()))


class Statistics:
    """The statistics of some groups; `counts` says how many numbers each will have."""

    def __init__(self, counts: Ints) -> None:
        self._counts = counts
        self._seen = np.zeros(len(counts), np.int64)
        self._means = np.zeros(len(counts))
        self._squares = np.zeros(len(counts))
        quarters = np.arange(len(QUANTILES), dtype=np.int64)
        places = (counts[:, None] - 1) * quarters
        self._below = places // 4
        self._part = (places % 4) / 4
        self._found = np.full((len(counts), len(QUANTILES), 2), np.nan)

    def add(self, groups: Ints, numbers: Floats) -> None:
        """Add numbers, none less than any before, and to which group each belongs."""
        if not len(groups):
            return
        order = np.argsort(groups, kind="stable")
        numbers = numbers[order]
        there, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
        self._pick(there, starts, counts, numbers)
        means = np.add.reduceat(numbers, starts) / counts
        deviations = numbers - np.repeat(means, counts)
        squares = np.add.reduceat(deviations * deviations, starts)
        before = self._seen[there]
        after = before + counts
        apart = means - self._means[there]  # two groups of numbers put together, as Chan does
        self._means[there] += apart * counts / after
        self._squares[there] += squares + apart * apart * (before * counts / after)
        self._seen[there] = after

    def _pick(self, there: Ints, starts: Ints, counts: Ints, numbers: Floats) -> None:
        """Keep the numbers on either side of each quantile."""
        for side in (0, 1):
            wanted = self._below[there] + side - self._seen[there][:, None]
            hit, quantile = np.nonzero((wanted >= 0) & (wanted < counts[:, None]))
            found: Any = numbers[starts[hit] + wanted[hit, quantile]]
            self._found[there[hit], quantile, side] = found

    def figures(self, group: int, reach: Reach, least: int) -> list[float | None]:
        """Return the mean, the sample standard deviation, and the quantiles.

        None stands for a quantile that would single somebody out: `least` people must have numbers
        on either side. The smallest and the greatest number are one person's, but where many share
        them, as at the end of a scale.
        """
        degrees = int(self._counts[group]) - 1
        sd = float(np.sqrt(self._squares[group] / degrees)) if degrees else None
        return [float(self._means[group]), sd, *self._quantiles(group, reach, least)]

    def _quantiles(self, group: int, reach: Reach, least: int) -> list[float | None]:
        below, above = self._found[group, :, 0], self._found[group, :, 1]
        parts = self._part[group]
        values = np.where(parts > 0, below + (above - below) * parts, below).tolist()
        return [value if reach.people_beside(value) >= least else None for value in values]

    @property
    def complete(self) -> bool:
        """Whether all numbers came that were to come."""
        return bool((self._seen == self._counts).all())
