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
        rows: Any = self._rows[keys.to_numpy() - self._first]
        assert rows.min(initial=0) >= 0
        return pc.take(self._values, pa.array(rows), boundscheck=False)
