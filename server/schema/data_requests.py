"""The right of access: participants ask for their own data, and owners see what is due."""

from typing import Annotated, Any, cast

import strawberry

from server.cursors import SortKey
from server.execution.fields import Batched
from server.records.data_requests import (
    DATA_REQUESTS,
    DataRequestBase,
    DataRequestFilter,
    DataRequestOrderField,
    DataRequestState,
)
from server.records.experiments import EXPERIMENTS
from server.records.experiments import Experiment as ExperimentTable
from server.records.exports import ExportFormat, ExportStatus
from server.resolvers import data_requests
from server.resolvers.listings import Listing, PageOfAll, Window
from server.resolvers.lookups import Parents
from server.rows import Row
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.schema.connection import Connection, loaded
from server.schema.experiments import Experiment
from server.schema.info import Info
from server.schema.narrowing import OfExperiment, of_experiment
from server.schema.node import Node
from server.schema.scope import After, First
from server.schema.user_errors import UserError, UserErrors
from server.timestamps import Timestamp

_DUE_FIRST = (
    SortKey(DataRequestOrderField.CLOSED.value),
    SortKey(DataRequestOrderField.DUE_AT.value),
)


@strawberry.pydantic.type(
    description="A request for all that is stored of one person, Art. 15 GDPR, and its answer."
)
class DataRequest(DataRequestBase, Node):
    state: Annotated[DataRequestState, strawberry.field(description="Where it stands.")] = (
        DataRequestState.RECEIVED
    )
    package_status: Annotated[
        ExportStatus | None,
        strawberry.field(
            description="Where the export stands that makes the package; null if there is none. If "
            "it has failed, ask again: it is the same request."
        ),
    ] = None

    @strawberry.pydantic.field(
        description="The experiment.", extensions=[Batched("experiment_key")]
    )
    def experiment(self) -> Experiment | None:
        return loaded(Parents(ExperimentTable, "experiment_key", EXPERIMENTS.scope))

    @strawberry.pydantic.field(
        description="Address of the package, signed when read and working for about an hour; null "
        "as long as it is not there, or not any more."
    )
    def download_url(self, info: Info) -> str | None:
        row = cast("Row", self)
        if row.package_status != ExportStatus.COMPLETED:
            return None
        return info.context.link(f"/data-requests/{row.key}/package", "package", row.key)


@strawberry.input(description="A request for all that is stored of one person.")
class DataRequestInput:
    experiment_id: str = strawberry.field(description="Public id of the experiment, `exp_…`.")
    participant_id: str | None = strawberry.field(
        default=None,
        description="Whose data: for the experiment's owner, who answers for a participant; "
        "participants ask for their own alone, and need not say so.",
    )
    include_media: bool = strawberry.field(
        default=False, description="Put the video and audio of the person into the package."
    )
    format: ExportFormat = strawberry.field(
        default=ExportFormat.CSV, description="What the records are written as."
    )


@strawberry.input(description="The refusal of a request.")
class DataRequestRefusalInput:
    id: strawberry.ID = strawberry.field(description="The request's global id.")
    reason: str = strawberry.field(
        description="Why, in at most 1,000 characters: the participant is told."
    )


@strawberry.input(description="A link for a participant who has no account.")
class ParticipantTokenInput:
    experiment_id: str = strawberry.field(description="Public id of the experiment, `exp_…`.")
    participant_id: str = strawberry.field(description="Whose data it lets ask for.")
    days: int = strawberry.field(default=30, description="How many days it works, from 1 to 90.")


@strawberry.type(description="A request, or why there is none.")
class DataRequestPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    data_request: DataRequest | None = strawberry.field(default=None, description="The request.")


@strawberry.type(description="A link for a participant, or why there is none.")
class ParticipantTokenPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    url: str | None = strawberry.field(
        default=None,
        description="What to hand to the participant, and to nobody else: whoever has it can ask "
        "once for the data of that person, and fetch them. Shown this once.",
    )
    expires_at: Timestamp | None = strawberry.field(default=None, description="When it ends.")


@strawberry.type
class DataRequestQuery:
    @strawberry.field(
        description="Requests of participants for their data, to the caller's experiments: those "
        "still open first, the longest overdue before all others. A participant is shown their "
        "own.",
        extensions=[Batched()],
    )
    def data_requests(
        self, experiment_id: OfExperiment = None, first: First = None, after: After = None
    ) -> Connection[DataRequest]:
        kept = DataRequestFilter(experiment_id=of_experiment(experiment_id))
        return loaded(PageOfAll(Listing(DATA_REQUESTS, kept, _DUE_FIRST), Window(first, after)))


@strawberry.type
class DataRequestMutation:
    @strawberry.mutation(
        description="Ask for all that is stored of oneself in an experiment that allows it, or, as "
        "its owner, for a participant. While a request is open, asking again changes nothing. The "
        "package tells of everybody else under codes.",
        extensions=[UserErrors(DataRequestPayload)],
    )
    async def participant_data_request(
        self,
        info: Info,
        input: Annotated[
            DataRequestInput, strawberry.argument(description="Whose data, and in which form.")
        ],
    ) -> DataRequestPayload:
        row: Any = await data_requests.ask(
            info.context,
            input.experiment_id,
            input.participant_id,
            include_media=input.include_media,
            format_=input.format,
        )
        return DataRequestPayload(data_request=row)

    @strawberry.mutation(
        description="Refuse a request that is open: its package is deleted, if there is one. Needs "
        "the scope `write:experiments`.",
        extensions=[UserErrors(DataRequestPayload)],
    )
    async def data_request_refuse(
        self,
        info: Info,
        input: Annotated[
            DataRequestRefusalInput, strawberry.argument(description="Which, and why.")
        ],
    ) -> DataRequestPayload:
        row: Any = await data_requests.refuse(info.context, input.id, input.reason)
        return DataRequestPayload(data_request=row)

    @strawberry.mutation(
        description="Make a link by which a participant without an account asks once for their "
        "data, and fetches them. One of theirs that nobody has used yet ends. Needs the scope "
        "`write:experiments`.",
        extensions=[UserErrors(ParticipantTokenPayload)],
    )
    async def participant_token_create(
        self,
        info: Info,
        input: Annotated[
            ParticipantTokenInput, strawberry.argument(description="For whom, for how long.")
        ],
    ) -> ParticipantTokenPayload:
        path, expires_at = await data_requests.make_token(
            info.context, input.experiment_id, input.participant_id, input.days
        )
        return ParticipantTokenPayload(url=f"{info.context.address()}{path}", expires_at=expires_at)
