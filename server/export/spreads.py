"""JSON columns in CSV and TSV: a column for each key of their objects, and one for what is left.

A cell holds text as it is and anything else as JSON. What is no object, an empty object, a `null`
in an object, and the keys beyond the most frequent hundred stay in the column itself, as JSON: an
empty cell is a key that is not there. Where a key holds more than texts, a text that would read as
JSON is in quotes, so that the text `5` is not the number 5. So nothing is lost: see
`server.importing.gathering`, which is the way back.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
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
_LIKE_JSON = re.compile(r'[ \t\r\n]*["\[{0-9tfn-]')
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
        mixed = [not holds_only_texts(types) for types in self.key_types]
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
                if item is None or (place := places.get(key)) is None:
                    left[key] = item
                else:
                    cells[place][row] = _cell(item, mixed=mixed[place], guard=guard)
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


def holds_only_texts(types: Collection[str]) -> bool:
    """Tell whether the cells of a key are texts as they are, by the types that were seen of it."""
    return "string" in types and set(types) <= {"string", "null"}


def reads_as_json(text: str) -> bool:
    """Tell whether a cell of a key that holds more than texts is JSON, rather than a text."""
    if not _LIKE_JSON.match(text):
        return False
    try:
        _read(text, is_long=re.search(_LONG_NUMBER, text) is not None)
    except ValueError:
        return False
    return True


def _parsed(texts: Array) -> Iterator[tuple[str, Any]]:
    """Read JSON; what is none stays text and is kept whole."""
    long = pc.match_substring_regex(texts, _LONG_NUMBER)
    for text, is_long in zip(texts.to_pylist(), long.to_pylist(), strict=True):
        try:
            yield text, _read(text, is_long=is_long)
        except ValueError:
            yield text, text


def _read(text: str, *, is_long: bool) -> Any:  # noqa: ANN401 - any JSON
    r"""Read JSON with all the digits of its numbers.

    ValueError for half a character (`\ud800`), too: it cannot be written as UTF-8 but so escaped.
    """
    value = orjson.loads(text)
    try:
        return json.loads(text) if is_long else value
    except RecursionError:
        raise ValueError from None


def _cell(value: Any, *, mixed: bool, guard: bool) -> str:  # noqa: ANN401 - any JSON
    if not isinstance(value, str) or (mixed and reads_as_json(value)):
        return _json(value)
    return guarded_text(value) if guard else value


def _json(value: Any) -> str:  # noqa: ANN401 - any JSON
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _type(value: object) -> str:
    return _NAMES.get(type(value), "number")
