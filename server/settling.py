"""Making files outlive a loss of power."""

import os
from pathlib import Path


def settle(root: Path, path: Path) -> None:
    """Make a file of a local store, and the folders it lies in, outlive a loss of power."""
    for place in (path, *path.parents):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if place == root:
            return
