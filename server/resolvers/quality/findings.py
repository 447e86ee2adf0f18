"""Findings: what a check tells of a place, and how checks are declared."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from server.access import Actor
from server.records import RecordType
from server.records.described import Described
from server.records.users import UserRole
from server.resolvers.quality.examined import AnySelect, Examined


class Severity(Described):
    """How bad an issue is."""

    INFO = "INFO", "As it should be, and worth knowing."
    WARNING = "WARNING", "Look at it before you analyse the data."
    ERROR = "ERROR", "Data are missing or wrong."


class Finding(NamedTuple):
    """One issue of a place. Moments are in ms; `participant_key` is None where it is of several."""

    place: int
    code: str
    severity: Severity
    data_type: RecordType | None
    message: str
    likely_cause: str | None
    affected_count: int
    participant_key: int | None
    first_at: int | None
    last_at: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityCheck(ABC):
    """Something to look for, in many places by one statement.

    data_type  the type that it tells of; None for what is of no type
    reads      the data types that it reads: it is asked of those alone who may read them all
    scopes     what a key must be allowed besides
    of_room    whether it compares with the others of the room, whom participants do not see
    """

    data_type: RecordType | None
    reads: tuple[RecordType, ...]
    scopes: tuple[str, ...] = ()
    of_room: bool = False

    @property
    @abstractmethod
    def codes(self) -> Sequence[str]:
        """The codes of the issues that it can find."""

    @abstractmethod
    def statement(self, examined: Examined) -> AnySelect:
        """Select what is wrong: `place`, `participant_key`, `affected_count`, …; see Examined."""

    @abstractmethod
    def findings(self, row: Sequence[Any]) -> Iterator[Finding]:
        """Return what a row of the statement tells."""

    def allowed(self, actor: Actor) -> bool:
        """Say whether an actor may ask for it."""
        needed = (*self.scopes, *(each.value.scope for each in self.reads))
        others = self.of_room and actor.role is UserRole.PARTICIPANT
        return not others and all(map(actor.may, needed))


@dataclass(frozen=True, kw_only=True, eq=False)
class Issue(QualityCheck):
    """A check that finds issues of one code.

    select     returns its statement
    message    what is told, of how many and of a detail that the statement selects
    cause      what it likely comes from, of that detail
    """

    code: str
    severity: Severity
    select: Callable[[Examined], AnySelect]
    message: Callable[[int, Any], str]
    cause: str | Callable[[Any], str]

    @property
    def codes(self) -> Sequence[str]:
        return (self.code,)

    def statement(self, examined: Examined) -> AnySelect:
        return self.select(examined)

    def findings(self, row: Sequence[Any]) -> Iterator[Finding]:
        place, participant, count, first, last, detail = row
        yield Finding(
            place=place,
            code=self.code,
            severity=self.severity,
            data_type=self.data_type,
            message=self.message(count, detail),
            likely_cause=self.cause if isinstance(self.cause, str) else self.cause(detail),
            affected_count=count,
            participant_key=participant,
            first_at=first,
            last_at=last,
        )


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a number of things, in words: `1 record`, `1,200 records`."""
    return f"1 {one}" if count == 1 else f"{count:,} {several or f'{one}s'}"


def seconds(milliseconds: float) -> str:
    """Return a time in seconds, for people."""
    return f"{milliseconds / 1000:,.1f} s"
