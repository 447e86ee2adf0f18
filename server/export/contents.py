"""What a plan finds in the database: places, counts, and records as columns under public names."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from server.export.anonymization import People
from server.export.arrow import Array, Columns, pa
from server.export.arrow_text import truth_values
from server.export.lookups import Lookup
from server.export.places import Places
from server.export.reading import ROWS, Reader, rows_at_once
from server.export.shifting import TimeShifts, moments, without_times
from server.export.tables import Column, Kind, Plan, Query, RecordTable, Table

Key = tuple[int, int, int]
"""What records are in the order of: the keys of their room, their time, and themselves."""

_ORDER = ("room_key", "timestamp", "id")


@dataclass(frozen=True)
class Part:
    """Some records, in order, as the columns of a file, and their keys."""

    rows: Columns
    keys: tuple[Array, ...]

    def __len__(self) -> int:
        return len(self.keys[0])

    def slice(self, start: int, count: int | None = None) -> "Part":
        """Return some of the records."""
        rows = {name: column.slice(start, count) for name, column in self.rows.items()}
        return Part(rows, tuple(column.slice(start, count) for column in self.keys))

    @property
    def last(self) -> Key:
        """The keys of the last of them."""
        room, timestamp, key = (column[-1].as_py() for column in self.keys)
        return room, timestamp, key


class Contents:
    """All that is selected. Records are read when they are asked for, some at a time."""

    def __init__(self, reader: Reader, plan: Plan) -> None:
        self._reader = reader
        self._records = plan.records
        self._moments = moments((plan.rooms, plan.participants, *plan.records))
        self._people = People(reader, plan.identities, plan.own) if plan.identities else None
        self._lookups: dict[tuple[str, str], Lookup] = {}
        self._shifts = TimeShifts(reader.whole(plan.shifts)) if plan.shifts else None
        self.experiments = self._places(plan.experiments, "experimentId", "experiment_key")
        self.rooms = self._places(plan.rooms, "roomId", "room_key", "experiment_key")
        of_room = Lookup(self.rooms.keys, self.rooms.columns["experimentId"])
        self._lookups["experimentId", "room_key"] = of_room
        self._experiment = Lookup(self.rooms.keys, self.rooms.parents)
        self.participants = self._places(
            plan.participants, "participantId", "participant_key", "room_key"
        )
        self.selected = {
            table.data_type: int(reader.tuples(table.selected)[0][0]) for table in plan.records
        }
        self.sealed = {
            table.data_type: int(reader.tuples(table.sealed)[0][0]) for table in plan.records
        }

    @cached_property
    def of_participant(self) -> dict[str, dict[int, int]]:
        """How many records of each type each participant has."""
        return {table.data_type: dict(self._reader.tuples(table.counts)) for table in self._records}

    @cached_property
    def of_room(self) -> dict[str, Counter[int]]:
        """How many records of each type there are in each room."""
        return {name: self._by_room(counts) for name, counts in self.of_participant.items()}

    def records(
        self, table: RecordTable, places: Sequence[int], after: Key | None = None
    ) -> Iterator[Part]:
        """Read the records of some places, in their order; of rooms, perhaps from a key on."""
        if after is not None:
            places = [room for room in places if room >= after[0]]
        for rows in self._reader.batches(table.rows.among(places), rows_at_once(table)):
            if after is not None:
                start = _first_beyond(after, rows)
                if start == len(rows["id"]):
                    continue
                rows = {name: column.slice(start) for name, column in rows.items()}
                after = None
            yield Part(
                self._public(table, rows, table.hidden), tuple(rows[name] for name in _ORDER)
            )

    def json(self, table: Table) -> Iterator[Columns]:
        """Read the JSON columns of all records of a type, room by room."""
        for rows in self._reader.batches(table.rows.among(self.rooms.keys), rows_at_once(table)):
            yield self._public(table, rows)

    def batches(self, query: Query) -> Iterator[Columns]:
        """Read what else a plan asks for, some rows at a time."""
        return self._reader.batches(query, ROWS)

    def label(self, experiment_key: int, text: str) -> str:
        """Return the id of a thing, or a short text, without the ids of people of an experiment."""
        return self._people.label(experiment_key, text) if self._people else text

    def disclosable(self, filters: object) -> object:
        """Return filters without what they tell of people, and of times, if that is left out."""
        shown = self._people.without_identities(filters) if self._people else filters
        return self.timeless(shown)

    def timeless(self, filters: object) -> object:
        """Return filters without what they tell of times, if those are moved."""
        return without_times(filters, self._moments) if self._shifts else filters

    def _by_room(self, counts: dict[int, int]) -> Counter[int]:
        rooms = Counter[int]()
        for room, inside in self.participants.inside.items():
            rooms[room] = sum(counts.get(participant, 0) for participant in inside)
        return rooms

    def _places(self, table: Table, own_id: str, own_key: str, parent: str = "") -> Places:
        rows = self._reader.whole(table.rows)
        keys: list[int] = rows[own_key].to_pylist()
        ids = rows["public_id"]
        if self._people:
            named = self._people.codes if own_id == "participantId" else self._people.labels
            ids = named(rows["experiment_key"], ids)
        self._lookups[own_id, own_key] = Lookup(keys, ids)
        return Places(table, keys, ids, rows.get(parent), self._public(table, rows))

    def _public(self, table: Table, rows: Columns, hidden: Sequence[Column] = ()) -> Columns:
        read = (*table.columns, *hidden)
        columns = {column.name: self._column(column, rows) for column in read}
        if self._shifts:
            columns |= self._shifts.moved(read, columns, rows.get("room_key"))
        if self._people is None:
            return columns  # there is nothing to hide, nor anything hidden
        experiments = rows.get("experiment_key") or self._experiment.find(rows["room_key"])
        parts = [
            self._people.scrubbed(read, experiment, part)
            for experiment, part in _by_experiment(experiments, columns)
        ]
        shown = [column.name for column in table.columns]
        return {name: _joined(columns[name], [part[name] for part in parts]) for name in shown}

    def _column(self, column: Column, rows: Columns) -> Array:
        if column.key:
            return self._lookups[column.name, column.key].find(rows[column.key])
        stored = rows[column.name]
        return truth_values(stored) if column.kind is Kind.BOOLEAN else stored


def _first_beyond(key: Key, rows: Columns) -> int:
    """Return where in some rows, which are in order, those beyond a key begin."""
    beyond: Any = np.zeros(len(rows["id"]), bool)
    for name, place in zip(reversed(_ORDER), reversed(key), strict=True):
        values = rows[name].to_numpy()
        beyond = (values > place) | ((values == place) & beyond)
    return int(np.argmax(beyond)) if beyond.any() else len(beyond)


def _by_experiment(experiments: Array, rows: Columns) -> Iterator[tuple[int, Columns]]:
    """Cut rows where the experiment changes: who is known depends on it."""
    values = experiments.to_numpy()
    if not len(values):
        return
    cuts = (np.flatnonzero(np.diff(values)) + 1).tolist()
    for start, end in pairwise([0, *cuts, len(values)]):
        yield (
            int(values[start]),
            {name: column.slice(start, end - start) for name, column in rows.items()},
        )


def _joined(whole: Array, parts: Sequence[Array]) -> Array:
    if len(parts) == 1:
        return parts[0]
    return pa.concat_arrays(parts) if parts else whole
