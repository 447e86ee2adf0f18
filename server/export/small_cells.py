"""Small cells: which groups figures may be shown of, so that none can be told of too few people.

Whoever has figures of some groups can add and subtract them: a total less the groups shown is a
figure of those that are not, and a category less its kinds is one of the kinds left out. Whatever
is found so is made of *atoms*: the records that lie in the same shown group of every breakdown,
where the groups of a breakdown that are not shown count as one. So it is enough that every atom is
of enough people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]

_HIDDEN = -1


@dataclass(frozen=True)
class Cells:
    """How many records people have in the cells of a table that is broken down in several ways.

    people   whose they are, by number
    groups   for each breakdown, which of its groups they lie in, by number from 0 on
    records  how many, at least one
    """

    people: Ints
    groups: Sequence[Ints]
    records: Ints


def enough(sets: Ints, cells: Cells, least: int) -> Ints:
    """Tell of sets of records, numbered from 0 without a gap, whether each is of enough people.

    That is: of so many at least, and not half of it of one alone.
    """
    people = int(cells.people.max(initial=0)) + 1
    pairs, rows = np.unique(sets * people + cells.people, return_inverse=True)
    records = np.bincount(rows, weights=cells.records)
    of = pairs // people
    most = np.zeros(int(of.max(initial=-1)) + 1)
    np.maximum.at(most, of, records)
    total: Any = np.bincount(of, weights=records)
    found: Ints = (np.bincount(of) >= least) & (2 * most <= total)
    return found


def publishable(
    cells: Cells, least: int, allowed: Sequence[frozenset[int]] | None = None
) -> list[frozenset[int]] | None:
    """Return which groups of each breakdown may be shown; None if not even the whole may be.

    Breakdowns are taken one after the other: none loses a group for the sake of a later one.
    `allowed` are the only groups that may be.
    """
    atoms = np.zeros(len(cells.people), np.int64)
    if not len(atoms) or not enough(atoms, cells, least).all():
        return None
    shown: list[frozenset[int]] = []
    for place, groups in enumerate(cells.groups):
        there = frozenset(np.unique(groups).tolist())
        kept = _kept(atoms, groups, cells, least, there & allowed[place] if allowed else there)
        shown.append(kept)
        atoms = _crossed(atoms, _merged(groups, kept))
    return shown


def _kept(
    atoms: Ints, groups: Ints, cells: Cells, least: int, allowed: frozenset[int]
) -> frozenset[int]:
    """Return the groups that part atoms into others of enough people each."""
    sizes = _sizes(groups, cells.people)
    kept = set(allowed)
    while kept:
        merged = _merged(groups, kept)
        parts = _crossed(atoms, merged)
        small = set(np.unique(merged[~enough(parts, cells, least)[parts]]).tolist())
        if not small:
            break
        if small == {_HIDDEN}:  # what is left over must grow: the smallest goes there, too
            small = {min(kept, key=lambda group: (sizes[group], group))}
        kept -= small
    return frozenset(kept)


def _merged(groups: Ints, kept: frozenset[int] | set[int]) -> Ints:
    """Return the groups that are shown, and one number for all others."""
    shown = np.isin(groups, np.fromiter(kept, np.int64, len(kept)))
    merged: Ints = np.where(shown, groups, _HIDDEN)
    return merged


def _crossed(atoms: Ints, merged: Ints) -> Ints:
    """Return a number for each set that lies in one atom and one group, from 0 without a gap."""
    width = int(merged.max(initial=0)) + 2
    numbers: Ints = np.unique(atoms * width + (merged - _HIDDEN), return_inverse=True)[1]
    return numbers


def _sizes(groups: Ints, people: Ints) -> dict[int, int]:
    """Count the people of each group."""
    pairs = np.unique(np.stack([groups, people]), axis=1)
    found, counts = np.unique(pairs[0], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
