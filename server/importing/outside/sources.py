"""What data from elsewhere is to an import: records as they are sent, and where they belong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from server.importing.packages import Tell

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Sent:
    """A record by the names of the API, and the row that it was, counted from 1."""

    record: dict[str, Any]
    file: str
    row: int


@dataclass(frozen=True)
class Wishes:
    """What the person said of the data, as it may not say so itself.

    into   the experiment that all of it is for
    start  time zero of rooms of which nothing tells it, in ms
    zone   of moments that name none
    """

    into: str | None = None
    start: int | None = None
    zone: ZoneInfo = _UTC


class Source(Protocol):
    """Data from elsewhere.

    size   bytes to read; `records` tells of its parts
    notes  sentences for the end: what was assumed, and what was left out
    """

    size: int
    notes: list[str]

    def records(self, tell: Tell) -> Iterator[Sent]:
        """Read all records, each with the ids of its experiment, room and participant."""
        ...

    def experiment(self, experiment_id: str) -> Mapping[str, Any]:
        """Return what is known of an experiment, by column."""
        ...

    def room(self, room_id: str) -> Mapping[str, Any]: ...

    def participant(self, room_id: str, participant_id: str) -> Mapping[str, Any]: ...
