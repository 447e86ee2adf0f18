"""What lies in a folder that a server may be sweeping at the same time."""

import os
from pathlib import Path


def files_below(folder: Path) -> list[Path]:
    """Return the files of a folder, sorted: one that vanishes while one looks is no error.

    ``Path.rglob`` raises then; ``os.walk`` goes on.
    """
    return sorted(Path(where, name) for where, _, names in os.walk(folder) for name in names)
