"""Columns as exports read them, made again of what stands in files: see `server.export.formats`.

In Arrow: texts, public ids and JSON as strings, moments as integers (milliseconds since 1970), and
numbers and truth values as such. Whatever is none of that is a ValueError.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from server.export.arrow import Array, pa, pc
from server.export.tables import Kind

_MOMENT = r"^[+-]?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
_NUMBERS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
"""What is written where JSON has no number."""

TYPES = {
    Kind.PUBLIC_ID: pa.string(),
    Kind.TIMESTAMP: pa.int64(),
    Kind.INTEGER: pa.int64(),
    Kind.REAL: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
}


def of_texts(kind: Kind, texts: Array) -> Array:
    """Read cells of a table of text."""
    return moments(texts) if kind is Kind.TIMESTAMP else texts.cast(TYPES[kind])


def of_values(kind: Kind, values: Sequence[Any]) -> Array:
    """Read values of JSON; where the kind is JSON, their texts."""
    try:
        if kind is Kind.TIMESTAMP:
            return moments(pa.array(values, pa.string()))
        if kind is Kind.REAL:
            values = [_NUMBERS[each] if isinstance(each, str) else each for each in values]
        return pa.array(values, TYPES[kind])
    except (TypeError, KeyError) as wrong:
        raise ValueError from wrong


def of_arrow(kind: Kind, values: Array) -> Array:
    """Read a column of Parquet."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if kind is Kind.TIMESTAMP:
        return values.cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    values = values.cast(TYPES[kind])
    if kind is Kind.JSON:
        check_json(values)
    return values


def moments(texts: Array) -> Array:
    """Read moments such as `2024-10-20T14:30:45.123Z`, of any year."""
    if pc.all(pc.match_substring_regex(texts, _MOMENT)).as_py() is False:  # None, if all are NULL
        raise ValueError("no moment")
    written = pc.utf8_slice_codeunits(pc.fill_null(texts, "1970-01-01T00:00:00.000Z"), 0, -1)
    read: Any = np.array(written.to_pylist(), "datetime64[ms]").astype(np.int64)
    return pa.array(read, mask=texts.is_null().to_numpy(zero_copy_only=False))


def check_json(texts: Array) -> None:
    """Raise ValueError unless all texts are JSON."""
    for text in pc.unique(texts.drop_null()).to_pylist():
        try:
            orjson.loads(text)
        except ValueError:  # it reads no half characters, which JSON may hold
            json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(name)
