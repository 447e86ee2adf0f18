"""Texts that all have equally many bytes, as rows of these, which numpy copies at once."""

from typing import Any

import numpy as np

from server.export.arrow import Array, pa


def rows_of(texts: Array) -> Any:  # noqa: ANN401 - an array of numpy
    """Return texts as rows of bytes; None if they are not equally long, or some are NULL."""
    if not pa.types.is_string(texts.type) or texts.null_count or not len(texts):
        return None
    _, ends, data = texts.buffers()
    places = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    width = int(places[1] - places[0])
    if not width or (np.diff(places) != width).any():
        return None
    return np.frombuffer(data, f"S{width}", len(texts), int(places[0]))


def texts_of(rows: Any) -> Array:  # noqa: ANN401 - an array of numpy
    """Return rows of bytes as texts; what an element is does not matter."""
    count = len(rows)
    ends = np.arange(count + 1, dtype=np.int32) * (rows.nbytes // max(1, count))
    buffers = (pa.py_buffer(ends), pa.py_buffer(rows.reshape(-1).view(np.uint8)))
    return pa.StringArray.from_buffers(count, *buffers)


def beside(*columns: Any) -> Any:  # noqa: ANN401 - arrays of numpy
    """Return rows of bytes with others behind them."""
    shape = np.broadcast_shapes(*(column.shape for column in columns))
    rows = np.empty(shape, [(str(place), column.dtype) for place, column in enumerate(columns)])
    for place, column in enumerate(columns):
        rows[str(place)] = column
    return rows
