"""What an export would hold, as the API shows it."""

from enum import Enum

import strawberry

from server.column_types import ByteCount
from server.records import RecordType
from server.records.columns import Identifies
from server.records.exports import WithheldReason
from server.resolvers.estimates import Estimate


@strawberry.enum(description="How a column can tell who a person is.")
class Identifying(Enum):
    DIRECT = strawberry.enum_value(
        Identifies.DIRECTLY, description="By itself: a name, an address, an id."
    )
    QUASI = strawberry.enum_value(
        Identifies.IN_PART, description="Together with other things that are known."
    )
    FREE_TEXT = strawberry.enum_value(Identifies.IN_TEXT, description="By what people wrote in it.")


@strawberry.type(description="How many rows of a data type an export would select.")
class EstimatedRows:
    data_type: RecordType = strawberry.field(description="Which type.")
    rows: int = strawberry.field(description="How many rows, counted.")


@strawberry.type(description="A column of the files that can tell who a person is.")
class IdentifyingColumn:
    data_type: RecordType | None = strawberry.field(
        description="Of which type; null for the table of participants."
    )
    column: str = strawberry.field(description="Its name, such as `senderId`.")
    how: Identifying = strawberry.field(description="How it can tell who a person is.")
    kept: bool = strawberry.field(
        description="Whether the files show what was recorded; if not, codes or nothing instead."
    )


@strawberry.type(
    description="How many values of a free text hold what looks like an address, or the id or the "
    "name of a participant."
)
class FreeTextHits:
    data_type: RecordType = strawberry.field(description="Of which type.")
    column: str = strawberry.field(description="Its name, such as `content`.")
    sampled: int = strawberry.field(description="How many values were looked at.")
    hits: int = strawberry.field(description="How many of those hold any.")
    foreseen: int = strawberry.field(
        description="How many of all values hold any, if the others are like those."
    )


@strawberry.type(description="What would not be in the files.")
class WithheldEstimate:
    reason: WithheldReason = strawberry.field(description="Why it would not be there.")
    data_type: RecordType | None = strawberry.field(
        description="Of which type; null for the table of participants."
    )
    count: int = strawberry.field(
        description="How many of what `explanation` names: records, files or participants."
    )
    explanation: str = strawberry.field(description="What is left out, and what one can do.")


@strawberry.type(description="What an export would hold.")
class ExportEstimate:
    rows: list[EstimatedRows] = strawberry.field(description="One entry for each data type.")
    total_rows: int = strawberry.field(description="How many rows in all.")
    bytes: ByteCount | None = strawberry.field(
        description="Size of the file in bytes, within about a fifth, media included if they are "
        "asked for; null if that cannot be told in time."
    )
    seconds: float | None = strawberry.field(
        description="How long it would be written, in seconds, once it is its turn; null if that "
        "cannot be told in time."
    )
    sampled: bool = strawberry.field(
        description="Whether a sample was made to tell; if not, the whole export was."
    )
    identifying_columns: list[IdentifyingColumn] = strawberry.field(
        description="The columns of its files that can tell who a person is."
    )
    smallest_group: int | None = strawberry.field(
        description="How many participants are selected of the room with the fewest participants; "
        "null without any."
    )
    free_text_hits: list[FreeTextHits] = strawberry.field(
        description="One entry for each column of free text."
    )
    withheld: list[WithheldEstimate] = strawberry.field(
        description="What would be left out, and why."
    )


def shown(estimate: Estimate) -> ExportEstimate:
    """Return an estimate as it is shown."""
    return ExportEstimate(
        rows=[EstimatedRows(data_type=kind, rows=n) for kind, n in estimate.rows.items()],
        total_rows=sum(estimate.rows.values()),
        bytes=None if estimate.bytes is None else ByteCount(estimate.bytes),
        seconds=estimate.seconds,
        sampled=estimate.sampled,
        identifying_columns=[
            IdentifyingColumn(
                data_type=each.data_type,
                column=each.column,
                how=Identifying(each.how),
                kept=each.kept,
            )
            for each in estimate.identifying
        ],
        smallest_group=estimate.smallest_group,
        free_text_hits=[
            FreeTextHits(
                data_type=each.data_type,
                column=each.column,
                sampled=each.sampled,
                hits=each.hits,
                foreseen=each.foreseen,
            )
            for each in estimate.hits
        ],
        withheld=[
            WithheldEstimate(
                reason=each.reason,
                data_type=each.data_type,
                count=each.count,
                explanation=each.explanation,
            )
            for each in estimate.withheld
        ],
    )
