"""Streams of records: what came twice, what came late, and clocks that jumped."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from server.records import RecordType
from server.resolvers.quality.examined import AnySelect, Examined
from server.resolvers.quality.findings import Issue, QualityCheck, Severity, counted, seconds

LATE_MS = 1_000
"""How much later a record must have happened that arrived before another, for that to be late."""

JUMP_MS = 2_000
"""From what change on, from one event to the next, a clock has jumped."""

SAME: Mapping[RecordType, tuple[str, ...]] = {
    RecordType.EVENTS: ("event_type", "component_id", "content"),
    RecordType.RECORDINGS: ("kind",),
    RecordType.CHAT_MESSAGES: ("content",),
    RecordType.CONTINUOUS_RATINGS: ("component_id",),
    RecordType.SPARSE_RATINGS: ("component_id",),
    RecordType.SYNC_METRICS: (),
}
"""What is the same in records of a participant at one moment that are one under several ids.

Components are not among them: their identity is just that.
"""

ORDERED = (RecordType.EVENTS, RecordType.CONTINUOUS_RATINGS, RecordType.SYNC_METRICS)
"""The types whose records are sent as they happen."""


class _sparing_sqlite(FunctionElement[bool]):  # noqa: N801 - it stands in SQL as a function does
    """A clause that leaves nothing out that is looked for; PostgreSQL is quicker without it."""

    inherit_cache = True


@compiles(_sparing_sqlite)
def _true(_element: _sparing_sqlite, _compiler: SQLCompiler, **_options: object) -> str:
    return "true"


@compiles(_sparing_sqlite, "sqlite")
def _clause(element: _sparing_sqlite, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    return compiler.process(element.clauses, **options)


def duplicates(data_type: RecordType, examined: Examined) -> AnySelect:
    """Select how many records there are too many of, by participant.

    Moments at which there is more than one are found in an index, and only those are read.
    """
    found, row = (examined.rows(data_type, name) for name in ("found", "row"))
    together = (
        select(found.c.participant_key, found.c.timestamp)
        .where(examined.of(found))
        .group_by(found.c.participant_key, found.c.timestamp)
        .having(func.count() > 1)
        .subquery()
    )
    same = [row.c.participant_key, row.c.timestamp, *(row.c[name] for name in SAME[data_type])]
    copies = (
        select(*same, (func.count() - 1).label("copies"))
        .join_from(
            together,
            row,
            (row.c.participant_key == together.c.participant_key)
            & (row.c.timestamp == together.c.timestamp),
        )
        .group_by(*same)
        .having(func.count() > 1)
        .subquery()
    )
    rows = (
        select(
            copies.c.participant_key,
            func.sum(copies.c.copies).label("copies"),
            func.min(copies.c.timestamp).label("first"),
            func.max(copies.c.timestamp).label("last"),
        )
        .group_by(copies.c.participant_key)
        .subquery()
    )
    return examined.found(rows, rows.c.copies, rows.c.first, rows.c.last)


def late(data_type: RecordType, examined: Examined) -> AnySelect:
    """Select how many records arrived after one that happened later, by participant.

    Rows are numbered as they arrive. SQLite's windows are slow: it opens this one for those alone
    of whom a row is not numbered after the one before it, which an index tells.
    """
    row, later, previous = (examined.rows(data_type, name) for name in ("row", "later", "previous"))
    before_it = (
        select(previous.c.id)
        .where(
            previous.c.participant_key == later.c.participant_key,
            previous.c.timestamp < later.c.timestamp,
        )
        .order_by(previous.c.timestamp.desc(), previous.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    unordered = (
        select(later.c.participant_key).where(examined.of(later), later.c.id < before_it).distinct()
    )
    arrived_before = func.min(row.c.id).over(
        partition_by=row.c.participant_key,
        order_by=row.c.timestamp.desc(),
        range_=(None, -LATE_MS),
    )
    each = (
        select(
            row.c.participant_key,
            row.c.timestamp,
            row.c.id.label("arrived"),
            arrived_before.label("before"),
        )
        .where(examined.of(row), _sparing_sqlite(row.c.participant_key.in_(unordered)))
        .subquery()
    )
    rows = (
        select(
            each.c.participant_key,
            func.count().label("late"),
            func.min(each.c.timestamp).label("first"),
            func.max(each.c.timestamp).label("last"),
        )
        .where(each.c.before < each.c.arrived)
        .group_by(each.c.participant_key)
        .subquery()
    )
    return examined.found(rows, rows.c.late, rows.c.first, rows.c.last)


def jumps(examined: Examined) -> AnySelect:
    """Select how often a participant's clock went away from ours at once, and how far at most."""
    event = examined.rows(RecordType.EVENTS)
    ahead = event.c.client_timestamp - event.c.timestamp
    before = func.lag(ahead).over(
        partition_by=event.c.participant_key, order_by=[event.c.timestamp, event.c.id]
    )
    each = (
        select(event.c.participant_key, event.c.timestamp, (ahead - before).label("jump"))
        .where(examined.of(event), event.c.client_timestamp.is_not(None))
        .subquery()
    )
    rows = (
        select(
            each.c.participant_key,
            func.count().label("jumps"),
            func.min(each.c.timestamp).label("first"),
            func.max(each.c.timestamp).label("last"),
            func.max(func.abs(each.c.jump)).label("farthest"),
        )
        .where(func.abs(each.c.jump) > JUMP_MS)
        .group_by(each.c.participant_key)
        .subquery()
    )
    return examined.found(rows, rows.c.jumps, rows.c.first, rows.c.last, rows.c.farthest)


def _duplicates(data_type: RecordType) -> QualityCheck:
    return Issue(
        code="DUPLICATE_RECORDS",
        severity=Severity.WARNING,
        data_type=data_type,
        reads=(data_type,),
        select=lambda examined: duplicates(data_type, examined),
        message=lambda count, _: (
            f"Sent again under another id: {counted(count, 'record')} of {data_type.value.title}."
        ),
        cause="They were sent again after a reply was lost, and given new ids.",
    )


def _late(data_type: RecordType) -> QualityCheck:
    return Issue(
        code="OUT_OF_ORDER",
        severity=Severity.WARNING,
        data_type=data_type,
        reads=(data_type,),
        select=lambda examined: late(data_type, examined),
        message=lambda count, _: (
            f"{counted(count, 'record')} of {data_type.value.title} arrived after others that "
            f"happened more than {seconds(LATE_MS)} later."
        ),
        cause="They waited while the connection was lost. Lists and files are sorted by time.",
    )


CHECKS: tuple[QualityCheck, ...] = (
    *map(_duplicates, SAME),
    *map(_late, ORDERED),
    Issue(
        code="CLOCK_JUMP",
        severity=Severity.WARNING,
        data_type=RecordType.EVENTS,
        reads=(RecordType.EVENTS,),
        select=jumps,
        message=lambda count, farthest: (
            f"The participant's clock jumped {counted(count, 'time')}, by up to "
            f"{seconds(farthest)}."
        ),
        cause="The computer set its clock during the session, or slept. `clientTimestamp` before "
        "and after cannot be compared.",
    ),
)
