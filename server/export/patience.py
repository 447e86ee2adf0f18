"""How long exports wait for a store that takes nothing, before they are given up."""

import time

from server.export.workers import Done, Failed
from server.records.exports import ExportErrorCode

_AWAY = ExportErrorCode.STORAGE_FAILED.name


class Patience:
    """Counts the time of each export from the first of the failures that it had in a row.

    Only for a store that is out of reach: one that is full gets its space back from whoever fails.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[int, float] = {}

    def waits(self, export_key: int, outcome: Done | Failed | None) -> bool:
        """Note how an attempt ended; tell whether to try again as if it had not been."""
        if not isinstance(outcome, Failed) or outcome.code != _AWAY:
            self._since.pop(export_key, None)
            return False
        since = self._since.setdefault(export_key, time.monotonic())
        if time.monotonic() - since < self._seconds:
            return True
        del self._since[export_key]
        return False
