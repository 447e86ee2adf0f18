"""When a delivery is tried again: ever later, and not all at the same moment."""

SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

FIRST = 5 * SECOND
FACTOR = 4
LONGEST = 12 * HOUR
JITTER = 0.2
"""By which part a wait may be shorter or longer."""

GIVEN_UP_AFTER = 3 * DAY
"""How long after it was put into the outbox a delivery is tried."""


def next_attempt(created_at: int, attempts: int, at: int, chance: float) -> int | None:
    """Return when to try again what has failed at a moment; None to give it up.

    Times are in milliseconds; `chance` is from 0 to 1.
    """
    wait = min(FIRST * FACTOR ** min(attempts - 1, 20), LONGEST)
    next_at = at + int(wait * (1 - JITTER + 2 * JITTER * chance))
    return next_at if next_at <= created_at + GIVEN_UP_AFTER else None
