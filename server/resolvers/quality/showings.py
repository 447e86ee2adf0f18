"""Showings: from when to when each component was shown to each participant."""

from typing import Any

from sqlalchemy import ColumnElement, String, Subquery, case, func, literal, or_, select

from server.column_types import JSON_TYPE
from server.records import RecordType
from server.records.numbers import number_in
from server.resolvers.quality.examined import Examined, earlier

READS = (RecordType.COMPONENTS, RecordType.EVENTS)
"""What tells from when to when a component was shown."""

START, COMPLETE = "component.start", "component.complete"


def showings(examined: Examined, *types: str) -> Subquery:
    """Select when components of some types were shown: `begin` and `end`, with their place keys.

    A component begins with its record. It ends with its `component.complete`; without one, when a
    component of another state begins, or at the participant's last sign of life.
    """
    shown, other = (examined.rows(RecordType.COMPONENTS, name) for name in ("shown", "other"))
    event = examined.rows(RecordType.EVENTS, "done")
    again = func.lead(shown.c.timestamp).over(
        partition_by=[shown.c.participant_key, shown.c.component_id], order_by=shown.c.timestamp
    )
    each = (
        select(shown, again.label("again"))
        .where(examined.of(shown), func.lower(shown.c.component_type).in_(types))
        .subquery()
    )
    done = (
        select(func.min(event.c.timestamp))
        .where(
            event.c.participant_key == each.c.participant_key,
            event.c.timestamp >= each.c.timestamp,
            or_(each.c.again.is_(None), event.c.timestamp < each.c.again),
            event.c.event_type == COMPLETE,
            event.c.component_id == each.c.component_id,
        )
        .scalar_subquery()
    )
    gone_on = (
        select(func.min(other.c.timestamp))
        .where(
            other.c.participant_key == each.c.participant_key,
            other.c.timestamp > each.c.timestamp,
            other.c.state_id.is_distinct_from(each.c.state_id),
        )
        .scalar_subquery()
    )
    last = examined.last_sign(each.c.participant_key)
    return select(
        each.c.participant_key,
        each.c.component_id,
        each.c.config,
        each.c.timestamp.label("begin"),
        func.coalesce(done, earlier(gone_on, last)).label("end"),
    ).subquery()


def setting(config: ColumnElement[Any], name: str, least: float, most: float) -> ColumnElement[Any]:
    """Return a number that a component's config states, or null if none in a range."""
    number = number_in(at(config, name))
    return case((number.between(least, most), number))


def at(config: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Return what a component's config states under a name, as JSON; null for nothing."""
    return config.op("->", return_type=JSON_TYPE)(literal(name, String()))
