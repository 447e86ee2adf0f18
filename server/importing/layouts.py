"""What the files of a table look like, whatever their format."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from server.export.arrow import Columns
from server.importing.gathering import Key
from server.importing.targets import Target

ROWS = 5_000
"""Rows of a part: as many are values of Python at once."""


@dataclass(frozen=True)
class Layout:
    """The columns of a table's files.

    columns  the names in their header
    keys     of each JSON column that became several, those of its keys
    guarded  whether texts that look like formulas have a quote in front
    """

    target: Target
    columns: tuple[str, ...]
    keys: Mapping[str, tuple[Key, ...]]
    guarded: bool = False


Read = Callable[[IO[bytes], Layout], Iterator[Columns]]
"""Reads a file in parts of at most `ROWS` rows, as `server.importing.values` has their columns.

ValueError for what is no such file, or is not of such a table.
"""
