"""Records in the order that files have them: by room, time and key; and how far they are written.

Of these only rooms and times are read, to say where a file that was broken off goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.export.arrow import Array, Columns

Reached = tuple[int, int, int]
"""How far records are written: the key of the last one's room, its time, and how many of those
that the two are shared by."""


@dataclass(frozen=True)
class Part:
    """Some records, as the columns of a file; of each the key of its room, and its time."""

    rows: Columns
    rooms: Array
    times: Array

    def __len__(self) -> int:
        return len(self.rooms)

    def slice(self, start: int, count: int | None = None) -> "Part":
        """Return some of the records."""
        rows = {name: column.slice(start, count) for name, column in self.rows.items()}
        return Part(rows, self.rooms.slice(start, count), self.times.slice(start, count))

    @property
    def last_room(self) -> int:
        """The key of the last one's room."""
        room: int = self.rooms[-1].as_py()
        return room

    def reached(self, before: Reached | None) -> Reached:
        """Return how far records are written with these, and how far they were before."""
        room, time = self.last_room, self.times[-1].as_py()
        _, alike = _placed(self.rooms, self.times, room, time)
        if alike < len(self) or before is None or before[:2] != (room, time):
            return room, time, alike
        return room, time, before[2] + alike


def beyond(reached: Reached, batches: Iterator[Columns]) -> Iterator[Columns]:
    """Leave out of some rooms' records, with their keys, those that are written.

    They begin with the first of the room that was reached.
    """
    room, time, count = reached
    for rows in batches:
        earlier, alike = _placed(rows["room_key"], rows["timestamp"], room, time)
        written = min(count, alike)
        count -= written
        if (start := earlier + written) < len(rows["timestamp"]):
            yield {name: column.slice(start) for name, column in rows.items()}


def _placed(rooms: Array, times: Array, room: int, time: int) -> tuple[int, int]:
    """Return how many records come before a room's at some time, and how many are of it."""
    of_rooms: Any = rooms.to_numpy()
    at_times: Any = times.to_numpy()
    there = of_rooms == room
    alike = there & (at_times == time)
    return int(((of_rooms < room) | (there & (at_times < time))).sum()), int(alike.sum())
