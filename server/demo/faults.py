"""What went wrong in the demo data: planted, so that a quality report has something to find.

Each fault is of one seat; onsets are in ms. Nothing else went wrong but that some left early, and
that a slider now and then lost a few seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from server.demo.studies import DECIDING, WATCHING, Study
from server.records import RecordType

Kind = TypeVar("Kind", bound="Fault")
Columns = dict[str, list[Any]]
"""Samples, as columns of equal length."""
Place = tuple[Study, int, int]
"""A seat: its study, the number of its room, and its own."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that went wrong for one seat; `code` is what the quality report calls it."""

    code: ClassVar[str]

    study: Study
    room: int
    seat: int
    data_type: RecordType


@dataclass(frozen=True, kw_only=True)
class SampleFault(Fault):
    """Something that happened to samples, from one onset on and before another."""

    since: int
    until: int

    def within(self, onsets: Sequence[int]) -> list[int]:
        """Return the places of the samples that it happened to."""
        return [i for i, onset in enumerate(onsets) if self.since <= onset < self.until]

    def arrived(self, onsets: Sequence[int]) -> list[int]:
        """Return the places of the samples that arrived, in the order in which they did."""
        return [*range(len(onsets))]


@dataclass(frozen=True, kw_only=True)
class Stopped(SampleFault):
    """No samples came."""

    code = "GAP"

    def arrived(self, onsets: Sequence[int]) -> list[int]:
        lost = {*self.within(onsets)}
        return [i for i in range(len(onsets)) if i not in lost]


@dataclass(frozen=True, kw_only=True)
class SentTwice(SampleFault):
    """Samples came a second time, under new ids."""

    code = "DUPLICATE_RECORDS"

    def arrived(self, onsets: Sequence[int]) -> list[int]:
        *_, last = again = self.within(onsets)
        return [*range(last + 1), *again, *range(last + 1, len(onsets))]


@dataclass(frozen=True, kw_only=True)
class ArrivedLate(SampleFault):
    """Samples came after all that happened later."""

    code = "OUT_OF_ORDER"

    def arrived(self, onsets: Sequence[int]) -> list[int]:
        late = self.within(onsets)
        return [*(i for i in range(len(onsets)) if i not in {*late}), *late]


@dataclass(frozen=True, kw_only=True)
class OffRange(SampleFault):
    """Samples have a value that there cannot be."""

    code = "OUT_OF_RANGE"
    value: float


@dataclass(frozen=True, kw_only=True)
class ClockJump(Fault):
    """The participant's clock was set anew, by so many ms."""

    code = "CLOCK_JUMP"
    at: int
    by: int


@dataclass(frozen=True, kw_only=True)
class NeverCompleted(Fault):
    """A component, of a block's name, did not end."""

    code = "COMPONENT_NOT_COMPLETED"
    block: str


@dataclass(frozen=True, kw_only=True)
class FileLost(Fault):
    """Recordings began, and their files never came."""

    code = "RECORDING_WITHOUT_FILE"


@dataclass(frozen=True, kw_only=True)
class NeverPermitted(Fault):
    """The browser was never allowed to record."""

    code = "NO_RECORDINGS"


_RATINGS = RecordType.CONTINUOUS_RATINGS

FAULTS: tuple[Fault, ...] = (
    Stopped(study=WATCHING, room=4, seat=1, data_type=_RATINGS, since=200_000, until=240_000),
    ArrivedLate(study=WATCHING, room=4, seat=0, data_type=_RATINGS, since=400_000, until=405_000),
    ClockJump(study=WATCHING, room=4, seat=1, data_type=RecordType.EVENTS, at=500_000, by=7_000),
    SentTwice(study=WATCHING, room=7, seat=0, data_type=_RATINGS, since=150_000, until=150_900),
    NeverCompleted(study=WATCHING, room=7, seat=0, data_type=RecordType.EVENTS, block="mood"),
    Stopped(
        study=WATCHING,
        room=7,
        seat=1,
        data_type=RecordType.SYNC_METRICS,
        since=300_000,
        until=360_000,
    ),
    OffRange(
        study=WATCHING,
        room=7,
        seat=1,
        data_type=_RATINGS,
        since=100_000,
        until=101_000,
        value=1.04,
    ),
    FileLost(study=DECIDING, room=1, seat=2, data_type=RecordType.RECORDINGS),
    NeverPermitted(study=DECIDING, room=3, seat=1, data_type=RecordType.RECORDINGS),
)
"""All of them: in rooms that there are at every scale, and that are over."""


def faults_of(place: Place, kind: type[Kind]) -> Iterator[Kind]:
    """Return the faults of a kind that a seat has."""
    for fault in FAULTS:
        if isinstance(fault, kind) and (fault.study, fault.room, fault.seat) == place:
            yield fault


def spoiled(place: Place, data_type: RecordType, columns: Columns) -> Columns:
    """Return a seat's samples as they came in."""
    for fault in faults_of(place, SampleFault):
        if fault.data_type is data_type:
            if isinstance(fault, OffRange):
                for i in fault.within(columns["onset"]):
                    columns["value"][i] = fault.value
            arrived = fault.arrived(columns["onset"])
            columns = {name: [values[i] for i in arrived] for name, values in columns.items()}
    return columns
