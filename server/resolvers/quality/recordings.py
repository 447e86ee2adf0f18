"""Recordings: those that never began, those that never came, and those without a file."""

from sqlalchemy import (
    ColumnElement,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)

from server.records import RecordType
from server.records.json_paths import is_at
from server.records.rooms import Room, RoomStatus
from server.resolvers.quality.examined import Alias, AnySelect, Examined, table
from server.resolvers.quality.findings import Issue, QualityCheck, Severity, counted

READS = (RecordType.RECORDINGS, RecordType.COMPONENTS, RecordType.EVENTS)
"""What tells how many recordings there should be."""

STARTED = "%.recording.started"
"""How the types of events end that tell of a recording that began."""

FAILED = "failed"


def is_recorded(component: Alias) -> ColumnElement[bool]:
    """Return the clause that keeps the components that record, as they are set up."""
    kind = func.lower(component.c.component_type)
    talks = and_(kind == "videochat", is_at(component.c.config, '$."record"', value=True))
    return or_(kind == "audiorecording", talks)


def recorded(examined: Examined) -> Subquery:
    """Select what of a participant was to be recorded and completed: how often, from when on."""
    component = examined.rows(RecordType.COMPONENTS)
    return (
        select(
            component.c.participant_key,
            func.count().label("count"),
            func.min(component.c.timestamp).label("first"),
            func.max(component.c.timestamp).label("last"),
        )
        .where(examined.of(component), is_recorded(component), component.c.completed)
        .group_by(component.c.participant_key)
        .subquery()
    )


def started(examined: Examined) -> Subquery:
    """Select how many recordings a participant's events say began, from when on."""
    event = examined.rows(RecordType.EVENTS)
    return (
        select(
            event.c.participant_key,
            func.count().label("count"),
            func.min(event.c.timestamp).label("first"),
            func.max(event.c.timestamp).label("last"),
        )
        .where(examined.of(event), event.c.event_type.like(STARTED))
        .group_by(event.c.participant_key)
        .subquery()
    )


def kept(examined: Examined) -> Subquery:
    """Select how many recordings there are of a participant, and how many with a file."""
    recording = examined.rows(RecordType.RECORDINGS)
    return (
        select(
            recording.c.participant_key,
            func.count().label("count"),
            func.sum(case((has_file(recording), 1), else_=0)).label("files"),
        )
        .where(examined.of(recording))
        .group_by(recording.c.participant_key)
        .subquery()
    )


def has_file(recording: Alias) -> ColumnElement[bool]:
    """Return the clause that keeps the recordings whose file came."""
    return and_(recording.c.storage_key.is_not(None), func.lower(recording.c.status) != FAILED)


def _never_began(examined: Examined) -> AnySelect:
    wanted, began = recorded(examined), started(examined)
    recording = examined.rows(RecordType.RECORDINGS)
    rows = (
        select(wanted)
        .where(
            ~exists().where(began.c.participant_key == wanted.c.participant_key),
            ~exists().where(recording.c.participant_key == wanted.c.participant_key),
        )
        .subquery()
    )
    return examined.found(rows, rows.c.count, rows.c.first, rows.c.last)


def _never_came(examined: Examined) -> AnySelect:
    began, there = started(examined), kept(examined)
    came = func.coalesce(there.c.count, literal(0))
    rows = (
        select(began, (began.c.count - came).label("lost"))
        .outerjoin_from(began, there, there.c.participant_key == began.c.participant_key)
        .where(began.c.count > came)
        .subquery()
    )
    return examined.found(rows, rows.c.lost, rows.c.first, rows.c.last)


def _without_file(examined: Examined) -> AnySelect:
    """Select recordings without a file; while a session goes on, only those that failed."""
    recording, room = examined.rows(RecordType.RECORDINGS), table(Room)
    over = or_(room.c.status != RoomStatus.ACTIVE.value, func.lower(recording.c.status) == FAILED)
    rows = (
        select(
            recording.c.participant_key,
            func.count().label("count"),
            func.min(recording.c.timestamp).label("first"),
            func.max(recording.c.timestamp).label("last"),
        )
        .join_from(recording, room, room.c.id == recording.c.room_key)
        .where(examined.of(recording), ~has_file(recording), over)
        .group_by(recording.c.participant_key)
        .subquery()
    )
    return examined.found(rows, rows.c.count, rows.c.first, rows.c.last)


CHECKS: tuple[QualityCheck, ...] = (
    Issue(
        code="NO_RECORDINGS",
        severity=Severity.ERROR,
        data_type=RecordType.RECORDINGS,
        reads=READS,
        select=_never_began,
        message=lambda count, _: (
            f"No recordings, though {counted(count, 'component')} should have been recorded."
        ),
        cause="Permission to use the camera or the microphone was never given.",
    ),
    Issue(
        code="RECORDING_LOST",
        severity=Severity.ERROR,
        data_type=RecordType.RECORDINGS,
        reads=(RecordType.RECORDINGS, RecordType.EVENTS),
        select=_never_came,
        message=lambda count, _: f"{counted(count, 'recording')} began and never came.",
        cause="The browser was closed before the recording was sent.",
    ),
    Issue(
        code="RECORDING_WITHOUT_FILE",
        severity=Severity.ERROR,
        data_type=RecordType.RECORDINGS,
        reads=(RecordType.RECORDINGS,),
        select=_without_file,
        message=lambda count, _: f"{counted(count, 'recording')} began, and no file came.",
        cause="The recording failed, or its upload was not finished.",
    ),
)
