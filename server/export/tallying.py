"""Who has how many records where: read once a type, and all that statistics need to know of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from server.export.arrow import Array, Columns, pa
from server.export.contents import Contents
from server.export.lookups import Keys, Lookup
from server.export.small_cells import Cells, Ints
from server.export.statistics import Floats
from server.export.tables import Summary


class Words:
    """Numbers for texts, in the order in which they were first seen; NULL is one of them."""

    def __init__(self) -> None:
        self._numbers: dict[str | None, int] = {}
        self._words: list[str | None] = []

    def numbered(self, texts: Array) -> Ints:
        """Return the number of each text."""
        distinct = texts.dictionary_encode(null_encoding="encode")
        words: list[str | None] = distinct.dictionary.to_pylist()
        numbers = np.array([self._number(word) for word in words], np.int64)
        found: Ints = numbers[distinct.indices.to_numpy()]
        return found

    def _number(self, word: str | None) -> int:
        if (number := self._numbers.get(word)) is None:
            number = self._numbers[word] = len(self._words)
            self._words.append(word)
        return number

    def word(self, number: int) -> str | None:
        return self._words[number]


class Seats:
    """Where participants are, and who: the same person in several rooms of an experiment is one."""

    def __init__(self, contents: Contents) -> None:
        participants, rooms = contents.participants, contents.rooms
        assert participants.parents is not None
        assert rooms.parents is not None
        room_rows = np.array([rooms.row_of[key] for key in participants.parents.to_pylist()], int)
        experiments = contents.experiments.row_of
        of_room = np.array([experiments[key] for key in rooms.parents.to_pylist()], int)
        of_person = of_room[room_rows] if len(room_rows) else room_rows
        people = zip(of_person.tolist(), participants.ids.to_pylist(), strict=True)
        numbers = dict[tuple[int, str], int]()
        who = [numbers.setdefault(person, len(numbers)) for person in people]
        keys = Keys(participants.keys)
        self._people = Lookup(keys, pa.array(who, pa.int64()))
        self._rooms = Lookup(keys, pa.array(room_rows, pa.int64()))
        self._experiments = Lookup(keys, pa.array(of_person, pa.int64()))

    def people(self, participants: Array) -> Ints:
        return _numbers(self._people.find(participants))

    def rooms(self, participants: Array) -> Ints:
        return _numbers(self._rooms.find(participants))

    def experiments(self, participants: Array) -> Ints:
        return _numbers(self._experiments.find(participants))


def _numbers(found: Array) -> Ints:
    numbers: Ints = found.to_numpy()
    return numbers


Choice: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Numbers:
    """Of one column: how many numbers there are, the least and the greatest, row by row."""

    counts: Ints
    least: Floats
    most: Floats


@dataclass(frozen=True)
class Tally:
    """Who has how many records in which component, room and category: a row for each.

    groups  the component, the room, then each category, by number
    """

    experiments: Ints
    people: Ints
    groups: Sequence[Ints]
    records: Ints
    numbers: Sequence[Numbers]

    def of(self, experiment: int) -> "Tally":
        """Return the rows of one experiment."""
        return self.only(self.experiments == experiment)

    def only(self, kept: Choice) -> "Tally":
        """Return some rows."""
        if kept.all():
            return self
        return Tally(
            self.experiments[kept],
            self.people[kept],
            [groups[kept] for groups in self.groups],
            self.records[kept],
            [Numbers(n.counts[kept], n.least[kept], n.most[kept]) for n in self.numbers],
        )

    def cells(self) -> Cells:
        """Return the records, broken down in every way."""
        return Cells(self.people, self.groups, self.records)

    def cells_of(self, number: int) -> Cells:
        """Return the records in which one column has a number, by component and by room."""
        there = self.only(self.numbers[number].counts > 0)
        return Cells(there.people, there.groups[:2], there.numbers[number].counts)


def read_tally(contents: Contents, seats: Seats, summary: Summary, words: Sequence[Words]) -> Tally:
    """Read who has how many records where; `words` are those of components and of each category."""
    parts = list(_parts(contents.batches(summary.counts), seats, summary, words))
    if not parts:
        nothing = np.zeros(0, np.int64)
        numbers = [Numbers(nothing, np.zeros(0), np.zeros(0)) for _ in summary.numbers]
        groups = [nothing] * (2 + len(summary.categories))
        return Tally(nothing, nothing, groups, nothing, numbers)
    return Tally(
        np.concatenate([part.experiments for part in parts]),
        np.concatenate([part.people for part in parts]),
        [np.concatenate(each) for each in zip(*(part.groups for part in parts), strict=True)],
        np.concatenate([part.records for part in parts]),
        [
            Numbers(
                np.concatenate([each.counts for each in same]),
                np.concatenate([each.least for each in same]),
                np.concatenate([each.most for each in same]),
            )
            for same in zip(*(part.numbers for part in parts), strict=True)
        ],
    )


def components_of(rows: Columns, words: Words, summary: Summary) -> Ints:
    """Return the component of each row, by number: one for all where there are none."""
    if not summary.by_component:
        return np.zeros(len(rows["participant_key"]), np.int64)
    return words.numbered(rows["component"])


def _parts(
    batches: Iterator[Columns], seats: Seats, summary: Summary, words: Sequence[Words]
) -> Iterator[Tally]:
    for rows in batches:
        participants = rows["participant_key"]
        categories = [
            words[place + 1].numbered(rows[f"category_{place}"])
            for place in range(len(summary.categories))
        ]
        groups = [components_of(rows, words[0], summary), seats.rooms(participants), *categories]
        yield Tally(
            seats.experiments(participants),
            seats.people(participants),
            groups,
            _numbers(rows["records"]),
            [_of_number(rows, place) for place in range(len(summary.numbers))],
        )


def _of_number(rows: Columns, place: int) -> Numbers:
    least, most = (
        rows[f"{name}_{place}"].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in ("least", "most")
    )
    return Numbers(_numbers(rows[f"count_{place}"]), least, most)
