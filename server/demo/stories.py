"""What one person's part in a room leaves behind, written down as it is told."""

from collections import Counter
from typing import Any

from server.demo.chance import code, draws
from server.demo.faults import ClockJump, Place, faults_of
from server.demo.rooms import PlannedRoom, Showing
from server.demo.seats import Seat
from server.records.base import Record
from server.records.chat_messages import ChatMessage
from server.records.components import Component
from server.records.events import Event
from server.records.recordings import Recording
from server.records.sparse_ratings import SparseRating

Row = dict[str, Any]
"""A record's own columns by name; where it belongs and its timestamp follow from the story."""

ID_COLUMNS: dict[type[Record], tuple[str, str]] = {
    Event: ("event_id", "evt"),
    Recording: ("recording_id", "rec"),
    ChatMessage: ("message_id", "msg"),
    SparseRating: ("rating_id", "rat"),
}


class Numbering:
    """Hands out a room's record ids: counted, so that none comes twice, and salted."""

    def __init__(self, room: PlannedRoom) -> None:
        self._stem = f"{room.study.number}{room.number:04x}"
        self._salt = code(4, room.seed, room.room_id)
        self._counts = Counter[str]()

    def take(self, prefix: str, count: int = 1) -> list[str]:
        """Return ids that begin with a prefix."""
        first = self._counts[prefix]
        self._counts[prefix] += count
        return [f"{prefix}_{self._stem}{n:05x}{self._salt}" for n in range(first, first + count)]


class Story:
    """One person's part in a room. What would come after they left is not written down."""

    def __init__(self, room: PlannedRoom, seat: Seat, ids: Numbering) -> None:
        self.room = room
        self.seat = seat
        self.ids = ids
        self.chance = draws(room.seed, room.room_id, seat.number, "story")
        self.rows: dict[type[Record], list[Row]] = {
            model: [] for model in (Event, Component, Recording, ChatMessage, SparseRating)
        }

    @property
    def place(self) -> Place:
        """Whose story it is."""
        return self.room.study, self.room.number, self.seat.number

    def tells(self, onset: int) -> bool:
        """Return whether the person was still there."""
        return onset < self.seat.ending.until

    def add(self, model: type[Record], onset: int, **columns: Any) -> None:  # noqa: ANN401
        """Write a record down."""
        if not self.tells(onset):
            return
        if model in ID_COLUMNS:
            column, prefix = ID_COLUMNS[model]
            columns.setdefault(column, self.ids.take(prefix)[0])
        self.rows[model].append({"onset": onset, **columns})

    def event(
        self,
        onset: int,
        event_type: str,
        category: str,
        showing: Showing | None = None,
        **columns: Any,  # noqa: ANN401 - the other columns of an event
    ) -> None:
        """Write an event down, as the person's own browser reported it."""
        place: Row = {}
        if showing is not None:
            place = {
                "component_type": showing.block.kind,
                "component_id": showing.component_id,
                "state_id": showing.state_id,
                "state_name": showing.state.name,
            }
        own_clock = self.room.start + onset + self.seat.clock_offset - self.chance.randint(0, 30)
        own_clock += sum(j.by for j in faults_of(self.place, ClockJump) if onset >= j.at)
        self.add(
            Event,
            onset,
            event_type=event_type,
            category=category,
            participant_role=self.seat.role,
            client_timestamp=own_clock,
            **place,
            **columns,
        )
