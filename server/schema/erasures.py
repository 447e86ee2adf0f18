"""Erasures: what is to go for good, and the receipt once it has."""

from typing import Annotated, Any

import strawberry

from server.execution.fields import Batched
from server.export.holding import HeldBy
from server.global_ids import global_id
from server.limits.weights import ESTIMATE, costs
from server.records import RecordType
from server.records.conditions import TextIn
from server.records.erasures import (
    ERASURES,
    ErasureBase,
    ErasureFilter,
    ErasureOrderField,
)
from server.records.exports import Export as ExportTable
from server.records.participants import PARTICIPANTS
from server.records.participants import Participant as ParticipantTable
from server.records.users import User as UserTable
from server.resolvers import erasures
from server.resolvers.erasures import Asked
from server.resolvers.listings import Window
from server.resolvers.lookups import Node as NodeById
from server.resolvers.lookups import Parents
from server.schema.connection import Connection, OrderDirection, all_of, loaded
from server.schema.deleting import DeletePayload
from server.schema.experiments import Participant
from server.schema.info import Info
from server.schema.node import Node
from server.schema.orders import ErasureOrder
from server.schema.people import User
from server.schema.scope import After, First
from server.schema.user_errors import UserError, UserErrors
from server.timestamps import Timestamp


@strawberry.pydantic.type(description="Data that is to go for good, or has gone.")
class Erasure(ErasureBase, Node):
    @strawberry.pydantic.field(
        description="Who asked for it.", extensions=[Batched("requested_by_key")]
    )
    def requested_by(self) -> User:
        return loaded(Parents(UserTable, "requested_by_key"))

    @strawberry.pydantic.field(
        description="Who is to be erased, in one of their rooms; null once they are, and of a "
        "whole experiment.",
        extensions=[Batched("participant_key")],
    )
    def participant(self) -> Participant | None:
        return loaded(Parents(ParticipantTable, "participant_key", PARTICIPANTS.scope))


@strawberry.type(description="How many records of a data type would go.")
class ErasedRecords:
    data_type: RecordType = strawberry.field(description="Which type.")
    record_count: int = strawberry.field(description="How many records.")


@strawberry.type(description="That somebody took a file away.")
class TakenAway:
    user_id: str | None = strawberry.field(
        description="Public id of the account, `usr_…`; null if it is not known."
    )
    at: Timestamp = strawberry.field(description="When.")


@strawberry.type(description="A finished export that may hold what is to go.")
class HoldingExport:
    export_id: strawberry.ID = strawberry.field(description="Its global id.")
    downloads: list[TakenAway] = strawberry.field(
        description="Who downloaded it, and when: copies that no erasure reaches."
    )


@strawberry.type(description="What would go, counted now.")
class ErasurePreview:
    participant_count: int = strawberry.field(
        description="How many rows of participants: one for each room that somebody was in."
    )
    records: list[ErasedRecords] = strawberry.field(description="How many records, by type.")
    sealed_count: int = strawberry.field(description="How many records that are sealed.")
    media_count: int = strawberry.field(description="How many recordings with a file.")
    quarantined_count: int = strawberry.field(description="How many records in quarantine.")
    mention_count: int = strawberry.field(
        description="In how many rows of others, at most, a tombstone would take the place of an "
        "id, a name or an address."
    )
    exports: list[HoldingExport] = strawberry.field(
        description="Finished exports whose files would be deleted."
    )
    grace_days: float = strawberry.field(
        description="How long it could be canceled once it is confirmed, in days."
    )
    confirm: str = strawberry.field(description="The token that confirms it.")
    confirm_until: Timestamp = strawberry.field(description="Until when the token works.")


@strawberry.input(description="Who is to be erased.")
class ParticipantErasureInput:
    experiment_id: str = strawberry.field(description="Public id of the experiment.")
    participant_id: str = strawberry.field(
        description="Public id of the person: all their rooms in the experiment are meant."
    )
    confirm: str | None = strawberry.field(
        default=None,
        description="The token of the preview. Without it nothing is done but to count what "
        "would go.",
    )
    reason: str | None = strawberry.field(
        default=None, description="Why: kept with the erasure, without what tells who it was."
    )


@strawberry.type(description="What would go, or the erasure, or why there is neither.")
class ErasurePayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    preview: ErasurePreview | None = strawberry.field(
        default=None, description="What would go, if it is not confirmed yet."
    )
    erasure: Erasure | None = strawberry.field(
        default=None, description="The erasure, once it is confirmed: the same, if asked again."
    )


def _newest_first() -> list[ErasureOrder]:
    return [ErasureOrder(field=ErasureOrderField.REQUESTED_AT, direction=OrderDirection.DESC)]


@strawberry.type
class ErasureQuery:
    @strawberry.field(
        description="The erasures of an experiment, the newest first: of one that is gone, those "
        "that the caller asked for. For its owner and administrators.",
        extensions=[Batched()],
    )
    def erasures(
        self,
        experiment_id: Annotated[
            str, strawberry.argument(description="Public id of the experiment.")
        ],
        first: First = None,
        after: After = None,
    ) -> Connection[Erasure]:
        kept = ErasureFilter(experiment_id=TextIn(in_=(experiment_id,)))
        return all_of(ERASURES, kept, _newest_first(), Window(first, after))

    @strawberry.field(
        description="An erasure; null if there is none that the caller may see.",
        extensions=[Batched()],
    )
    def erasure(
        self,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its global id.")],
    ) -> Erasure | None:
        return loaded(NodeById(id))

    @strawberry.field(
        description="What would go with an experiment, and the token by which `experimentDelete` "
        "is confirmed. For its owner and administrators; needs the scope `delete:experiments`.",
        metadata=costs(ESTIMATE),
    )
    async def experiment_delete_preview(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The experiment's global id.")
        ],
    ) -> ErasurePayload:
        return _payload(await erasures.preview_experiment(info.context, id))


@strawberry.type
class ErasureMutation:
    @strawberry.mutation(
        description="Erase a person from an experiment, in two steps: asked without `confirm`, it "
        "counts what would go, and gives a token; with the token, it begins once the time for "
        "second thoughts is over. For whoever owns the experiment, and administrators; needs the "
        "scope `delete:experiments`.",
        extensions=[UserErrors(ErasurePayload)],
    )
    async def participant_erase(
        self,
        info: Info,
        input: Annotated[
            ParticipantErasureInput, strawberry.argument(description="Who is to be erased.")
        ],
    ) -> ErasurePayload:
        asked = await erasures.erase_participant(
            info.context, input.experiment_id, input.participant_id, input.confirm, input.reason
        )
        return _payload(asked)

    @strawberry.mutation(
        description="Cancel an erasure, of a person or of an experiment, that has not begun. For "
        "whoever owns the experiment, and administrators; needs the scope `delete:experiments`.",
        extensions=[UserErrors(ErasurePayload)],
    )
    async def participant_erasure_cancel(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The erasure's global id.")],
    ) -> ErasurePayload:
        row: Any = await erasures.cancel(info.context, id)
        return ErasurePayload(erasure=row)

    @strawberry.mutation(
        description="Erase an experiment with all that is in it, once the time for second thoughts "
        "is over: until then it is among `erasures`, and can be canceled. For whoever owns it, and "
        "administrators; needs the scope `delete:experiments`.",
        extensions=[UserErrors(DeletePayload)],
    )
    async def experiment_delete(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The experiment's global id.")
        ],
        confirm: Annotated[
            str, strawberry.argument(description="The token of `experimentDeletePreview`.")
        ],
        reason: Annotated[
            str | None, strawberry.argument(description="Why: kept with the erasure.")
        ] = None,
    ) -> DeletePayload:
        await erasures.delete_experiment(info.context, id, confirm, reason)
        return DeletePayload(deleted_id=id)


def _payload(asked: Asked) -> ErasurePayload:
    row: Any = asked.erasure
    found = asked.preview
    if found is None or asked.confirm is None or asked.until is None:
        return ErasurePayload(erasure=row)
    return ErasurePayload(
        preview=ErasurePreview(
            participant_count=found.participants,
            records=[
                ErasedRecords(data_type=each, record_count=count)
                for each, count in found.records.items()
            ],
            sealed_count=found.sealed,
            media_count=found.media,
            quarantined_count=found.quarantined,
            mention_count=found.mentions,
            exports=[_held(each) for each in found.exports],
            grace_days=asked.grace_days,
            confirm=asked.confirm,
            confirm_until=asked.until,
        )
    )


def _held(held: HeldBy) -> HoldingExport:
    return HoldingExport(
        export_id=strawberry.ID(global_id(ExportTable.__name__, held.export_key)),
        downloads=[TakenAway(user_id=each.actor_id, at=each.at) for each in held.downloads],
    )
