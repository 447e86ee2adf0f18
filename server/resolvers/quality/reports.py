"""Quality reports: all that the checks find of some places, the worst first."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sqlalchemy import func, select

from server.batches import Wanted
from server.paging import PARENTS
from server.records import RecordType
from server.records.checks import NOW
from server.records.components import COMPONENTS
from server.resolvers.context import Context
from server.resolvers.quality.checks import CHECKS
from server.resolvers.quality.completeness import completeness
from server.resolvers.quality.examined import Examined
from server.resolvers.quality.findings import Finding, QualityCheck, Severity
from server.resolvers.rollups import Shown, shown_to
from server.rows import Layout, Row, Rows, keys_of
from server.statements import Statement
from server.timestamps import now

MOST_ISSUES = 500
"""How many issues a report has at most."""

REPORT = Layout("QualityReport", ["completeness", "found", "truncated", "checked_at"])
ISSUE = Layout("QualityIssue", Finding._fields)

_ID = "component_id"
_BADNESS = {each: -i for i, each in enumerate(Severity)}
_OF_ISSUES = ("found", "truncated")


@dataclass(frozen=True, slots=True)
class QualityReports:
    """The report of each source."""

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
        level, parents = sources[0].layout.level, keys_of(sources)
        checked_at = now()
        share: Mapping[int, float] = {}
        found: Mapping[int, list[Finding]] = {}
        if wanted is None or "completeness" in wanted:
            share = await _completeness(context, level, parents)
        if wanted is None or not wanted.isdisjoint(_OF_ISSUES):
            shown = shown_to(await context.own_view(), COMPONENTS, sources)
            found = await _findings(context, level, parents, checked_at, shown)
        return [
            REPORT.row(
                (
                    share.get(parent),
                    Rows(ISSUE, found.get(parent, [])[:MOST_ISSUES]),
                    len(found.get(parent, [])) > MOST_ISSUES,
                    checked_at,
                )
            )
            for parent in parents
        ]


@dataclass(frozen=True, slots=True)
class Issues:
    """The issues of each report, which it came with."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Rows]:
        return [source.found for source in sources]


async def _completeness(
    context: Context, level: str, parents: Sequence[int]
) -> Mapping[int, float]:
    """Return the mean of the types' completeness, by place: each type counts the same."""
    shares = defaultdict[int, list[float]](list)
    types = tuple(RecordType)
    for (place, _), received in (await completeness(context, level, parents, types)).items():
        shares[place].append(received.share)
    return {place: fmean(each) for place, each in shares.items()}


async def _findings(
    context: Context, level: str, parents: Sequence[int], at: int, shown: Shown
) -> Mapping[int, list[Finding]]:
    """Return what the checks find, the worst first, by place."""
    actor = context.actor
    given = {PARENTS: list(dict.fromkeys(parents)), NOW: at, **actor.parameters}
    found = defaultdict[int, list[Finding]](list)
    for check in CHECKS:
        if not check.allowed(actor):
            continue
        examined = Examined(actor, level, check.reads)
        key = "quality", check, examined.kind, MOST_ISSUES
        prepared = context.db.prepare(key, _most(check, examined))
        for row in await context.db.fetch(prepared, given, quick=False):
            for finding in check.findings(_told(row[:-1], shown)):
                found[finding.place].append(finding)
    for findings in found.values():
        findings.sort(key=_place)
    return found


def _told(row: Sequence[Any], shown: Shown) -> Sequence[Any]:
    """Return a row as the caller is shown it: all texts in it are ids, or words of a program's."""
    place = row[0]
    return [shown(place, each, _ID) if isinstance(each, str) else each for each in row]


def _most(check: QualityCheck, examined: Examined) -> Callable[[], Statement]:
    """Return what makes the statement of a check, of no more rows a place than a report has."""

    def make() -> Statement:
        rows = check.statement(examined).subquery()
        rank = func.row_number().over(
            partition_by=rows.c.place,
            order_by=[rows.c.affected_count.desc(), rows.c.participant_key, rows.c.first_at],
        )
        ranked = select(rows, rank.label("rank")).subquery()
        return select(ranked).where(ranked.c.rank <= MOST_ISSUES + 1)

    return make


def _place(finding: Finding) -> tuple[int, int, str, int, int]:
    """Return what issues are sorted by: the worst first, then as they happened."""
    return (
        _BADNESS[finding.severity],
        -finding.affected_count,
        finding.code,
        finding.first_at or 0,
        finding.participant_key or 0,
    )
