"""Steps: the components that did not end, and the states that were left out."""

from sqlalchemy import Subquery, and_, case, exists, func, or_, select

from server.records import RecordType
from server.records.participants import Participant
from server.resolvers.quality.examined import AnySelect, Examined, table
from server.resolvers.quality.findings import Issue, QualityCheck, Severity, counted
from server.resolvers.quality.showings import COMPLETE, START


def starts(examined: Examined) -> Subquery:
    """Select the starts of components that are over: `done` is 1 for those that were completed.

    Over are those that were completed, and those after which the participant went on: to another
    state, or to the end of the experiment.
    """
    event, later = (examined.rows(RecordType.EVENTS, name) for name in ("mark", "later"))
    following = func.lead(event.c.event_type).over(
        partition_by=[event.c.participant_key, event.c.component_id],
        order_by=[event.c.timestamp, event.c.id],
    )
    marks = (
        select(
            event.c.participant_key,
            event.c.component_id,
            event.c.state_id,
            event.c.event_type,
            event.c.timestamp,
            following.label("following"),
        )
        .where(examined.of(event), event.c.event_type.in_([START, COMPLETE]))
        .subquery()
    )
    went_on = exists().where(
        later.c.participant_key == marks.c.participant_key,
        later.c.timestamp > marks.c.timestamp,
        or_(
            later.c.event_type == "experiment.end",
            and_(
                later.c.event_type.in_([START, "state.enter"]),
                later.c.state_id.is_distinct_from(marks.c.state_id),
            ),
        ),
    )
    done = func.coalesce(marks.c.following, "") == COMPLETE
    return (
        select(
            marks.c.participant_key,
            marks.c.component_id,
            marks.c.timestamp,
            case((done, 1), else_=0).label("done"),
        )
        .where(marks.c.event_type == START, or_(done, went_on))
        .subquery()
    )


def _not_completed(examined: Examined) -> AnySelect:
    start = starts(examined)
    rows = (
        select(
            start.c.participant_key,
            func.count().label("count"),
            func.min(start.c.timestamp).label("first"),
            func.max(start.c.timestamp).label("last"),
            func.min(start.c.component_id).label("component_id"),
        )
        .where(start.c.done == 0)
        .group_by(start.c.participant_key)
        .subquery()
    )
    return examined.found(rows, rows.c.count, rows.c.first, rows.c.last, rows.c.component_id)


def states(examined: Examined) -> tuple[Subquery, Subquery]:
    """Select when each state began for its room, and for each participant of those examined."""
    component, other = (examined.rows(RecordType.COMPONENTS, name) for name in ("own", "others"))
    seated = table(Participant, "roommate")
    rooms = select(seated.c.room_key).where(seated.c.id.in_(examined.keys()))
    of_room = (
        select(other.c.room_key, other.c.state_id, func.min(other.c.timestamp).label("began"))
        .where(other.c.room_key.in_(rooms), other.c.state_id.is_not(None))
        .group_by(other.c.room_key, other.c.state_id)
        .subquery()
    )
    visited = (
        select(component.c.participant_key, component.c.room_key, component.c.state_id)
        .where(examined.of(component), component.c.state_id.is_not(None))
        .group_by(component.c.participant_key, component.c.room_key, component.c.state_id)
        .subquery()
    )
    return of_room, visited


def _skipped(examined: Examined) -> AnySelect:
    """Select the states of their room that participants left out, and went on to later ones."""
    of_room, visited = states(examined)
    seen, participant = visited.alias(), table(Participant, "skipping")
    reached = (
        select(visited.c.participant_key, func.max(of_room.c.began).label("began"))
        .join_from(
            visited,
            of_room,
            and_(
                of_room.c.room_key == visited.c.room_key, of_room.c.state_id == visited.c.state_id
            ),
        )
        .group_by(visited.c.participant_key)
        .subquery()
    )
    rows = (
        select(
            reached.c.participant_key,
            func.count().label("count"),
            func.min(of_room.c.began).label("first"),
            func.max(of_room.c.began).label("last"),
            func.min(of_room.c.state_id).label("state_id"),
        )
        .join_from(reached, participant, participant.c.id == reached.c.participant_key)
        .join(of_room, of_room.c.room_key == participant.c.room_key)
        .where(
            of_room.c.began < reached.c.began,
            of_room.c.began >= func.coalesce(participant.c.joined_at, 0),
            ~exists().where(
                seen.c.participant_key == reached.c.participant_key,
                seen.c.state_id == of_room.c.state_id,
            ),
        )
        .group_by(reached.c.participant_key)
        .subquery()
    )
    return examined.found(rows, rows.c.count, rows.c.first, rows.c.last, rows.c.state_id)


CHECKS: tuple[QualityCheck, ...] = (
    Issue(
        code="COMPONENT_NOT_COMPLETED",
        severity=Severity.WARNING,
        data_type=RecordType.EVENTS,
        reads=(RecordType.EVENTS,),
        select=_not_completed,
        message=lambda count, component: (
            f"{counted(count, 'component')} began and did not end, though the session went on: "
            f"`{component}`{' and others' if count > 1 else ''}."
        ),
        cause="The component failed, or the event of its end was lost.",
    ),
    Issue(
        code="STATE_SKIPPED",
        severity=Severity.WARNING,
        data_type=RecordType.COMPONENTS,
        reads=(RecordType.COMPONENTS,),
        of_room=True,
        select=_skipped,
        message=lambda count, state: (
            "Not shown to the participant, who went on to later ones: "
            f"{counted(count, 'state')} of the room, `{state}`{' among them' if count > 1 else ''}."
        ),
        cause="The connection was lost when the state began.",
    ),
)
