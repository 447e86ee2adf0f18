"""Puts what was read into the database: places first, then the records that lie in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import SQLColumnExpression, insert, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Stored
from server.errors import AlreadyThere, BadPackage
from server.export.arrow import Columns, pa, pc
from server.importing.breaches import breaches
from server.importing.inserts import Values, put
from server.importing.media import MediaFile, MediaStore
from server.importing.packages import Places
from server.importing.targets import EXPERIMENTS, PARTICIPANTS, ROOMS, Filled, Target
from server.key_lists import among
from server.records.experiments import Experiment, ExperimentStatus, ParticipantField
from server.records.participants import Participant, Pseudonym
from server.records.rooms import Room
from server.records.time_shifts import TimeShift

_ASKED = 5_000
"""How many names are looked for in one statement: databases take only some thousands."""


class Store:
    """An import within one transaction. Nobody can follow the rooms it makes, so it takes none.

    _rooms   by the ids of rooms, the id and the key of the experiment, and the room's own key
    _people  by the ids of room and participant, the participant's key
    _left_out  by the ids of experiments, what they do not collect
    """

    def __init__(self, tx: AsyncConnection, owner_key: int) -> None:
        self._tx = tx
        self._owner = owner_key
        self._rooms: dict[str, tuple[str, int, int]] = {}
        self._people: dict[tuple[str, str], int] = {}
        self._left_out: dict[str, list[str]] = {}

    async def put_places(self, places: Places, room_order: Sequence[str]) -> None:
        """Insert places, the rooms in some order; AlreadyThere if one of them is there."""
        experiments = {**_own(EXPERIMENTS, places.experiments)}
        if "completedAt" not in places.experiments:  # as packages were before
            experiments["completed_at"] = _completed(experiments)
        ids = experiments["experiment_id"]
        await self._require_absent(col(Experiment.experiment_id), ids)
        await put(self._tx, Experiment, {**experiments, "owner_key": [self._owner] * len(ids)})
        if places.rooms:
            keys = await self._keys_of(Experiment, ids)
            fields = map(orjson.loads, experiments["fields_not_collected"])
            self._left_out = dict(zip(ids, fields, strict=True))
            await self._put_rooms(_in_order(places.rooms, "roomId", room_order), keys)
        if places.participants:
            await self._put_people(places.participants)

    async def put_records(self, target: Target, rows: Columns) -> None:
        """Insert records; BadPackage if they are of nobody who was put."""
        experiments, rooms, people = (_texts(rows, name) for name in target.places)
        keys = [self._people.get(place) for place in zip(rooms, people, strict=True)]
        if None in keys:
            raise BadPackage(f"Some {target.title} are of nobody who is in the package.")
        places = _within([self._rooms[room] for room in rooms], experiments)
        own = _own(target, rows)
        await put(self._tx, target.model, {**places, "participant_key": keys, **own})

    async def put_codes(self) -> None:
        """Let participants who are called by codes keep these in de-identified exports."""
        pairs = sorted({(self._rooms[room][1], person) for room, person in self._people})
        if not all(_is_code(person) for _, person in pairs):
            raise BadPackage("It is said to be de-identified, but participants are not codes.")
        rows = [
            {"experiment_key": experiment, "participant_id": code, "code": code}
            for experiment, code in pairs
        ]
        if rows:
            await self._tx.execute(insert(Pseudonym), rows)

    async def put_shifts(self) -> None:
        """Let rooms whose times were moved stay where they are in exports that move times."""
        rows = [{"room_key": key, "milliseconds": 0} for _, _, key in self._rooms.values()]
        if rows:
            await self._tx.execute(insert(TimeShift), rows)

    async def put_files(self, media: MediaStore, files: list[MediaFile]) -> int:
        """Give recordings their files; return how many there were."""
        experiments = sorted({experiment for _, experiment, _ in self._rooms.values()})
        return await media.put(self._tx, files, experiments)

    async def breaches(self) -> list[str]:
        """Say which declared checks do not hold of how many records that were put."""
        return await breaches(self._tx, [key for _, _, key in self._rooms.values()])

    async def _put_rooms(self, rooms: Columns, experiments: Mapping[str, int]) -> None:
        own, inside = _own(ROOMS, rooms), _texts(rows=rooms, name="experimentId")
        ids = own["room_id"]
        await self._require_absent(col(Room.room_id), ids)
        if not set(inside).issubset(experiments):
            raise BadPackage("Some rooms are of no experiment that is in the package.")
        keys = [experiments[experiment] for experiment in inside]
        await put(self._tx, Room, {**own, "experiment_key": keys})
        made = await self._keys_of(Room, ids)
        for room, experiment, key in zip(ids, inside, keys, strict=True):
            self._rooms[room] = (experiment, key, made[room])

    async def _put_people(self, people: Columns) -> None:
        experiments, rooms = (_texts(people, name) for name in PARTICIPANTS.places)
        if not set(rooms).issubset(self._rooms):
            raise BadPackage("Some participants are in no room that is in the package.")
        places = _within([self._rooms[room] for room in rooms], experiments)
        own = _own(PARTICIPANTS, people)
        for field in ParticipantField:
            left_out = [field.value in self._left_out[experiment] for experiment in experiments]
            own[field.column] = [
                None if out else value
                for out, value in zip(left_out, own[field.column], strict=True)
            ]
        await put(self._tx, Participant, {**places, **own})
        made = {key: room for room, (_, _, key) in self._rooms.items()}
        found = await self._tx.execute(
            select(
                col(Participant.room_key), col(Participant.participant_id), col(Participant.id)
            ).where(among(col(Participant.room_key), list(made)))
        )
        self._people = {(made[room], person): key for room, person, key in found if key}

    async def _require_absent(self, name: SQLColumnExpression[str], names: Sequence[str]) -> None:
        for some in _chunks(names):
            found = await self._tx.scalar(select(name).where(name.in_(some)).limit(1))
            if found is not None:
                raise AlreadyThere(f"{found!r} is in the database already: nothing was imported.")

    async def _keys_of(self, model: type[Stored], names: Sequence[str]) -> dict[str, int]:
        columns = inspect(model).columns
        name = columns[f"{model.table_name()}_id"]
        keys: dict[str, int] = {}
        for some in _chunks(names):
            found = await self._tx.execute(select(name, columns["id"]).where(name.in_(some)))
            keys.update((text, key) for text, key in found)
        return keys


def _completed(experiments: Values) -> list[int | None]:
    """Return when experiments were completed, as far as they tell: when they last changed."""
    told = zip(experiments["status"], experiments["updated_at"], strict=True)
    return [None if status == ExperimentStatus.ACTIVE else at for status, at in told]


def _within(rooms: Sequence[tuple[str, int, int]], experiments: Sequence[str]) -> Values:
    """Return the keys of rooms and their experiments, which must be those that are named."""
    if [experiment for experiment, _, _ in rooms] != list(experiments):
        raise BadPackage("Some rows name a room of one experiment, and another experiment.")
    return {
        "experiment_key": [experiment for _, experiment, _ in rooms],
        "room_key": [room for _, _, room in rooms],
    }


def _own(target: Target, rows: Columns) -> dict[str, Sequence[Any]]:
    """Return the values of a table's own columns, by their names in the database."""
    count = len(next(iter(rows.values())))
    return {
        filled.stored: _values(name, filled, rows) or [filled.default] * count
        for name, filled in target.own.items()
    }


def _values(name: str, filled: Filled, rows: Columns) -> Sequence[Any]:
    if name not in rows:
        return ()
    allowed = filled.allowed
    if allowed is not None and not allowed.issuperset(pc.unique(rows[name]).to_pylist()):
        raise BadPackage(f"`{name}` is something else than {', '.join(sorted(allowed))}.")
    values: list[Any] = rows[name].to_pylist()
    return values


def _in_order(rows: Columns, name: str, order: Sequence[str]) -> Columns:
    """Sort rows by where their ids stand in a list of them."""
    place_of = {text: place for place, text in enumerate(order)}
    places = [place_of.get(text, len(order)) for text in _texts(rows, name)]
    sorted_rows = pc.sort_indices(pa.array(places))
    return {name: pc.take(values, sorted_rows) for name, values in rows.items()}


def _texts(rows: Columns, name: str) -> list[str]:
    texts: list[str] = rows[name].to_pylist()
    return texts


def _chunks(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + _ASKED] for start in range(0, len(names), _ASKED))


def _is_code(text: str) -> bool:
    return text.startswith("P") and text[1:].isdecimal() and text.isascii()
