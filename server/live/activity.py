"""What goes on in an experiment, what has happened since it was told last, and what fell silent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from server.records import RecordType
from server.records.described import Described
from server.records.participants import ParticipantStatus
from server.records.retention import RetentionAction
from server.records.rooms import RoomStatus
from server.timestamps import Timestamp

STEADY = (RecordType.CONTINUOUS_RATINGS, RecordType.SYNC_METRICS)
"""The types whose records come at a steady pace, so that their absence tells something."""

FLOWING_RECORDS = 10
"""How many records make a flow that can stop."""

SILENCE_MS = 5_000
SILENCE_INTERVALS = 5
"""How long nothing must come: so long, and so many times the usual interval."""


class HappeningKind(Described):
    """What can happen in an experiment."""

    ROOM_OPENED = "ROOM_OPENED", "A room became ACTIVE."
    ROOM_CLOSED = "ROOM_CLOSED", "A room is ACTIVE no longer."
    PARTICIPANT_JOINED = "PARTICIPANT_JOINED", "Somebody new is in the room."
    PARTICIPANT_LEFT = "PARTICIPANT_LEFT", "Somebody completed the session."
    PARTICIPANT_DISCONNECTED = "PARTICIPANT_DISCONNECTED", "Somebody is gone before the end."
    PARTICIPANT_RETURNED = "PARTICIPANT_RETURNED", "Somebody who was gone, or done, is there again."


@dataclass(frozen=True, slots=True)
class Person:
    """A participant, as far as an activity shows them."""

    key: int
    participant_id: str
    role: str | None
    status: ParticipantStatus
    joined_at: Timestamp | None


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """A room that is going on, and who is, or was, in it."""

    key: int
    room_id: str
    status: RoomStatus
    start_time: Timestamp | None
    participants: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many participants are in a state."""

    status: ParticipantStatus
    count: int


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many records there are of a type."""

    data_type: RecordType
    count: int


@dataclass(frozen=True, slots=True)
class Flow:
    """What a participant has of a type whose records come at a steady pace."""

    participant_key: int
    data_type: RecordType
    record_count: int
    first_timestamp: Timestamp
    last_timestamp: Timestamp


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened: in a room, and to a participant if it says so."""

    kind: HappeningKind
    room_id: str
    participant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A participant's records of a type that came, and come no more."""

    room_id: str
    participant_id: str
    data_type: RecordType
    last_timestamp: Timestamp
    usual_interval_ms: float
    silent_seconds: int


@dataclass(frozen=True, slots=True)
class StandingNotice:
    """That something will be deleted: what, when at the earliest, and when that was told."""

    action: RetentionAction
    begins_at: Timestamp
    first_notice_at: Timestamp
    last_notice_at: Timestamp | None
    started_at: Timestamp | None


@dataclass(frozen=True, slots=True)
class Activity:
    """What goes on in an experiment at a moment."""

    at: Timestamp
    rooms: tuple[OpenRoom, ...]
    participant_counts: tuple[StatusCount, ...]
    record_counts: tuple[TypeCount, ...]
    silences: tuple[Silence, ...]
    retention_notices: tuple[StandingNotice, ...]
    happenings: tuple[Happening, ...] = ()

    def is_as(self, other: "Activity") -> bool:
        """Say whether all is as it was, but for the time that has passed."""
        return self._without_time() == other._without_time()

    def _without_time(self) -> "Activity":
        silences = tuple(replace(silence, silent_seconds=0) for silence in self.silences)
        return replace(self, at=Timestamp(0), silences=silences, happenings=())


def silences(rooms: Sequence[OpenRoom], flows: Sequence[Flow], at: Timestamp) -> Iterator[Silence]:
    """Yield whose records have stopped, of those who are in a room that is going on."""
    present = {
        person.key: (room, person)
        for room in rooms
        for person in room.participants
        if person.status is ParticipantStatus.ACTIVE
    }
    for flow in flows:
        if flow.record_count < FLOWING_RECORDS or flow.participant_key not in present:
            continue
        lasted = flow.last_timestamp - flow.first_timestamp
        interval = lasted / (flow.record_count - 1)
        silent = at - flow.last_timestamp
        if silent > max(SILENCE_MS, SILENCE_INTERVALS * interval):
            room, person = present[flow.participant_key]
            yield Silence(
                room.room_id,
                person.participant_id,
                flow.data_type,
                flow.last_timestamp,
                interval,
                silent // 1000,
            )


def happenings(
    before: Sequence[OpenRoom], after: Sequence[OpenRoom], closed: Sequence[OpenRoom]
) -> Iterator[Happening]:
    """Yield what happened between two moments, given the rooms that closed as they are now."""
    known = {room.key for room in before}
    people = {person.key: person for room in before for person in room.participants}
    for room in (*after, *closed):
        if room.key not in known:
            yield Happening(HappeningKind.ROOM_OPENED, room.room_id)
        for person in room.participants:
            for kind in _happened_to(people.get(person.key), person):
                yield Happening(kind, room.room_id, person.participant_id)
    for room in closed:
        yield Happening(HappeningKind.ROOM_CLOSED, room.room_id)


_BECAME: Mapping[ParticipantStatus, HappeningKind] = {
    ParticipantStatus.ACTIVE: HappeningKind.PARTICIPANT_RETURNED,
    ParticipantStatus.COMPLETED: HappeningKind.PARTICIPANT_LEFT,
    ParticipantStatus.DISCONNECTED: HappeningKind.PARTICIPANT_DISCONNECTED,
}


def _happened_to(before: Person | None, now: Person) -> Iterator[HappeningKind]:
    was = before.status if before else ParticipantStatus.ACTIVE
    if before is None:
        yield HappeningKind.PARTICIPANT_JOINED
    if now.status is not was:
        yield _BECAME[now.status]
