"""What the API should say of stored rows, worked out in plain Python and without SQL."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.factories import Row

Kept = Callable[[Row], bool]


def value_of(row: Row, name: str) -> Any:
    """Return what a row shows under the name of a column."""
    if row.model.__name__ == "Room" and name == "duration":
        start, end = row.get("start_time"), row.get("end_time")
        return None if start is None or end is None else end - start
    if row.model.__name__ == "SyncMetric" and name == "band":
        drift = row.get("time_drift")
        return drift if drift is None else _band(abs(drift))
    if name == "participants_may_request_data":
        return row.get(name, False)
    return row.place.get(name, row.get(name))


def _band(drift: float) -> str:
    return "GOOD" if drift < 100 else "ACCEPTABLE" if drift <= 500 else "POOR"


def sort_key(row: Row, column: str) -> tuple[bool, Any]:
    """Return what puts rows in order: nulls last, texts by code point."""
    value = value_of(row, column)
    return value is None, 0 if value is None else value


def keeps(asked: Mapping[str, Any], row: Row) -> bool:
    """Say whether a filter, as a client sends it, keeps a row."""
    return all(_holds(name, wanted, row) for name, wanted in asked.items() if wanted is not None)


def _holds(name: str, wanted: Any, row: Row) -> bool:
    if name == "and":
        return all(keeps(each, row) for each in wanted)
    if name == "or":
        return any(keeps(each, row) for each in wanted)
    if name == "not":
        return not keeps(wanted, row)
    value = value_of(row, snake(name))
    if is_json(row, name):
        return _holds_json(value, wanted)
    return all(_CONDITIONS[condition](value, given) for condition, given in wanted.items())


def is_json(row: Row, name: str) -> bool:
    sparse = row.model.__name__ == "SparseRating" and name in ("value", "rawValue")
    return sparse or name in ("response", "config", "variables", "labels", "details")


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)


_CONDITIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "isNull": lambda value, asked: (value is None) is asked,
    "gte": lambda value, asked: value is not None and value >= _number(asked),
    "lt": lambda value, asked: value is not None and value < _number(asked),
    "in": lambda value, asked: value in asked,
    "equals": lambda value, asked: value is not None and value == asked,
    "contains": lambda value, asked: value is not None and bool(_any_case(asked).search(value)),
    "startsWith": lambda value, asked: value is not None and bool(_any_case(asked).match(value)),
    "has": lambda value, asked: value is not None and asked in value,
    "isEmpty": lambda value, asked: value is not None and (value == []) is asked,
}


def _number(asked: float | str) -> float:
    """Return a bound as it is compared: a moment is given as text."""
    if not isinstance(asked, str):
        return asked
    return round(datetime.fromisoformat(asked).timestamp() * 1000)


def _any_case(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text), re.IGNORECASE)


NOTHING = object()


def _holds_json(value: Any, asked: Mapping[str, Any]) -> bool:
    found = NOTHING if value is None else _at(value, asked.get("path", ""))
    if "isNull" in asked and (found is NOTHING or found is None) is not asked["isNull"]:
        return False
    if "equals" not in asked:
        return True
    if value is None and not asked.get("path"):
        return asked["equals"] is None
    return found is not NOTHING and _alike(found, asked["equals"])


def _at(value: Any, path: str) -> Any:
    for key, quoted, index in re.findall(r'([^."\[\]]+)(?=$|[.\[])|"([^"]*)"|\[(\d+)\]', path):
        if index:
            there = isinstance(value, list) and int(index) < len(value)
            value = value[int(index)] if there else NOTHING
        else:
            there = isinstance(value, dict)
            value = value.get(key or quoted, NOTHING) if there else NOTHING
    return value


def _alike(found: Any, asked: Any) -> bool:
    if isinstance(found, bool) or isinstance(asked, bool):
        return found is asked
    if isinstance(found, int | float) and isinstance(asked, int | float):
        return Decimal(repr(found)) == Decimal(repr(asked))
    return type(found) is type(asked) and bool(found == asked)
