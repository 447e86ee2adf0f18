"""Broken records: of what is stored, that of which not all holds that its type declares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, case, cast, func, null, or_, select
from sqlmodel import col

from server.records import RecordType
from server.records.checks import EXPERIMENT_START, Check
from server.records.participants import Participant
from server.records.rooms import Room
from server.resolvers.quality.examined import AnySelect, Examined, table
from server.resolvers.quality.findings import Finding, QualityCheck, Severity, counted
from server.rows import layout_of

CAUSES: Mapping[str, str] = {
    "OUT_OF_RANGE": "The component is set up wrongly, or the records were made by something else.",
    "ENDS_BEFORE_START": "The clock was set back in between.",
    "OFF_SCALE": "The scale was changed after the component was set up.",
    "IMPLAUSIBLE_TIME": "The clock that gave the time was never set.",
    "ONSET_DISAGREES": "The room's experiment start was corrected afterwards, or the onset is that "
    "of another clock.",
}
"""What a breach of each kind of check likely comes from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BrokenRecords(QualityCheck):
    """The checks of a data type, all of them in one pass through its records."""

    data_type: RecordType

    @property
    def checks(self) -> Sequence[Check]:
        """What must hold of each record."""
        return self.data_type.value.all_checks

    @property
    def codes(self) -> Sequence[str]:
        return sorted({check.code for check in self.checks})

    def statement(self, examined: Examined) -> AnySelect:
        """Select how many records break each check, the first and the last, by participant."""
        layout = layout_of(self.data_type.value.model)
        participant = table(Participant)
        columns = {**layout.columns, EXPERIMENT_START: layout_of(Room).columns["experiment_start"]}
        moment, mine = layout.columns["timestamp"], layout.columns["participant_key"]
        broken = [check.broken(columns) for check in self.checks]
        told = [
            end.label(f"{name}_{i}")
            for i, clause in enumerate(broken)
            for name, end in {
                "count": func.count(case((clause, 1))),
                "first": func.min(case((clause, moment))),
                "last": func.max(case((clause, moment))),
            }.items()
        ]
        seated = table(Participant, "seated")  # so that a room is looked up once for each of them
        rows = (
            select(seated.c.id.label("participant_key"), *told)
            .join_from(seated, Room, col(Room.id) == seated.c.room_key)
            .join(layout.model, mine == seated.c.id)
            .where(seated.c.id.in_(examined.keys()), or_(*broken))
            .group_by(seated.c.id)
            .subquery()
        )
        counts = [rows.c[f"count_{i}"] for i in range(len(broken))]
        return select(
            examined.place_of(participant).label("place"),
            rows.c.participant_key,
            cast(sum(counts[1:], start=counts[0]), BigInteger).label("affected_count"),
            null().label("first_at"),
            *(column for column in rows.c if column.key != "participant_key"),
        ).join_from(rows, participant, participant.c.id == rows.c.participant_key)

    def findings(self, row: Sequence[Any]) -> Iterator[Finding]:
        place, participant, _, _, *told = row
        for i, check in enumerate(self.checks):
            count, first, last = told[3 * i : 3 * i + 3]
            if count:
                yield Finding(
                    place=place,
                    code=check.code,
                    severity=Severity.ERROR,
                    data_type=self.data_type,
                    message=f"Broken in {counted(count, 'record')} of "
                    f"{self.data_type.value.title}: {check.sentence}",
                    likely_cause=CAUSES[check.code],
                    affected_count=count,
                    participant_key=participant,
                    first_at=first,
                    last_at=last,
                )


CHECKS: tuple[QualityCheck, ...] = tuple(
    BrokenRecords(data_type=each, reads=(each,)) for each in RecordType
)
