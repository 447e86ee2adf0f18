"""JSON columns in CSV and TSV: a column for each key of their objects, and one for what is left.

A cell holds text as it is and anything else as JSON; JSON's `null` is an empty cell, as is a key
that is not there. What is no object, an empty object, and the keys beyond the most frequent
hundred stay in the column itself, as JSON: so nothing is lost. That the text `5` and the number 5
look alike is what the types in the data dictionary are for.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson

from server.export.arrow import Array, pa, pc
from server.export.formulas import guarded_text

MOST_KEYS = 100
"""How many keys get a column."""

_MOST_COUNTED = 10_000
"""How many different keys are counted: objects that map ids to values have any number."""

_LONG_NUMBER = r"[0-9]{19}"  # more than 64 bits, perhaps
_NAMES: dict[object, str] = {
    str: "string",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}


@dataclass(frozen=True)
class Spread:
    """The keys of a JSON column that get columns of their own, and which types were seen."""

    keys: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    key_types: tuple[tuple[str, ...], ...] = ()

    def split(self, column: Array, *, guard: bool) -> list[Array]:
        """Return the column that is left, then one for each key."""
        places = {key: place for place, key in enumerate(self.keys)}
        distinct = column.dictionary_encode()
        count = len(distinct.dictionary)
        rest: list[str | None] = [None] * count
        cells: list[list[str | None]] = [[None] * count for _ in self.keys]
        for row, (text, value) in enumerate(_parsed(distinct.dictionary)):
            if not isinstance(value, dict) or not value:
                rest[row] = text
                continue
            left: dict[str, Any] = {}
            for key, item in cast("dict[str, Any]", value).items():
                if (place := places.get(key)) is None:
                    left[key] = item
                else:
                    cells[place][row] = _cell(item, guard=guard)
            rest[row] = _json(left) if left else None
        return [
            pc.take(pa.array(values, pa.string()), distinct.indices) for values in (rest, *cells)
        ]


class KeyCount:
    """Finds out which keys the objects of a JSON column have."""

    def __init__(self) -> None:
        self._rows = Counter[str]()
        self._types: set[str] = set()
        self._key_types: dict[str, set[str]] = {}

    def add(self, column: Array) -> None:
        counts = column.drop_null().value_counts()
        rows: list[int] = counts.field("counts").to_pylist()
        for (_, value), count in zip(_parsed(counts.field("values")), rows, strict=True):
            self._types.add(_type(value))
            if isinstance(value, dict):
                self._add_keys(cast("dict[str, Any]", value), count)

    def _add_keys(self, value: dict[str, Any], count: int) -> None:
        for key, item in value.items():
            if key in self._rows or len(self._rows) < _MOST_COUNTED:
                self._rows[key] += count
                self._key_types.setdefault(key, set()).add(_type(item))

    def spread(self) -> Spread:
        """Return the most frequent keys, in alphabetical order."""
        ranked = sorted(self._rows, key=lambda key: (-self._rows[key], key))
        keys = tuple(sorted(ranked[:MOST_KEYS]))
        types = tuple(tuple(sorted(self._key_types[key])) for key in keys)
        return Spread(keys, tuple(sorted(self._types)), types)


def _parsed(texts: Array) -> Iterator[tuple[str, Any]]:
    r"""Read JSON with all the digits of its numbers; what is none stays text and is kept whole.

    So does what holds half a character (`\ud800`): it cannot be written as UTF-8 but so escaped.
    """
    long = pc.match_substring_regex(texts, _LONG_NUMBER)
    for text, is_long in zip(texts.to_pylist(), long.to_pylist(), strict=True):
        try:
            value = orjson.loads(text)
            yield text, json.loads(text) if is_long else value
        except ValueError:
            yield text, text


def _cell(value: Any, *, guard: bool) -> str | None:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return guarded_text(value) if guard else value
    return None if value is None else _json(value)


def _json(value: Any) -> str:  # noqa: ANN401 - any JSON
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _type(value: object) -> str:
    return _NAMES.get(type(value), "number")
