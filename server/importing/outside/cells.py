"""What stands in a cell, as records say it. What cannot be read stays the text that it is.

So whoever takes records in refuses it, by its own rules, and nothing is lost.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from server.export.tables import Column, Kind

UNITS: Mapping[str, Decimal] = {
    "us": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1000),
    "min": Decimal(60_000),
    "h": Decimal(3_600_000),
}
"""Units of time, in ms."""

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_MOST_WHOLE = 2**63


def cell(column: Column, text: str, zone: ZoneInfo) -> Any:  # noqa: ANN401 - any JSON
    """Read a cell for a column: of times in ms, parts of one are rounded."""
    match column.kind:
        case Kind.INTEGER:
            return whole(text, rounded=column.unit == "ms")
        case Kind.REAL:
            return _real(text)
        case Kind.BOOLEAN:
            return _TRUTHS.get(text.lower(), text)
        case Kind.TIMESTAMP:
            return moment(text, zone)
        case Kind.JSON:
            return nested(text)
        case _:
            return text


def whole(text: str, *, rounded: bool) -> int | str:
    """Read a whole number."""
    if _WHOLE.fullmatch(text):
        return int(text)
    number = decimal(text)
    if number is not None and (rounded or number == number.to_integral_value()):
        return round(number)
    return text


def milliseconds(text: str, unit: str) -> int | None:
    """Read a time, as whole ms; None if it is no number."""
    number = decimal(text)
    return None if number is None else round(number * UNITS[unit])


def moment(text: str, zone: ZoneInfo) -> int | str:
    """Read a moment: ms since 1970, or ISO 8601, in a time zone unless it names its offset."""
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        read = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        return text
    return text.strip() if read.tzinfo else read.replace(tzinfo=zone).isoformat()


def nested(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Read JSON, or take the text for a value."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return text


def number_or_text(text: str) -> int | float | str:
    """Take a text for a number if it says nothing else: no code such as 007, no more digits.

    So the number is written as another text at most, and never as another number.
    """
    if not text or not _NUMBER.fullmatch(text) or not text.strip("+-."):
        return text
    number = decimal(text)
    if number is None:
        return text
    if _WHOLE.fullmatch(text):
        return int(text) if abs(number) < _MOST_WHOLE else text
    as_float = float(text)
    return as_float if Decimal(repr(as_float)) == number else text


def decimal(text: str) -> Decimal | None:
    """Read a finite number."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 1000 else None


def _real(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _no_constant(name: str) -> None:
    raise ValueError(name)
