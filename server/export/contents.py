"""What a plan finds in the database: places, counts, and records as columns under public names."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from server.export.anonymization import People
from server.export.arrow import Array, Columns, pa
from server.export.arrow_text import truth_values
from server.export.lookups import Keys, Lookup
from server.export.parts import Part, Reached, beyond
from server.export.places import Places
from server.export.reading import ROWS, Reader, rows_at_once
from server.export.shifting import TimeShifts, moments, without_times
from server.export.tables import Column, Kind, Plan, Query, RecordTable, Table


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
        self._experiment = Lookup(Keys(self.rooms.keys), self.rooms.parents)
        self.participants = self._places(
            plan.participants, "participantId", "participant_key", "room_key"
        )
        people = Keys(self.participants.keys)
        self._room = Lookup(people, self.participants.parents)
        of_people = {**self.participants.columns, "participantId": self.participants.ids}
        for name in ("experimentId", "roomId", "participantId"):
            self._lookups[name, "participant_key"] = Lookup(people, of_people[name])
        # a tally that is wrong may be less than what came after the snapshot
        self.selected = {
            table.data_type: max(0, self._number(table.tallied or table.selected))
            for table in plan.records
        }
        self.sealed = {table.data_type: self._number(table.sealed) for table in plan.records}

    def count(self) -> None:
        """Count what is selected, whatever the tallies said."""
        self.selected = {table.data_type: self._number(table.selected) for table in self._records}

    @cached_property
    def of_participant(self) -> dict[str, dict[int, int]]:
        """How many records of each type each participant has."""
        return {table.data_type: dict(self._reader.tuples(table.counts)) for table in self._records}

    @cached_property
    def of_room(self) -> dict[str, Counter[int]]:
        """How many records of each type there are in each room."""
        return {name: self._by_room(counts) for name, counts in self.of_participant.items()}

    def records(
        self, table: RecordTable, places: Sequence[int], reached: Reached | None = None
    ) -> Iterator[Part]:
        """Read the records of some places, in their order; of rooms, perhaps those yet to write."""
        if reached is not None:
            places = [room for room in places if room >= reached[0]]
        batches = self._read(table, places)
        for rows in batches if reached is None else beyond(reached, batches):
            public = self._public(table, rows, table.hidden, encoded=True)
            yield Part(public, rows["room_key"], rows["timestamp"])

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

    def _read(self, table: RecordTable, places: Sequence[int]) -> Iterator[Columns]:
        """Read records; whose they are tells their rooms."""
        for rows in self._reader.batches(table.rows.among(places), rows_at_once(table)):
            yield {"room_key": self._room.find(rows["participant_key"]), **rows}

    def _number(self, query: Query) -> int:
        [[number]] = self._reader.tuples(query)
        return int(number)

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
        self._lookups[own_id, own_key] = Lookup(Keys(keys), ids)
        return Places(table, keys, ids, rows.get(parent), self._public(table, rows))

    def _public(
        self, table: Table, rows: Columns, hidden: Sequence[Column] = (), *, encoded: bool = False
    ) -> Columns:
        """Return rows under public names; ids of places `encoded`, if they are many times there."""
        read = (*table.columns, *hidden)
        columns = {column.name: self._column(column, rows, encoded) for column in read}
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

    def _column(self, column: Column, rows: Columns, encoded: bool) -> Array:  # noqa: FBT001
        if column.key:
            lookup, keys = self._lookups[column.name, column.key], rows[column.key]
            return lookup.encoded(keys) if encoded else lookup.find(keys)
        stored = rows[column.name]
        return truth_values(stored) if column.kind is Kind.BOOLEAN else stored


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
