"""Looking things up by the keys of places, a column at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from server.export.arrow import Array, pa, pc


class Lookup:
    """Something to know of each of some keys: their public ids, or the keys they lie in."""

    def __init__(self, keys: Sequence[int], values: Array) -> None:
        self._first = min(keys, default=0)
        self._values = values
        self._rows = np.full(max(keys, default=0) - self._first + 1, -1, np.int32)
        if keys:
            self._rows[np.asarray(keys) - self._first] = np.arange(len(keys), dtype=np.int32)

    def find(self, keys: Array) -> Array:
        """Return the value of each key; a key that is not there is a fault of ours."""
        return pc.take(self._values, pa.array(self._rows_of(keys)), boundscheck=False)

    def encoded(self, keys: Array) -> Array:
        """Return the same as places in a dictionary that holds each value once, for each key."""
        rows = self._rows_of(keys)
        there: Any = np.flatnonzero(np.bincount(rows))
        places = np.empty(there[-1] + 1 if len(there) else 0, np.int32)
        places[there] = np.arange(len(there), dtype=np.int32)
        values = pc.take(self._values, pa.array(there), boundscheck=False)
        return pa.DictionaryArray.from_arrays(pa.array(places[rows]), values)

    def _rows_of(self, keys: Array) -> Any:  # noqa: ANN401 - arrays of numpy
        rows: Any = self._rows[keys.to_numpy() - self._first]
        assert rows.min(initial=0) >= 0
        return rows
