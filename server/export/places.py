"""The places of an export: which experiments, rooms and participants there are, and their names."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from server.export.arrow import Array, Columns, pa, pc
from server.export.tables import Table


@dataclass(frozen=True)
class Places:
    """The selected experiments, rooms or participants, in the order of their keys.

    ids      what each is called in the files
    parents  the key of what each lies in; none for experiments
    columns  their table
    """

    table: Table
    keys: list[int]
    ids: Array
    parents: Array | None
    columns: Columns

    @cached_property
    def row_of(self) -> dict[int, int]:
        """Where each place stands in the table, by its key."""
        return {key: row for row, key in enumerate(self.keys)}

    @cached_property
    def inside(self) -> dict[int, list[int]]:
        """The places in each place of the level above."""
        found = defaultdict[int, list[int]](list)
        if self.parents is not None:
            for key, parent in zip(self.keys, self.parents.to_pylist(), strict=True):
                found[parent].append(key)
        return dict(found)

    def public_ids(self, keys: Sequence[int]) -> list[str]:
        """Return what some places are called in the files."""
        return [self.ids[self.row_of[key]].as_py() for key in keys]

    def parents_of(self, keys: Sequence[int]) -> list[int]:
        """Return the key of what each of some places lies in."""
        assert self.parents is not None
        return [self.parents[self.row_of[key]].as_py() for key in keys]

    def only(self, keys: Sequence[int]) -> Columns:
        """Return some rows of the table."""
        wanted = pa.array([self.row_of[key] for key in keys], pa.int64())
        return {name: pc.take(column, wanted) for name, column in self.columns.items()}
