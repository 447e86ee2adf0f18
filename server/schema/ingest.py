"""Adding records, and what becomes of those that are refused."""

from collections.abc import Sequence
from typing import Annotated, cast

import strawberry

from server.column_types import Json
from server.errors import BadUserInput
from server.execution.fields import Batched
from server.ingest import storing
from server.records.quarantine import (
    QUARANTINE,
    QuarantinedRecordBase,
    QuarantineFilter,
    RefusalCode,
)
from server.resolvers import quarantine
from server.resolvers.listings import Window
from server.resolvers.quarantine import Correction
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.schema.connection import Connection, all_of
from server.schema.info import Info
from server.schema.node import Node
from server.schema.scope import KEEP, After, First
from server.schema.user_errors import UserError, UserErrors


@strawberry.pydantic.type(
    description="A record that was refused, as it was sent: correct it and send it again, or drop "
    "it."
)
class QuarantinedRecord(QuarantinedRecordBase, Node): ...


@strawberry.input(description="Records of any data types.")
class RecordsInput:
    records: Json = strawberry.field(
        description="A list of at most 5,000 objects: each with `dataType`, such as `EVENTS`, "
        "`roomId`, `participantId`, `timestamp` (a moment, or milliseconds since 1970) and the "
        "fields of its type by the names that they have here, its public id among them. `onset` is "
        "calculated from the room's experiment start if it is left out, and `experimentId` need "
        "not be given."
    )
    atomic: bool = strawberry.field(
        default=False,
        description="Store all of them or, if any is refused, none; else all that can be stored.",
    )


@strawberry.type(description="A record that was not stored, and why; it is in quarantine.")
class RefusedRecord:
    index: int = strawberry.field(description="Its place in the list that was sent, from 0.")
    code: RefusalCode = strawberry.field(description="Why, for programs.")
    field: str | None = strawberry.field(
        description="The field at fault; null if it is not one of them."
    )
    message: str = strawberry.field(description="Why, and what to do.")


@strawberry.type(
    description="What became of each record: `acceptedCount` and `refusedCount` make `sentCount`."
)
class IngestPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list,
        description="Why the whole was refused, before any record was looked at; empty if not.",
    )
    sent_count: int = strawberry.field(default=0, description="How many records were looked at.")
    accepted_count: int = strawberry.field(
        default=0, description="How many of them are stored now, whenever that was done."
    )
    unchanged_count: int = strawberry.field(
        default=0,
        description="How many of those accepted were there already, just so: sending a batch "
        "again changes nothing.",
    )
    refused_count: int = strawberry.field(
        default=0, description="How many were not stored, and are in quarantine."
    )
    refused: list[RefusedRecord] = strawberry.field(
        default_factory=list, description="Those, in the order in which they were sent."
    )


@strawberry.input(description="A record in quarantine that is sent again.")
class QuarantineItem:
    id: strawberry.ID = strawberry.field(description="Its global id.")
    record: Json | None = strawberry.field(
        default=None, description="What to send in its place; itself, if left out."
    )


@strawberry.type(description="What was dropped, or why nothing was.")
class QuarantineDiscardPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    discarded_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The records that are gone for good."
    )


@strawberry.type
class IngestQuery:
    @strawberry.field(
        description="The records in quarantine that are for experiments of the caller's and, of "
        "those for no experiment that is known, what the caller sent; the oldest refusal first.",
        extensions=[Batched()],
    )
    def quarantine(
        self,
        filter: Annotated[QuarantineFilter | None, KEEP] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[QuarantinedRecord]:
        return all_of(QUARANTINE, filter, None, Window(first, after))


@strawberry.type
class IngestMutation:
    @strawberry.mutation(
        description="Add records, at most 5,000 at once, to rooms of the caller's experiments. "
        "What is there already is left as it is, so that a batch can be sent again. For whoever "
        "owns the experiment, and administrators; needs the scope `write:events`. For more than "
        "some batches a second, send lines to `POST /ingest`.",
        extensions=[UserErrors(IngestPayload)],
    )
    async def records_ingest(
        self,
        info: Info,
        input: Annotated[RecordsInput, strawberry.argument(description="The records.")],
    ) -> IngestPayload:
        context, records = info.context, _list(input.records)
        with context.services.gate.entered():
            outcome = await storing.ingest(context.db, context.actor, records, atomic=input.atomic)
        return payload(outcome)

    @strawberry.mutation(
        description="Send records in quarantine again, corrected or as they are: what is accepted "
        "leaves it. Needs the scope `write:events`.",
        extensions=[UserErrors(IngestPayload)],
    )
    async def quarantine_resubmit(
        self,
        info: Info,
        items: Annotated[
            list[QuarantineItem],
            strawberry.argument(description="At most 5,000; `index` counts in this list."),
        ],
    ) -> IngestPayload:
        corrections = [Correction(each.id, each.record) for each in items]
        return payload(await quarantine.resubmit(info.context, corrections))

    @strawberry.mutation(
        description="Drop records in quarantine for good. Needs the scope `write:events`.",
        extensions=[UserErrors(QuarantineDiscardPayload)],
    )
    async def quarantine_discard(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Their global ids, at most 5,000.")
        ],
    ) -> QuarantineDiscardPayload:
        await quarantine.discard(info.context, ids)
        return QuarantineDiscardPayload(discarded_ids=ids)


def payload(outcome: storing.Outcome) -> IngestPayload:
    """Return what became of a batch, as clients are told."""
    return IngestPayload(
        sent_count=outcome.sent,
        accepted_count=outcome.accepted,
        unchanged_count=outcome.unchanged,
        refused_count=len(outcome.refused),
        refused=_refused(outcome.refused),
    )


def _list(records: Json) -> list[object]:
    """Return what was sent as a list: JSON as a whole, so that one bad record is refused alone."""
    sent = cast("object", records)
    if not isinstance(sent, list):
        raise BadUserInput("Send a list of objects.", ["input", "records"])
    listed = cast("list[object]", sent)
    if len(listed) > storing.MOST_RECORDS:
        raise BadUserInput(
            f"A batch holds at most {storing.MOST_RECORDS:,} records: send several.",
            ["input", "records"],
        )
    return listed


def _refused(refused: Sequence[storing.Refused]) -> list[RefusedRecord]:
    return [
        RefusedRecord(
            index=each.index,
            code=each.refusal.code,
            field=each.refusal.field,
            message=each.refusal.message,
        )
        for each in refused
    ]
