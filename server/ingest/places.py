"""Where records belong: rooms that the sender may add to, and who is in them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.ingest.refusals import Refusal
from server.records.experiments import Experiment, ExperimentStatus
from server.records.participants import Participant
from server.records.quarantine import RefusalCode
from server.records.rooms import Room
from server.rows import layout_of

_ASKED = 5_000
"""How many names are looked for in one statement: databases take only some thousands."""

_ROOM = layout_of(Room)


@dataclass(frozen=True, slots=True)
class KnownRoom:
    """A room that the sender may add to.

    start   time zero of its onsets, in ms; None as long as nobody has said
    is_open whether its experiment is not archived, until the transaction ends
    people  the keys of those who are in it, by their public ids
    """

    key: int
    experiment_key: int
    experiment_id: str
    start: int | None
    is_open: bool
    people: dict[str, int]

    def key_of(self, participant_id: str) -> int:
        """Return the key of somebody in the room; raise Refusal if nobody is called so."""
        if (key := self.people.get(participant_id)) is None:
            raise Refusal(
                RefusalCode.UNKNOWN_PARTICIPANT,
                "Nobody of that id is in the room: add them by `participantUpsert`, then send the "
                "record again.",
                "participantId",
            )
        return key


class Places:
    """The rooms that records name, as far as their sender may add to them."""

    def __init__(self, rooms: dict[str, KnownRoom]) -> None:
        self._rooms = rooms

    @property
    def room_keys(self) -> list[int]:
        return [room.key for room in self._rooms.values()]

    @property
    def experiment_keys(self) -> set[int]:
        return {room.experiment_key for room in self._rooms.values()}

    def get(self, room_id: object) -> KnownRoom | None:
        return self._rooms.get(room_id) if isinstance(room_id, str) else None

    def room(self, room_id: str, experiment_id: str | None) -> KnownRoom:
        """Return a room; raise Refusal if there is none, or it is of another experiment."""
        if (room := self._rooms.get(room_id)) is None:
            raise Refusal(
                RefusalCode.UNKNOWN_ROOM,
                "There is no such room that you may add to: make it by `roomUpsert`, then send the "
                "record again.",
                "roomId",
            )
        if experiment_id is not None and experiment_id != room.experiment_id:
            raise Refusal(
                RefusalCode.WRONG_EXPERIMENT,
                "The room is not of that experiment: leave `experimentId` out, or correct it.",
                "experimentId",
            )
        if not room.is_open:
            raise Refusal(
                RefusalCode.ARCHIVED,
                "The experiment is archived, and nothing is added to it: its owner can take it out "
                "of the archive; then send the record again.",
                "roomId",
            )
        return room


async def places_of(tx: AsyncConnection, actor: Actor, room_ids: Collection[str]) -> Places:
    """Look rooms up, and all who are in them, in one statement for some thousands."""
    rooms: dict[str, KnownRoom] = {}
    names = list(room_ids)
    for start in range(0, len(names), _ASKED):
        found = await tx.execute(
            select(
                col(Room.room_id),
                col(Room.id),
                col(Room.experiment_key),
                col(Experiment.experiment_id),
                col(Experiment.status),
                col(Room.experiment_start),
                col(Participant.participant_id),
                col(Participant.id),
            )
            .join(Experiment, col(Experiment.id) == col(Room.experiment_key))
            .outerjoin(Participant, col(Participant.room_key) == col(Room.id))
            .where(col(Room.room_id).in_(names[start : start + _ASKED]), actor.owns(_ROOM))
            .with_for_update(read=True, of=Experiment)  # so that none is archived meanwhile
        )
        for room_id, key, experiment_key, experiment_id, status, zero, person, person_key in found:
            assert key is not None
            is_open = status != ExperimentStatus.ARCHIVED
            room = rooms.setdefault(
                room_id, KnownRoom(key, experiment_key, experiment_id, zero, is_open, {})
            )
            if person_key is not None:
                room.people[person] = person_key
    return Places(rooms)
