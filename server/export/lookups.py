"""Looking things up by the keys of places, a column at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from server.export.arrow import Array, pa, pc

_Places = tuple[Any, Any]


class Keys:
    """Some keys, each of which stands in a row of all that is known of them."""

    def __init__(self, keys: Sequence[int]) -> None:
        self._first = min(keys, default=0)
        self._rows = np.full(max(keys, default=0) - self._first + 1, -1, np.int32)
        if keys:
            self._rows[np.asarray(keys) - self._first] = np.arange(len(keys), dtype=np.int32)
        self._asked: Array = None
        self._found: _Places = (None, None)

    def rows_of(self, keys: Array) -> _Places:
        """Return which rows some keys stand in, each once, and of each key which of these.

        The same is asked for several columns; a key that is not there is a fault of ours.
        """
        if self._asked is not keys:
            rows: Any = self._rows[keys.to_numpy() - self._first]
            assert rows.min(initial=0) >= 0
            there: Any = np.flatnonzero(np.bincount(rows))
            places = np.empty(there[-1] + 1 if len(there) else 0, np.int32)
            places[there] = np.arange(len(there), dtype=np.int32)
            self._asked, self._found = keys, (pa.array(there), pa.array(places[rows]))
        return self._found


class Lookup:
    """Something to know of each of some keys: their public ids, or the keys they lie in."""

    def __init__(self, keys: Keys, values: Array) -> None:
        self._keys = keys
        self._values = values

    def find(self, keys: Array) -> Array:
        """Return the value of each key."""
        return self.encoded(keys).dictionary_decode()

    def encoded(self, keys: Array) -> Array:
        """Return the same as a dictionary of what is there, and of each key which of it."""
        there, places = self._keys.rows_of(keys)
        values = pc.take(self._values, there, boundscheck=False)
        return pa.DictionaryArray.from_arrays(places, values)
