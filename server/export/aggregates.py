"""Statistics instead of records: of experiments, components, rooms and categories large enough."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from server.export.arrow import Array, Columns, pa
from server.export.contents import Contents
from server.export.groups import CATEGORY, COMPONENT, ROOM, WHOLE, Group, Membership, reaches
from server.export.reports import Report
from server.export.small_cells import Ints, publishable
from server.export.statistics import QUANTILES, Floats, Statistics
from server.export.tables import Column, Kind, Summary
from server.export.tallying import Choice, Seats, Tally, Words, components_of, read_tally

Shown = Mapping[int, Sequence[frozenset[int]]]
"""By experiment: the components, the rooms, and of each category the values that may be shown."""

_NAMES = zip(
    QUANTILES, ("minimum", "first quartile", "median", "third quartile", "maximum"), strict=True
)

COLUMNS = (
    Column("experimentId", Kind.PUBLIC_ID, "Public id of the experiment."),
    Column("group", Kind.TEXT, "What the figures are of: experiment, component, room or category."),
    Column("componentId", Kind.PUBLIC_ID, "Which component; none for records that name none."),
    Column("roomId", Kind.PUBLIC_ID, "Which room."),
    Column("column", Kind.TEXT, "What was counted or calculated with; none for whole records."),
    Column("value", Kind.TEXT, "The category's value; none for records without one."),
    Column("participants", Kind.INTEGER, "How many people the figures are of.", "participants"),
    Column("records", Kind.INTEGER, "How many records, or numbers, they are of."),
    Column("mean", Kind.REAL, "The mean of the numbers."),
    Column("sd", Kind.REAL, "Their sample standard deviation (n - 1)."),
    *(
        Column(name, Kind.REAL, f"Their {words} (type 7), if it singles nobody out.")
        for name, words in _NAMES
    ),
)
"""The columns of a table of statistics."""


class Aggregates:
    """Calculates tables of statistics, and knows what became of the records of each type."""

    def __init__(self, contents: Contents, report: Report, least: int) -> None:
        self._contents = contents
        self._report = report
        self._least = least
        self._seats = Seats(contents)
        self.withheld: dict[str, Counter[str]] = {}

    def table(self, summary: Summary) -> Columns:
        """Return the statistics of a table of the database."""
        pace = _Pace(self._report, self._contents.selected.get(summary.data_type, 0), summary)
        pace.tell(f"Counting {summary.title}")
        words = [Words() for _ in (COMPONENT, *summary.categories)]
        tally = read_tally(self._contents, self._seats, summary, words)
        shown: dict[int, Sequence[frozenset[int]]] = {}
        for experiment in np.unique(tally.experiments).tolist():
            kept = publishable(tally.of(experiment).cells(), self._least)
            if kept is not None:
                shown[experiment] = kept
        if summary.data_type:
            self.withheld[summary.data_type] = _withheld(tally, shown)
        rows = _Rows(self._contents, words)
        for experiment, allowed in shown.items():
            _count(rows, summary, tally.of(experiment), experiment, allowed)
        for place, column in enumerate(summary.numbers):
            groups = list(self._groups(summary, place, tally, shown))
            reading = self._numbers(summary, place, words[0])
            message = f"Calculating {column.name} of {summary.title}"
            steps = (pace.along(message, each) for each in reading)
            self._calculate(rows, column.name, groups, _Column(tally, place, steps))
        pace.finish(f"Calculated {summary.title}")
        return rows.columns()

    def _calculate(
        self, rows: "_Rows", name: str, groups: Sequence[Group], column: "_Column"
    ) -> None:
        """Calculate with a column in all groups at once."""
        if not groups:
            return
        membership = Membership(groups, len(self._contents.experiments.keys))
        counts = np.zeros(len(groups), np.int64)
        for numbers, there in membership.of_tally(column.tally):
            np.add.at(counts, numbers, column.tally.numbers[column.place].counts[there])
        statistics = Statistics(counts)
        for values, *where in column.numbers:
            for numbers, there in membership.of(*where):
                statistics.add(numbers, values[there])
        assert statistics.complete
        for number, reach in sorted(reaches(membership, column.tally, column.place).items()):
            size = (len(reach.least), int(counts[number]))
            figures = statistics.figures(number, reach, self._least)
            rows.add(groups[number], name, size=size, figures=figures)

    def _numbers(self, summary: Summary, place: int, components: Words) -> "Iterator[_Numbers]":
        """Read a column's numbers, some at a time, the smallest first."""
        for rows in self._contents.batches(summary.values[place]):
            participants = rows["participant_key"]
            yield (
                rows["value"].to_numpy(zero_copy_only=False).astype(np.float64),
                self._seats.experiments(participants),
                components_of(rows, components, summary),
                self._seats.rooms(participants),
            )

    def _groups(self, summary: Summary, place: int, tally: Tally, shown: Shown) -> Iterator[Group]:
        """Yield the groups in which a column may be calculated with: of those shown, no others."""
        for experiment, allowed in shown.items():
            cells = tally.of(experiment).cells_of(place)
            if (kept := publishable(cells, self._least, allowed)) is not None:
                yield Group(WHOLE, experiment)
                yield from _parts(summary, experiment, kept)


_Numbers: TypeAlias = tuple[Floats, Ints, Ints, Ints]
"""Some numbers, and of each the experiment, the component and the room, by number."""


@dataclass(frozen=True)
class _Column:
    """A column of numbers: what is known of it beforehand, and the numbers themselves."""

    tally: Tally
    place: int
    numbers: Iterator[_Numbers]


def _parts(summary: Summary, experiment: int, shown: Sequence[frozenset[int]]) -> Iterator[Group]:
    components, rooms = shown[:2]
    if summary.by_component:
        yield from (Group(COMPONENT, experiment, number) for number in sorted(components))
    yield from (Group(ROOM, experiment, number) for number in sorted(rooms))


def _count(
    rows: "_Rows",
    summary: Summary,
    tally: Tally,
    experiment: int,
    shown: Sequence[frozenset[int]],
) -> None:
    """Add the numbers of records of an experiment, and of its groups."""
    rows.add(Group(WHOLE, experiment), None, size=_size(tally, tally.records > 0))
    for part in _parts(summary, experiment, shown):
        groups = tally.groups[0 if part.kind == COMPONENT else 1]
        rows.add(part, None, size=_size(tally, groups == part.number))
    for place, column in enumerate(summary.categories, 2):
        for number in sorted(shown[place]):
            size = _size(tally, tally.groups[place] == number)
            rows.add(Group(CATEGORY, experiment, number), column.name, place, size=size)


def _size(tally: Tally, kept: Choice) -> tuple[int, int]:
    """Return how many people and records there are in some rows."""
    return len(np.unique(tally.people[kept])), int(tally.records[kept].sum())


def _withheld(tally: Tally, shown: Shown) -> Counter[str]:
    """Return what became of the records: they went into statistics, or would be of too few."""
    aggregated = np.isin(tally.experiments, list(shown))
    counts = {
        "AGGREGATED": int(tally.records[aggregated].sum()),
        "SMALL_GROUP": int(tally.records[~aggregated].sum()),
    }
    return Counter({reason: count for reason, count in counts.items() if count})


class _Pace:
    """Tells how far one has come with records that are read once for each column of numbers."""

    def __init__(self, report: Report, records: int, summary: Summary) -> None:
        self._report = report
        self._records = records
        self._readings = 1 + len(summary.numbers)
        self._read = 0
        self._told = 0

    def tell(self, message: str, read: int = 0) -> None:
        """Say what is being done; some more were read."""
        self._read += read
        done = min(self._records, self._read // self._readings)
        self._report.tell(message, done - self._told)
        self._told = done

    def along(self, message: str, numbers: _Numbers) -> _Numbers:
        """Say what is being done with some numbers, and hand them on."""
        self.tell(message, len(numbers[0]))
        return numbers

    def finish(self, message: str) -> None:
        """Say that all was done."""
        self.tell(message, self._records * self._readings - self._read)


class _Rows:
    """The rows of a table; `words` are its components, then the values of each category."""

    def __init__(self, contents: Contents, words: Sequence[Words]) -> None:
        self._contents = contents
        self.words = words
        self._rows: list[tuple[tuple[Any, ...], list[Any]]] = []

    def add(
        self,
        group: Group,
        column: str | None,
        place: int = 0,
        *,
        size: tuple[int, int],
        figures: Sequence[float | None] = (None,) * (2 + len(QUANTILES)),
    ) -> None:
        """Add a row; `place` is that of a category's column."""
        component, room, value = None, None, None
        match group.kind:
            case "component":
                component = self._label(group.experiment, self.words[0].word(group.number))
            case "room":
                room = self._contents.rooms.ids[group.number].as_py()
            case "category":
                word = self.words[place - 1].word(group.number)
                value = self._label(group.experiment, word)
            case _:
                pass
        kind = (WHOLE, COMPONENT, ROOM, CATEGORY).index(group.kind)
        experiment = self._contents.experiments.ids[group.experiment].as_py()
        place_of = (group.experiment, kind, place, *_last(component), *_last(value), group.number)
        self._rows.append(
            (place_of, [experiment, group.kind, component, room, column, value, *size, *figures])
        )

    def columns(self) -> Columns:
        """Return the rows in order: by experiment, then group by group."""
        rows = [values for _, values in sorted(self._rows, key=lambda row: row[0])]
        return {
            column.name: pa.array([row[place] for row in rows], _TYPES[column.kind])
            for place, column in enumerate(COLUMNS)
        }

    def _label(self, experiment: int, text: str | None) -> str | None:
        """Return an id or a value without the ids and addresses of people that may be in it."""
        key = self._contents.experiments.keys[experiment]
        return None if text is None else self._contents.label(key, text)


def _last(text: str | None) -> tuple[bool, str]:
    """Return what sorts a text; none comes last."""
    return text is None, text or ""


_TYPES: Mapping[Kind, Array] = {
    Kind.PUBLIC_ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.REAL: pa.float64(),
}
