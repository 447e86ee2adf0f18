"""Arrow columns as text: moments, numbers and truth values, each the same in every format."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from server.export.aligned import beside, texts_of
from server.export.arrow import Array, pa, pc, pl

_DAY = 24 * 60
"""In minutes."""

_FIRST_DAY, _LAST_DAY = (
    int(np.datetime64(day).astype(int)) for day in ("0001-01-01", "9999-12-31")
)
_LAST_YEAR = 9999
_text_of: Any = np.datetime_as_string  # typed, but not whole


def _words(heads: Iterable[str], tails: Iterable[str]) -> Any:  # noqa: ANN401 - an array of numpy
    """Return every head with every tail: eight bytes, which are copied as one number."""
    head, tail = (np.array([*texts], "S") for texts in (heads, tails))
    return beside(head[:, np.newaxis], tail).reshape(-1).view(np.uint64)


_MINUTES = _words(
    (f"{day:02}" for day in range(32)), (f"T{i // 60:02}:{i % 60:02}" for i in range(_DAY))
)
_MILLISECONDS = _words((f":{i:02}." for i in range(60)), (f"{i:03}Z" for i in range(1000)))


def iso_times(moments: Array) -> Array:
    """Return milliseconds since 1970 as `2024-10-20T14:30:45.123Z`, NULL as NULL.

    Three words are looked up for each, `2024-10-`, `20T14:30` and `:45.123Z`: Arrow's own way takes
    a hundred times as long.
    """
    known = pc.fill_null(moments, 0) if moments.null_count else moments
    if not len(known):
        return pa.array([], pa.string())
    milliseconds: Any = known.to_numpy()
    minutes = milliseconds // 60_000
    numbers = minutes // _DAY
    numbers, places = _distinct(numbers, int(numbers.min()), int(numbers.max()))
    days = numbers.astype("datetime64[D]")
    days_of_month = (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    words = np.empty((len(known), 3), np.uint64)
    words[:, 1] = _MINUTES.take(minutes + ((days_of_month - numbers) * _DAY).take(places))
    words[:, 2] = _MILLISECONDS.take(milliseconds - minutes * 60_000)
    if numbers[0] >= _FIRST_DAY and numbers[-1] <= _LAST_DAY:
        words[:, 0] = _text_of(days).astype("S8").view(np.uint64).take(places)
        texts = texts_of(words)
    else:
        months = pa.array([_signed(day)[:-2] for day in _text_of(days).tolist()])
        texts = pc.binary_join_element_wise(
            pc.take(months, pa.array(places)), texts_of(words[:, 1:].copy()), ""
        )
    return pc.if_else(moments.is_valid(), texts, None) if moments.null_count else texts


def _distinct(days: Any, first: int, last: int) -> Any:  # noqa: ANN401 - arrays of numpy
    """Return days in their order, and which of these each is."""
    if last - first > len(days):
        return np.unique(days, return_inverse=True)
    return np.arange(first, last + 1), days - first


def _signed(day: str) -> str:
    """Return a day with a year that is signed where ISO 8601 asks for it, as in `+010000-01-01`."""
    year, month_and_day = int(day[:-6]), day[-6:]
    return (f"{year:04}" if 0 <= year <= _LAST_YEAR else f"{year:+07}") + month_and_day


def real_texts(numbers: Array) -> Array:
    """Return the shortest text that reads back as the same number; infinity is `inf`."""
    series = pl.Series(pl.from_arrow(numbers)).cast(pl.String)
    return pa.array(series.to_arrow(compat_level=pl.CompatLevel.oldest())).cast(pa.string())


def truth_values(numbers: Array) -> Array:
    """Return SQLite's 0 and 1 as what they mean."""
    return numbers.cast(pa.bool_())
