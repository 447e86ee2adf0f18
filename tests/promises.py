"""How soon something has to happen.

What is promised holds where nothing else runs, and is held to by `make soak`. `make test` runs two
files of tests at a time on whatever machine there is: it asks that it happens, not when.
"""

import os

_HELD = "HYPERDATA_PROMISES_HELD" in os.environ
_PATIENCE = 1 if _HELD else 20


def promised(seconds: float) -> float:
    """Return the seconds in which it must have happened, of those in which it should."""
    return seconds * _PATIENCE
