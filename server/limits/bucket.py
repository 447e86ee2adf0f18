"""A bucket that leaks: what is spent of it comes back, so much a second, until it is full again.

It is kept as one moment: when it will be full. Whoever spends moves that moment on by the time that
it takes for as much to come back, and may do so as long as it lies no further ahead than an empty
bucket takes to fill. Moments and times are in microseconds.
"""

from dataclasses import dataclass

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many points it holds, and how many come back in a second."""

    size: int
    refill: int

    @property
    def window(self) -> int:
        """How long an empty one takes to fill."""
        return self.size * SECOND // self.refill

    def time_of(self, points: int) -> int:
        """Return how long it takes for points to come back, rounded up."""
        return -(-points * SECOND // self.refill)

    def left(self, full_at: int, now: int) -> int:
        """Return how many points there are in one that will be full at a moment."""
        ahead = max(full_at - now, 0)
        return max(self.size - -(-ahead * self.refill // SECOND), 0)
