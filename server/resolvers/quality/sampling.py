"""What is sampled by the clock: how often, of whom, while what is shown; and where it paused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from server.records import RecordType
from server.records.participants import Participant
from server.resolvers.quality.examined import AnySelect, Examined, earlier, moment, table
from server.resolvers.quality.findings import Issue, QualityCheck, Severity, seconds
from server.resolvers.quality.showings import READS, setting, showings

GAP_MS = 10_000
"""From how long on a pause is a gap: shorter ones show in the completeness alone."""

GAP_SAMPLES = 3
"""How many samples a gap lacks at least, where they are far apart."""

SLOWEST_MS = 500
"""How far apart ratings are taken to be where the component does not state it."""

REPORT_MS = 1_000
"""How far apart sync metrics are."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampled:
    """A data type that comes by the clock.

    while_shown  the types of the components while which it comes, in lower case
    interval     how far apart the samples are, in ms, of a component's config
    of_room      whether it depends on the others of the room who is sampled
    """

    data_type: RecordType
    while_shown: tuple[str, ...]
    interval: Callable[[ColumnElement[Any]], ColumnElement[Any]]
    of_room: bool = False

    @property
    def reads(self) -> tuple[RecordType, ...]:
        """What must be read in order to know how many samples are expected."""
        return (self.data_type, *READS)

    def expected(self, examined: Examined) -> Subquery:
        """Select the showings while which samples are expected: `begin`, `end`, `interval`."""
        shown = showings(examined, *self.while_shown)
        participant = table(Participant, "seated")
        who = _follows(participant) if self.of_room else true()
        return (
            select(
                shown.c.participant_key,
                shown.c.component_id,
                shown.c.begin,
                shown.c.end,
                self.interval(shown.c.config).label("interval"),
            )
            .join_from(shown, participant, participant.c.id == shown.c.participant_key)
            .where(who)
            .subquery()
        )


def _follows(participant: Any) -> ColumnElement[bool]:  # noqa: ANN401 - an alias
    """Return the clause that keeps those who follow a host: not hosts, in a room with one."""
    host = table(Participant, "host")
    there = exists().where(
        host.c.room_key == participant.c.room_key, func.lower(host.c.role) == "host"
    )
    return and_(func.lower(func.coalesce(participant.c.role, "")) != "host", there)


RATINGS = Sampled(
    data_type=RecordType.CONTINUOUS_RATINGS,
    while_shown=("continuousrating",),
    interval=lambda config: func.coalesce(
        setting(config, "intervalMs", 1, 3_600_000), float(SLOWEST_MS)
    ),
)
REPORTS = Sampled(
    data_type=RecordType.SYNC_METRICS,
    while_shown=("showvideo",),
    interval=lambda _config: literal(float(REPORT_MS)),
    of_room=True,
)
SAMPLED = (RATINGS, REPORTS)


def _longest_allowed(interval: ColumnElement[Any]) -> ColumnElement[Any]:
    least = cast(interval * GAP_SAMPLES, BigInteger)
    return case((least > GAP_MS, least), else_=moment(GAP_MS))


def pauses(sampled: Sampled, examined: Examined) -> AnySelect:
    """Select the gaps: pauses between samples, and before the first and after the last of them.

    It leaps through the index: from each sample to the last one before the next gap would begin,
    and so passes over most of them. Just before a showing and just after it stand marks, so that
    where all is one pause, `silent` is to tell.
    """
    shown = sampled.expected(examined)
    sample = examined.rows(sampled.data_type)
    first = select(
        shown.c.participant_key,
        (shown.c.begin - 1).label("before"),
        (shown.c.end + 1).label("after"),
        shown.c.interval,
        _longest_allowed(shown.c.interval).label("most"),
        (shown.c.begin - 1).label("since"),
        (shown.c.begin - 1).label("until"),
    ).cte("leap", recursive=True)
    later = (
        sample.c.participant_key == first.c.participant_key,
        sample.c.timestamp > first.c.until,
    )
    close = sample.c.timestamp < func.coalesce(
        earlier(first.c.until + first.c.most, first.c.after), first.c.after
    )
    leap = first.union_all(
        select(
            first.c.participant_key,
            first.c.before,
            first.c.after,
            first.c.interval,
            first.c.most,
            first.c.until.label("since"),
            func.coalesce(
                select(func.max(sample.c.timestamp)).where(*later, close).scalar_subquery(),
                select(func.min(sample.c.timestamp))
                .where(*later, sample.c.timestamp < first.c.after)
                .scalar_subquery(),
                first.c.after,
            ).label("until"),
        ).where(first.c.until < first.c.after)
    )
    at_begin, at_end = leap.c.since == leap.c.before, leap.c.until == leap.c.after
    since = case((at_begin, leap.c.since + 1), else_=leap.c.since)
    until = case((at_end, leap.c.until - 1), else_=leap.c.until)
    marks = case((or_(at_begin, at_end), 0), else_=1)
    gaps = (
        select(
            leap.c.participant_key,
            since.label("since"),
            until.label("until"),
            (cast(func.round((until - since) / leap.c.interval), BigInteger) - marks).label(
                "missing"
            ),
        )
        .where(until - since >= leap.c.most, not_(and_(at_begin, at_end)))
        .subquery()
    )
    return examined.found(
        gaps, gaps.c.missing, gaps.c.since, gaps.c.until, gaps.c.until - gaps.c.since
    )


def silent(sampled: Sampled, examined: Examined) -> AnySelect:
    """Select the showings, long enough for a gap, while which no sample came at all."""
    sample, shown = examined.rows(sampled.data_type), sampled.expected(examined)
    any_sample = exists().where(
        sample.c.participant_key == shown.c.participant_key,
        sample.c.timestamp.between(shown.c.begin, shown.c.end),
    )
    length = shown.c.end - shown.c.begin
    rows = select(shown).where(length >= _longest_allowed(shown.c.interval), ~any_sample).subquery()
    lost = cast(func.round((rows.c.end - rows.c.begin) / rows.c.interval), BigInteger)
    return examined.found(rows, lost, rows.c.begin, rows.c.end, rows.c.component_id)


def _gap(sampled: Sampled) -> QualityCheck:
    title = sampled.data_type.value.title
    return Issue(
        code="GAP",
        severity=Severity.WARNING,
        data_type=sampled.data_type,
        reads=sampled.reads,
        of_room=sampled.of_room,
        select=lambda examined: pauses(sampled, examined),
        message=lambda count, length: (
            f"No {title} for {seconds(length)} while they were expected: about {count:,} are "
            "missing."
        ),
        cause="The browser's tab was hidden or the connection was lost; what was sent meanwhile "
        "never arrived.",
    )


def _silence(sampled: Sampled) -> QualityCheck:
    title = sampled.data_type.value.title
    return Issue(
        code="NO_SAMPLES",
        severity=Severity.ERROR,
        data_type=sampled.data_type,
        reads=sampled.reads,
        of_room=sampled.of_room,
        select=lambda examined: silent(sampled, examined),
        message=lambda count, component: (
            f"No {title} at all while `{component}` was shown: about {count:,} are missing."
        ),
        cause="The component did not load, or nothing that it sent arrived.",
    )


CHECKS: tuple[QualityCheck, ...] = (*map(_gap, SAMPLED), *map(_silence, SAMPLED))
