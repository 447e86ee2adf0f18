"""Groups that statistics are shown of, and which of them a record lies in: often several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from server.export.small_cells import Ints
from server.export.statistics import Reach
from server.export.tallying import Tally

WHOLE, COMPONENT, ROOM, CATEGORY = "experiment", "component", "room", "category"
"""What a group is: all of an experiment, or a part of it."""


@dataclass(frozen=True)
class Group:
    """All records of an experiment, or those of one component, or of one room, by number."""

    kind: str
    experiment: int
    number: int = 0


class Membership:
    """Finds the groups of records: they are numbered as they are given."""

    def __init__(self, groups: Sequence[Group], experiments: int) -> None:
        self._experiments = experiments
        self._found: dict[str, tuple[Ints, Ints]] = {}
        for kind in (WHOLE, COMPONENT, ROOM):
            numbers = [n for n, group in enumerate(groups) if group.kind == kind]
            keys = self._keys(
                kind,
                np.array([groups[n].experiment for n in numbers], np.int64),
                np.array([groups[n].number for n in numbers], np.int64),
            )
            order = np.argsort(keys)
            self._found[kind] = keys[order], np.array(numbers, np.int64)[order]

    def of(self, experiments: Ints, components: Ints, rooms: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield group numbers, and the rows that lie in them: for each kind of group once."""
        for kind, numbers in ((WHOLE, rooms), (COMPONENT, components), (ROOM, rooms)):
            known, groups = self._found[kind]
            if not len(known):
                continue
            keys = self._keys(kind, experiments, numbers)
            places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            rows = np.flatnonzero(known[places] == keys)
            yield groups[places[rows]], rows

    def of_tally(self, tally: Tally) -> Iterator[tuple[Ints, Ints]]:
        """Do the same for the rows of a tally."""
        return self.of(tally.experiments, *tally.groups[:2])

    def _keys(self, kind: str, experiments: Ints, numbers: Ints) -> Ints:
        match kind:
            case "experiment":
                return experiments
            case "component":  # one may be in several experiments
                return numbers * self._experiments + experiments
            case _:
                return numbers


def reaches(membership: Membership, tally: Tally, column: int) -> dict[int, Reach]:
    """Return, for each group, from where to where each person's numbers in a column go."""
    there = tally.only(tally.numbers[column].counts > 0)
    numbers = there.numbers[column]
    found: dict[int, Reach] = {}
    for groups, rows in membership.of_tally(there):
        if not len(rows):
            continue
        people = there.people[rows]
        order = np.lexsort((people, groups))
        groups, people = groups[order], people[order]
        new = np.flatnonzero(np.diff(groups, prepend=-1) | np.diff(people, prepend=-1))
        least = np.minimum.reduceat(numbers.least[rows][order], new)
        most = np.maximum.reduceat(numbers.most[rows][order], new)
        each, starts = np.unique(groups[new], return_index=True)
        parts = zip(
            each.tolist(),
            np.split(least, starts[1:]),
            np.split(most, starts[1:]),
            strict=True,
        )
        found.update({group: Reach(low, high) for group, low, high in parts})
    return found
