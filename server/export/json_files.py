"""JSON and NDJSON: types are kept, and JSON columns are passed through as they are stored.

JSON has no infinity: an infinite number is the text `"Infinity"` or `"-Infinity"`, what is no
number `"NaN"`. Most languages make that a number again, and no reader refuses the whole file for
it, as many do for a number that is too large.
"""

import struct
from collections.abc import Sequence

import numpy as np
import orjson

from server.export.arrow import Array, Columns, pa, pc
from server.export.arrow_text import iso_times, real_texts
from server.export.spool import Bytes
from server.export.tables import Column, Kind

_ESCAPED = r'["\\\x00-\x1f]'
_FIRST_PLAIN, _QUOTE, _BACKSLASH = b' "\\'
_SEPARATOR = ",\n"


class JsonText:
    """A table as a list of objects."""

    ending = "json"
    resumable = True

    def __init__(self, columns: Sequence[Column], *, begun: bool = False) -> None:
        self._columns = columns
        self._begun = begun

    def head(self) -> Bytes:
        return b"["

    def rows(self, rows: Columns) -> Bytes:
        lines = objects(self._columns, rows, _SEPARATOR)
        text = _text_of(lines)
        skipped = 0 if self._begun else len(_SEPARATOR) - 1  # the first begins with a line end only
        self._begun = True
        return text[skipped:]

    def tail(self) -> Bytes:
        return b"\n]\n"


class NdjsonText:
    """A table as lines, each of them an object."""

    ending = "ndjson"
    resumable = True

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def head(self) -> Bytes:
        return b""

    def rows(self, rows: Columns) -> Bytes:
        return _text_of(objects(self._columns, rows, after="\n"))

    def tail(self) -> Bytes:
        return b""


def objects(columns: Sequence[Column], rows: Columns, before: str = "", after: str = "") -> Array:
    """Return each row as the text of an object, on one line, with something before or after it."""
    parts: list[Array] = []
    between = before + "{"
    for column in columns:
        texts, quote = _texts(column, rows[column.name])
        if texts.null_count:  # else the quotes go with what stands between, which is faster
            quoted = pc.binary_join_element_wise(quote, texts, quote, "") if quote else texts
            texts, quote = pc.fill_null(quoted, "null"), ""
        parts += [f"{between}{orjson.dumps(column.name).decode()}:{quote}", texts]
        between = quote + ","
    return pc.binary_join_element_wise(*parts, between[:-1] + "}" + after, "")


def _texts(column: Column, values: Array) -> tuple[Array, str]:
    """Return values as JSON, and the quote that is to stand around each."""
    match column.kind:
        case Kind.JSON:
            return _on_one_line(values), ""
        case Kind.REAL:
            return _reals(values), ""
        case Kind.INTEGER | Kind.BOOLEAN:
            return values.cast(pa.string()), ""
        case Kind.TIMESTAMP:
            return iso_times(values), '"'
        case Kind.PUBLIC_ID if pa.types.is_dictionary(values.type):
            return pc.take(_escaped(values.dictionary), values.indices), '"'
        case Kind.TEXT | Kind.PUBLIC_ID:
            return _escaped(values), '"'


def _on_one_line(texts: Array) -> Array:
    """Return JSON without line ends, which stand between its values only, if anywhere."""
    for end in "\n\r":
        if pc.any(pc.match_substring(texts, end)).as_py():
            texts = pc.replace_substring(texts, end, " ")
    return texts


def _reals(numbers: Array) -> Array:
    texts = real_texts(numbers)
    finite = pc.is_finite(numbers)
    if pc.all(finite).as_py():
        return texts
    infinite = pc.if_else(pc.greater(numbers, 0), '"Infinity"', '"-Infinity"')
    return pc.if_else(finite, texts, pc.if_else(pc.is_nan(numbers), '"NaN"', infinite))


def _escaped(texts: Array) -> Array:
    """Return texts as they stand between quotes: only those that need it are changed."""
    data = np.frombuffer(_text_of(texts), np.uint8)
    if not np.any((data < _FIRST_PLAIN) | (data == _QUOTE) | (data == _BACKSLASH)):
        return texts
    needy = pc.fill_null(pc.match_substring_regex(texts, _ESCAPED), False)  # noqa: FBT003
    escaped = [orjson.dumps(text).decode()[1:-1] for text in texts.filter(needy).to_pylist()]
    return pc.replace_with_mask(texts, needy, pa.array(escaped, pa.string()))


def _text_of(lines: Array) -> memoryview:
    """Return the bytes of texts that lie one behind the other in memory, without a copy."""
    _, ends, data = lines.buffers()
    if data is None:  # there are none, or none of them holds anything
        return memoryview(b"")
    first, last = (
        struct.unpack_from("<i", ends, 4 * (lines.offset + place))[0] for place in (0, len(lines))
    )
    return memoryview(data).cast("B")[first:last]
