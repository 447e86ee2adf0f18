"""Sessions: who did not finish, of whom there is nothing, and what there cannot be."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, exists, func, literal, null, or_, select

from server.records import RecordType
from server.records.participants import PARTICIPANTS, Participant, ParticipantStatus
from server.records.rooms import Room, RoomStatus
from server.records.tallies import Tally
from server.resolvers.quality.examined import AnySelect, Examined, table
from server.resolvers.quality.findings import Issue, QualityCheck, Severity, counted

_CAUSES: Mapping[str | None, str] = {
    "ABANDONED": "They closed the page before the end.",
    "TECHNICAL": "Something failed on their side: the connection, or the browser.",
    "NOCONSENT": "They did not consent.",
    "TIMEOUT": "Time ran out before the end.",
}
_GONE = "They left, or the connection was lost."


def _not_finished(examined: Examined) -> AnySelect:
    """Select those who are gone before the end, or still there though the session is over."""
    participant, room = table(Participant, "left"), table(Room)
    over = and_(
        participant.c.status == ParticipantStatus.ACTIVE.value,
        room.c.status == RoomStatus.COMPLETED.value,
    )
    rows = (
        select(
            participant.c.id.label("participant_key"),
            participant.c.completion_code.label("code"),
            examined.last_sign_of_all(participant.c.id).label("last"),
        )
        .join_from(participant, room, room.c.id == participant.c.room_key)
        .where(
            participant.c.id.in_(examined.keys()),
            or_(participant.c.status == ParticipantStatus.DISCONNECTED.value, over),
        )
        .subquery()
    )
    return examined.found(rows, literal(1), rows.c.last, rows.c.last, rows.c.code)


def _without_data(examined: Examined) -> AnySelect:
    """Select those who finished, and of whom there is nothing."""
    participant, tally = table(Participant, "silent"), table(Tally)
    rows = (
        select(
            participant.c.id.label("participant_key"),
            participant.c.joined_at,
            participant.c.completed_at,
        )
        .where(
            participant.c.id.in_(examined.keys()),
            participant.c.status == ParticipantStatus.COMPLETED.value,
            ~exists().where(tally.c.participant_key == participant.c.id),
        )
        .subquery()
    )
    return examined.found(rows, literal(1), rows.c.joined_at, rows.c.completed_at)


def _alone(examined: Examined) -> AnySelect:
    """Select how many rooms of one person are without sync metrics, as is to be expected."""
    participant, tally = table(Participant, "alone"), table(Tally)
    other = table(Participant, "company")
    company = exists().where(
        other.c.room_key == participant.c.room_key, other.c.id != participant.c.id
    )
    reports = exists().where(
        tally.c.participant_key == participant.c.id,
        tally.c.data_type == RecordType.SYNC_METRICS.name,
    )
    place = examined.place_of(participant)
    return (
        select(
            place.label("place"),
            _nothing("participant_key"),
            func.count().label("affected_count"),
            _nothing("first_at"),
            _nothing("last_at"),
            _nothing("detail"),
        )
        .where(participant.c.id.in_(examined.keys()), ~company, ~reports)
        .group_by(place)
    )


def _nothing(name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's own
    return null().label(name)


CHECKS: tuple[QualityCheck, ...] = (
    Issue(
        code="PARTICIPANT_NOT_FINISHED",
        severity=Severity.WARNING,
        data_type=None,
        reads=(),
        scopes=(PARTICIPANTS.scope,),
        select=_not_finished,
        message=lambda _count, _code: "The participant never finished.",
        cause=lambda code: _CAUSES.get(code, _GONE),
    ),
    Issue(
        code="NO_DATA",
        severity=Severity.ERROR,
        data_type=None,
        reads=tuple(RecordType),
        scopes=(PARTICIPANTS.scope,),
        select=_without_data,
        message=lambda _count, _: "The participant finished, and there is no record of them.",
        cause="Nothing that their browser sent arrived.",
    ),
    Issue(
        code="NO_SYNC_METRICS",
        severity=Severity.INFO,
        data_type=RecordType.SYNC_METRICS,
        reads=(RecordType.SYNC_METRICS,),
        of_room=True,
        select=_alone,
        message=lambda count, _: f"No sync metrics: {counted(count, 'single-participant room')}.",
        cause="Normal: there is nobody to keep time with.",
    ),
)
