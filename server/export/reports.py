"""What a worker says of how far it has come: often enough to watch, seldom enough to be cheap."""

import time
from collections.abc import Callable
from typing import Any

_INTERVAL = 0.25

Say = Callable[[dict[str, Any]], None]


class Report:
    """The progress of one job."""

    def __init__(self, say: Say, total: int, size: Callable[[], int]) -> None:
        self._say = say
        self._total = total
        self._size = size
        self._said = -_INTERVAL
        self.rows = 0

    def tell(self, message: str, rows: int = 0) -> None:
        """Count more rows, and say so unless that was just done."""
        self.rows += rows
        if (now := time.monotonic()) - self._said >= _INTERVAL:
            self._said = now
            self._say(
                {
                    "rows": self.rows,
                    "total": self._total,
                    "bytes": self._size(),
                    "message": message,
                }
            )
