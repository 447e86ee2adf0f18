"""Completeness: how many records of each type were expected, by which rule, and how many came."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Subquery,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)

from server.access import Actor
from server.paging import PARENTS
from server.records import RecordType
from server.records.participants import Participant
from server.records.tallies import Tally
from server.records.users import UserRole
from server.resolvers.context import Context
from server.resolvers.quality.examined import AnySelect, Examined, table
from server.resolvers.quality.recordings import READS as RECORDED
from server.resolvers.quality.recordings import kept, recorded, started
from server.resolvers.quality.sampling import RATINGS, REPORTS, SLOWEST_MS, Sampled
from server.resolvers.quality.steps import starts, states
from server.statements import Statement


class Received(NamedTuple):
    """How many were expected of the participants of a place, and how many of those came."""

    expected: int
    received: int

    @property
    def share(self) -> float:
        """Received over expected: 0 to 1, as nobody's surplus makes up for another's loss."""
        return self.received / self.expected


@dataclass(frozen=True, kw_only=True, eq=False)
class Expectation:
    """How many records of a type are expected.

    rule     how, for people
    reads    the data types that tell: nothing is expected for those who may not read them all
    of_room  whether others of the room tell, whom participants do not see
    select   selects `expected` and `received` of each participant
    """

    data_type: RecordType
    rule: str
    reads: tuple[RecordType, ...]
    of_room: bool = False
    select: Callable[[Examined], Subquery]

    def allowed(self, actor: Actor) -> bool:
        """Say whether an actor may know it."""
        others = self.of_room and actor.role is UserRole.PARTICIPANT
        return not others and all(actor.may(each.value.scope) for each in self.reads)

    def statement(self, examined: Examined) -> AnySelect:
        """Select what was expected, and how much of it came, by place."""
        rows, participant = self.select(examined), table(Participant)
        place = examined.place_of(participant)
        came = case((rows.c.received < rows.c.expected, rows.c.received), else_=rows.c.expected)
        return (
            select(place, _total(rows.c.expected), _total(came))
            .join_from(rows, participant, participant.c.id == rows.c.participant_key)
            .where(rows.c.expected > 0)
            .group_by(place)
        )


async def completeness(
    context: Context, level: str, parents: Sequence[int], types: Sequence[RecordType]
) -> Mapping[tuple[int, RecordType], Received]:
    """Return what was expected and came, by place and type; nothing where nothing is expected."""
    found: dict[tuple[int, RecordType], Received] = {}
    for expectation in EXPECTATIONS:
        if expectation.data_type not in types or not expectation.allowed(context.actor):
            continue
        examined = Examined(context.actor, level, expectation.reads)
        key, make = ("completeness", expectation, examined.kind), _statement(expectation, examined)
        prepared = context.db.prepare(key, make)
        given = {PARENTS: list(dict.fromkeys(parents)), **context.actor.parameters}
        for place, expected, received in await context.db.fetch(prepared, given, quick=False):
            found[place, expectation.data_type] = Received(expected, received)
    return found


def _statement(expectation: Expectation, examined: Examined) -> Callable[[], Statement]:
    return lambda: expectation.statement(examined)


def _total(number: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(number), BigInteger)  # PostgreSQL adds up to a NUMERIC


def _tallied(examined: Examined, data_type: RecordType) -> Subquery:
    tally = table(Tally)
    return (
        select(tally.c.participant_key, tally.c.record_count)
        .where(examined.of(tally), tally.c.data_type == data_type.name)
        .subquery()
    )


def _samples(sampled: Sampled) -> Callable[[Examined], Subquery]:
    def rows(examined: Examined) -> Subquery:
        shown, tally = sampled.expected(examined), _tallied(examined, sampled.data_type)
        length = shown.c.end - shown.c.begin
        each = cast(func.floor(length / shown.c.interval), BigInteger)
        expected = (
            select(shown.c.participant_key, func.sum(each).label("expected"))
            .group_by(shown.c.participant_key)
            .subquery()
        )
        return (
            select(expected, func.coalesce(tally.c.record_count, 0).label("received"))
            .outerjoin_from(expected, tally, tally.c.participant_key == expected.c.participant_key)
            .subquery()
        )

    return rows


def _events(examined: Examined) -> Subquery:
    start = starts(examined)
    return (
        select(
            start.c.participant_key,
            func.count().label("expected"),
            func.sum(start.c.done).label("received"),
        )
        .group_by(start.c.participant_key)
        .subquery()
    )


def _recordings(examined: Examined) -> Subquery:
    wanted, began, there = recorded(examined), started(examined), kept(examined)
    nothing = literal(0)
    counts = union_all(
        select(wanted.c.participant_key, wanted.c.count, nothing.label("files")),
        select(began.c.participant_key, began.c.count, nothing.label("files")),
        select(there.c.participant_key, there.c.count, there.c.files),
    ).subquery()
    return (
        select(
            counts.c.participant_key,
            func.max(counts.c.count).label("expected"),
            func.max(counts.c.files).label("received"),
        )
        .group_by(counts.c.participant_key)
        .subquery()
    )


def _answers(examined: Examined) -> Subquery:
    rating = examined.rows(RecordType.SPARSE_RATINGS)
    answered = case((func.coalesce(rating.c.timed_out, False), 0), else_=1)
    return (
        select(
            rating.c.participant_key,
            func.count().label("expected"),
            func.sum(answered).label("received"),
        )
        .where(examined.of(rating))
        .group_by(rating.c.participant_key)
        .subquery()
    )


def _states(examined: Examined) -> Subquery:
    of_room, visited = states(examined)
    own = (
        select(visited.c.participant_key, visited.c.room_key, func.count().label("received"))
        .group_by(visited.c.participant_key, visited.c.room_key)
        .subquery()
    )
    there = (
        select(of_room.c.room_key, func.count().label("expected"))
        .group_by(of_room.c.room_key)
        .subquery()
    )
    participant = table(Participant, "expected_there")
    return (
        select(
            participant.c.id.label("participant_key"),
            there.c.expected,
            func.coalesce(own.c.received, 0).label("received"),
        )
        .join_from(participant, there, there.c.room_key == participant.c.room_key)
        .outerjoin(own, own.c.participant_key == participant.c.id)
        .where(participant.c.id.in_(examined.keys()))
        .subquery()
    )


EXPECTATIONS: tuple[Expectation, ...] = (
    Expectation(
        data_type=RecordType.EVENTS,
        rule="a `component.complete` for each `component.start` after which the participant went "
        "on to another state or to the end",
        reads=(RecordType.EVENTS,),
        select=_events,
    ),
    Expectation(
        data_type=RecordType.RECORDINGS,
        rule="a recording with its file for each one that began, or, if they are more, for each "
        "completed component that records",
        reads=RECORDED,
        select=_recordings,
    ),
    Expectation(
        data_type=RecordType.CONTINUOUS_RATINGS,
        rule="a sample each `intervalMs` of the component's config, or each "
        f"{SLOWEST_MS} ms if it states none, while the component was shown",
        reads=RATINGS.reads,
        select=_samples(RATINGS),
    ),
    Expectation(
        data_type=RecordType.SPARSE_RATINGS,
        rule="an answer to each prompt: those that timed out are kept without one",
        reads=(RecordType.SPARSE_RATINGS,),
        select=_answers,
    ),
    Expectation(
        data_type=RecordType.SYNC_METRICS,
        rule="one each second while a video was shown, of all but the host, in rooms of several "
        "that have a host",
        reads=REPORTS.reads,
        of_room=True,
        select=_samples(REPORTS),
    ),
    Expectation(
        data_type=RecordType.COMPONENTS,
        rule="a component in each state of which the room has seen one",
        reads=(RecordType.COMPONENTS,),
        of_room=True,
        select=_states,
    ),
)
"""The rules. Of chat messages nothing can be expected."""
