"""Quality: how much of what was expected came, and what is wrong with it."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from server.execution.fields import Batched
from server.records import RecordType
from server.records.participants import PARTICIPANTS
from server.records.participants import Participant as ParticipantTable
from server.resolvers.lookups import Parents
from server.resolvers.quality.completeness import EXPECTATIONS
from server.resolvers.quality.findings import Severity
from server.resolvers.quality.reports import MOST_ISSUES, Issues
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.schema.connection import loaded
from server.timestamps import Timestamp

if TYPE_CHECKING:
    from server.schema.experiments import Participant

LazyParticipant = Annotated["Participant", strawberry.lazy("server.schema.experiments")]

COMPLETENESS = (
    "How much of what was expected came: 0 to 1; null where nothing can be expected, or the caller "
    "may not see what tells. Of "
    + "; of ".join(f"{each.data_type.value.title}, {each.rule}" for each in EXPECTATIONS)
    + "."
)

inputs.show(Severity, lambda member: member.description)


@strawberry.type(description="Something that is wrong with the data, or worth knowing of them.")
class QualityIssue:
    code: str = strawberry.field(
        description="What it is, such as `GAP`: the documentation of quality lists them all."
    )
    severity: Severity = strawberry.field(description="How bad it is.")
    data_type: RecordType | None = strawberry.field(
        description="The type of the data; null for what is of no type."
    )
    message: str = strawberry.field(description="What it is, for people.")
    likely_cause: str | None = strawberry.field(description="What it likely comes from.")
    affected_count: int = strawberry.field(
        description="How many records it is about, or how many are missing."
    )
    first_at: Timestamp | None = strawberry.field(
        description="When it began, or first happened; null if that is not known."
    )
    last_at: Timestamp | None = strawberry.field(
        description="When it ended, or last happened; null if that is not known."
    )

    @strawberry.field(
        description="Whose data they are; null for an issue of several.",
        extensions=[Batched("participant_key")],
    )
    def participant(self) -> LazyParticipant | None:
        return loaded(Parents(ParticipantTable, "participant_key", PARTICIPANTS.scope))


@strawberry.type(description="How much of what was expected came, and what is wrong with it.")
class QualityReport:
    completeness: float | None = strawberry.field(
        description="How much of what was expected came: the mean of `dataSummary.completeness` "
        "over the types of which anything is expected; null if there is none."
    )
    truncated: bool = strawberry.field(
        description=f"Whether there are more than these {MOST_ISSUES}: ask for a room, or for a "
        "participant."
    )
    checked_at: Timestamp = strawberry.field(description="When it was looked at.")

    @strawberry.field(
        description=f"What is wrong, or worth knowing, the worst first; at most {MOST_ISSUES}.",
        extensions=[Batched("found")],
    )
    def issues(self) -> list[QualityIssue]:
        return loaded(Issues())
