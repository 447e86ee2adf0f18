"""Which version of the software writes an export."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def software() -> str:
    """Return what files say of who made them."""
    try:
        return f"hyperstudy-data {version('hyperstudy-data')}"
    except PackageNotFoundError:  # run from a folder, not installed
        return "hyperstudy-data (not installed)"
