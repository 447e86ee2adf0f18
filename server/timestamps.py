"""Moments in time: integer milliseconds since 1970-01-01T00:00:00Z, shown as ISO 8601 text."""

import time
from datetime import UTC, datetime, timedelta
from typing import NewType

Timestamp = NewType("Timestamp", int)

EpochMs = NewType("EpochMs", int)
"""A moment that is shown as the number it is."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
MOST_SECONDS = 100_000
"""How many seconds are kept as texts, and texts as seconds."""

_MS = [f".{ms:03}Z" for ms in range(1000)]


class _Seconds(dict[int, str]):
    """Seconds since 1970 as text, kept for a while: what is shown together shares many of them."""

    def __missing__(self, second: int) -> str:
        if len(self) >= MOST_SECONDS:
            self.clear()
        text = self[second] = (_EPOCH + timedelta(seconds=second)).isoformat()[:19]
        return text


_seconds = _Seconds()


def now() -> Timestamp:
    """Return the present moment."""
    return Timestamp(time.time_ns() // 1_000_000)


def iso(moment: int) -> str:
    """Return a moment as `2024-10-20T14:30:45.123Z`: always UTC, milliseconds and `Z`."""
    second, ms = divmod(moment, 1000)
    return _seconds[second] + _MS[ms]


def parse(text: str) -> Timestamp:
    """Read ISO 8601 text that names its offset from UTC; ValueError if it does not."""
    if len(text) == _USUAL and text[-1] == "Z" and text[19] == ".":
        second, ms = text[:19], text[20:23]
        if (known := _moments.get(second)) is not None and ms.isascii() and ms.isdigit():
            return Timestamp(known + int(ms))
    moment = _parse(text)
    if len(text) == _USUAL and text[19] == "." and text[-1] == "Z":
        if len(_moments) >= MOST_SECONDS:
            _moments.clear()
        _moments[text[:19]] = moment - moment % 1000
    return moment


_USUAL = len("2024-10-20T14:30:45.123Z")
_moments: dict[str, int] = {}
"""Whole seconds that were read: what comes in together shares many of them."""


def _parse(text: str) -> Timestamp:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"{text!r} is not ISO 8601, such as 2024-10-20T14:30:45.123Z.") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} does not say its time zone: end it with Z or an offset.")
    try:
        return Timestamp((moment.astimezone(UTC) - _EPOCH) // _MILLISECOND)
    except OverflowError:
        raise ValueError(f"{text!r} is not within the years 1 to 9999, UTC.") from None
