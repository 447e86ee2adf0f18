"""Experiments, rooms and participants that records from elsewhere name: made where there are none.

What is there stays as it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server import timestamps
from server.access import Actor
from server.errors import AlreadyThere, Archived
from server.importing.outside.sources import Sent, Source
from server.ingest.reading import LONGEST_ID
from server.records.experiments import Experiment, ExperimentStatus, ParticipantField
from server.records.participants import Participant, ParticipantStatus
from server.records.rooms import Room, RoomStatus
from server.rows import layout_of
from server.sealing.withdrawn import withdrawn_from

_EXPERIMENT = layout_of(Experiment)


@dataclass
class Places:
    """Makes the places of batches, each once; counts how many.

    experiment_keys  of the experiments that were named so far, by public id
    made             when these were made
    """

    actor: Actor
    source: Source
    start: int | None = None
    experiments: int = 0
    rooms: int = 0
    participants: int = 0
    experiment_keys: dict[str, int] = field(default_factory=dict[str, int])
    made: dict[str, int] = field(default_factory=dict[str, int])
    _rooms: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    _left_out: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    _people: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    async def make(self, tx: AsyncConnection, batch: Sequence[Sent]) -> None:
        """Make what records name and is not there; AlreadyThere for somebody else's experiment."""
        seats: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for sent in batch:
            if (seat := _seat(sent.record)) is not None:
                seats[seat] += _start(sent.record) if seat[1] not in self._rooms else []
        for experiment in {experiment for experiment, _, _ in seats}.difference(
            self.experiment_keys
        ):
            key, self.made[experiment] = await self._experiment(tx, experiment)
            self.experiment_keys[experiment] = key
        starts: dict[tuple[str, str], list[int]] = defaultdict(list)
        for (experiment, room, _), some in seats.items():
            starts[experiment, room].extend(some)
        for (experiment, room), some in starts.items():
            if room not in self._rooms:
                self._rooms[room] = await self._room(
                    tx, room, self.experiment_keys[experiment], some
                )
        people = {
            (room, person)
            for experiment, room, person in seats
            if self._rooms[room][1] == self.experiment_keys[experiment]  # else they are refused
        }
        await self._make_people(tx, people - self._people)

    async def _experiment(self, tx: AsyncConnection, experiment_id: str) -> tuple[int, int]:
        named = col(Experiment.experiment_id) == experiment_id
        found = select(
            col(Experiment.id),
            col(Experiment.created_at),
            col(Experiment.status),
            col(Experiment.fields_not_collected),
        ).where(named)
        locked = found.with_for_update(read=True)
        for key, created_at, status, left_out in await tx.execute(locked):
            owned = select(col(Experiment.id)).where(named, self.actor.owns(_EXPERIMENT))
            if await tx.scalar(owned) is None:
                raise AlreadyThere(
                    f"{experiment_id!r} is somebody else's experiment: say `--into` with another "
                    "id, or `--owner` with the account whose it is."
                )
            if status == ExperimentStatus.ARCHIVED:
                raise Archived(
                    f"{experiment_id!r} is archived: take it out of the archive before, or say "
                    "`--into` with another id."
                )
            assert key is not None
            self._left_out[key] = [ParticipantField(each).column for each in left_out]
            return key, created_at
        at = timestamps.now()
        new: dict[str, Any] = {
            "experiment_id": experiment_id,
            "name": experiment_id,
            "status": ExperimentStatus.COMPLETED.value,
            "created_at": at,
            "updated_at": at,
            "completed_at": at,
            "roles": [],
            "fields_not_collected": [],
            **self.source.experiment(experiment_id),
            "owner_key": self.actor.user_key,
        }
        self.experiments += 1
        return await _inserted(tx, Experiment, new), new["created_at"]

    async def _room(
        self, tx: AsyncConnection, room_id: str, experiment_key: int, starts: Sequence[int]
    ) -> tuple[int, int]:
        found = select(col(Room.id), col(Room.experiment_key)).where(col(Room.room_id) == room_id)
        for key, its_experiment in await tx.execute(found):
            assert key is not None
            return key, its_experiment
        known = self.source.room(room_id)
        start = known.get("experiment_start", median_low(starts) if starts else self.start)
        new = {
            "room_id": room_id,
            "status": RoomStatus.COMPLETED.value,
            **known,
            "experiment_start": start,
            "experiment_key": experiment_key,
        }
        self.rooms += 1
        return await _inserted(tx, Room, new), experiment_key

    async def _make_people(self, tx: AsyncConnection, people: Iterable[tuple[str, str]]) -> None:
        by_room: dict[str, set[str]] = defaultdict(set)
        for room, person in people:
            by_room[room].add(person)
        new: list[dict[str, Any]] = []
        withdrawn = await withdrawn_from(tx, {self._rooms[room][1] for room in by_room})
        for room, named in by_room.items():
            key, experiment_key = self._rooms[room]
            there = select(col(Participant.participant_id)).where(col(Participant.room_key) == key)
            place = {"experiment_key": experiment_key, "room_key": key}
            missing = [
                person
                for person in sorted(named.difference((await tx.scalars(there)).all()))
                if not withdrawn.wholly(experiment_key, person)
            ]
            new += [
                {
                    **_nobody(person),
                    **self.source.participant(room, person),
                    **dict.fromkeys(self._left_out.get(experiment_key, ())),
                    **place,
                }
                for person in missing
            ]
            self._people.update((room, person) for person in named)
        if new:
            await tx.execute(insert(Participant), new)
        self.participants += len(new)


async def _inserted(tx: AsyncConnection, model: type[Any], values: Mapping[str, Any]) -> int:
    key: int | None = await tx.scalar(insert(model).values(values).returning(col(model.id)))
    assert key is not None
    return key


def _nobody(participant_id: str) -> dict[str, Any]:
    columns = dict.fromkeys(
        name
        for name in Participant.model_fields
        if name not in ("id", "experiment_key", "room_key")
    )
    status = ParticipantStatus.COMPLETED.value
    return {**columns, "participant_id": participant_id, "status": status}


def _seat(record: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return where a record belongs; None if it names no place that there could be."""
    names = [record.get(name) for name in ("experimentId", "roomId", "participantId")]
    ids = [each for each in names if isinstance(each, str) and 0 < len(each) <= LONGEST_ID]
    if len(ids) < len(names) or any("\0" in each for each in ids):
        return None
    experiment, room, participant = ids
    return experiment, room, participant


def _start(record: Mapping[str, Any]) -> list[int]:
    """Return what a record says of its room's time zero, if it does."""
    onset, at = record.get("onset"), record.get("timestamp")
    if not isinstance(onset, int):
        return []
    try:
        moment = timestamps.parse(at) if isinstance(at, str) else at
    except ValueError:
        return []
    return [moment - onset] if isinstance(moment, int) else []
