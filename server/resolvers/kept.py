"""Which rows a list keeps: those that the caller sees, and that a filter keeps.

A filter asks of what lies in a row only as far as the caller sees it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select

from server.access import Actor
from server.db import Stored, Table
from server.records import RecordType
from server.records.api_keys import ApiKey
from server.records.audit import AuditEntry
from server.records.collaborators import Collaborator
from server.records.conditions import Clauses
from server.records.data_requests import DataRequest
from server.records.erasures import Erasure
from server.records.export_schedules import ExportSchedule
from server.records.exports import Export
from server.records.filters import Filter
from server.records.groups import UserGroup
from server.records.participants import Participant
from server.records.quarantine import QuarantinedRecord
from server.records.rooms import Room
from server.records.webhooks import Webhook
from server.records.withdrawals import Withdrawal
from server.rows import TableLayout, layout_of

_SEEN: Mapping[type[Table], Callable[[Actor, TableLayout], ColumnElement[bool]]] = {
    Export: Actor.sees_exports,
    ExportSchedule: Actor.sees_exports,
    Collaborator: Actor.owns,
    AuditEntry: Actor.owns,
    ApiKey: Actor.holds,
    UserGroup: Actor.sees_groups,
    QuarantinedRecord: Actor.sees_quarantined,
    Withdrawal: Actor.owns,
    Webhook: Actor.sees_webhooks,
    DataRequest: Actor.sees_data_requests,
    Erasure: Actor.sees_erasures,
}
"""What is not seen by all who see the experiment it is about."""

_COUNTED: Mapping[str, type[Stored]] = {"room_count": Room, "participant_count": Participant}


def seen(actor: Actor, layout: TableLayout) -> ColumnElement[bool]:
    """Return the clause that keeps what the actor may see of a table."""
    return _SEEN.get(layout.model, Actor.sees)(actor, layout)


def kept_by(filter_: Filter, actor: Actor, layout: TableLayout) -> Clauses:
    """Return what must hold of a row, for a filter of an actor's."""
    counts = {
        name: select(func.count()).select_from(model).where(*inner).scalar_subquery()
        for name, model in _COUNTED.items()
        if (inner := _within(model, actor, layout))
    }
    there = {
        f"any_{each.value.name}": exists().where(*inner)
        for each in RecordType
        if (inner := _within(each.value.model, actor, layout))
    }
    return filter_.clauses({**layout.columns, **counts, **there})


def _within(model: type[Stored], actor: Actor, layout: TableLayout) -> list[ColumnElement[Any]]:
    """Return the clauses that keep what the actor sees of a table's rows that lie in a row."""
    inner = layout_of(model)
    place = inner.columns.get(f"{layout.level}_key")
    return [] if place is None else [place == layout.columns["key"], actor.sees_within(inner)]
