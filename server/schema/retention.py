"""How long data are kept: policies, legal holds, archives, and what would go when."""

from typing import Annotated, Any

import strawberry
from strawberry.types.unset import UNSET

from server.column_types import ByteCount
from server.limits.weights import ESTIMATE, costs
from server.records.retention import RetentionAction, RetentionPolicyBase
from server.resolvers import archiving, retention_preview, retention_settings
from server.resolvers.retention_preview import Forecast, Preview
from server.schema.info import Info
from server.schema.live import DataTypeCount
from server.schema.sharing import ExperimentId, ExperimentPayload
from server.schema.user_errors import UserErrors
from server.timestamps import Timestamp


def _column(name: str) -> Any:
    told = RetentionPolicyBase.model_fields[name].description
    return strawberry.field(default=UNSET, description=f"{told} As before, if left out.")


@strawberry.input(description="How long data are kept: what is left out stays as it is.")
class RetentionInput:
    delete_after_days: int | None = _column("delete_after_days")
    delete_at: Timestamp | None = _column("delete_at")
    media_days: int | None = _column("media_days")
    archive_after_days: int | None = _column("archive_after_days")
    reminder_days: int | None = _column("reminder_days")
    legal_hold: bool | None = strawberry.field(
        default=UNSET,
        description="True for a legal hold: nothing is deleted or archived by itself, and what is "
        "being deleted stops. Once it is lifted, notices are given anew. As before, if left out.",
    )
    legal_hold_reason: str | None = strawberry.field(
        default=UNSET, description="Why: needed to set a legal hold. As before, if left out."
    )

    def said(self) -> dict[str, Any]:
        """Return what is not left out."""
        values: dict[str, Any] = vars(self)
        return {name: value for name, value in values.items() if value is not UNSET}


@strawberry.type(description="What would become of an experiment's data, and when.")
class RetentionForecast:
    action: RetentionAction = strawberry.field(description="What would be done.")
    due_at: Timestamp = strawberry.field(description="For when the policy has it.")
    first_notice_at: Timestamp | None = strawberry.field(
        description="When the first notice was or will be given; null for what needs none."
    )
    last_notice_at: Timestamp | None = strawberry.field(
        description="When the second notice was or will be given, a day later at least; null for "
        "what needs none."
    )
    begins_at: Timestamp = strawberry.field(
        description="When it would begin, at the earliest: a day after the second notice at least."
    )
    record_counts: list[DataTypeCount] = strawberry.field(
        description="How many records would be deleted, of each type; empty if none would be."
    )
    participant_count: int = strawberry.field(
        description="How many participants would be deleted; who was in two rooms counts twice."
    )
    room_count: int = strawberry.field(description="How many rooms would be deleted.")
    quarantined_count: int = strawberry.field(
        description="How many records in quarantine would be deleted."
    )
    export_count: int = strawberry.field(
        description="How many finished exports would lose their files."
    )
    media_count: int = strawberry.field(description="How many files would be deleted.")
    media_bytes: ByteCount = strawberry.field(
        description="How large these files are, in bytes, as far as that is known."
    )


@strawberry.type(description="What retention has in store for an experiment.")
class RetentionPreview:
    legal_hold: bool = strawberry.field(
        description="Whether there is, or would be, a legal hold: then none of it happens."
    )
    forecasts: list[RetentionForecast] = strawberry.field(
        description="What would be done; of what counts from completion, nothing until then."
    )


@strawberry.type
class RetentionQuery:
    @strawberry.field(
        description="A dry run: what retention would do with an experiment's data, and when. For "
        "its owner and administrators; needs the scope `write:experiments`.",
        metadata=costs(ESTIMATE),
    )
    async def retention_preview(
        self,
        info: Info,
        experiment_id: ExperimentId,
        input: Annotated[
            RetentionInput | None,
            strawberry.argument(
                description="As if that were set; the policy as it is, if left out."
            ),
        ] = None,
    ) -> RetentionPreview:
        said = None if input is None else input.said()
        return _shown(await retention_preview.preview(info.context, experiment_id, said))


def _shown(preview: Preview) -> RetentionPreview:
    return RetentionPreview(
        legal_hold=preview.legal_hold, forecasts=[_forecast(each) for each in preview.forecasts]
    )


def _forecast(each: Forecast) -> RetentionForecast:
    going = each.going
    return RetentionForecast(
        action=each.action,
        due_at=each.due_at,
        first_notice_at=each.first_notice_at,
        last_notice_at=each.last_notice_at,
        begins_at=each.begins_at,
        record_counts=[
            DataTypeCount(data_type=kind, count=count) for kind, count in going.records.items()
        ],
        participant_count=going.participants,
        room_count=going.rooms,
        quarantined_count=going.quarantined,
        export_count=going.exports,
        media_count=going.files,
        media_bytes=going.bytes,
    )


@strawberry.type
class RetentionMutation:
    @strawberry.mutation(
        description="Set how long an experiment's data are kept, and set or lift a legal hold. "
        "Nothing is deleted without two notices, at least a day apart, and a day after. For its "
        "owner and administrators; needs the scope `write:experiments`.",
        extensions=[UserErrors(ExperimentPayload)],
    )
    async def retention_set(
        self,
        info: Info,
        experiment_id: ExperimentId,
        input: Annotated[RetentionInput, strawberry.argument(description="What to change.")],
    ) -> ExperimentPayload:
        row: Any = await retention_settings.set_policy(info.context, experiment_id, input.said())
        return ExperimentPayload(experiment=row)

    @strawberry.mutation(
        description="Archive an experiment: it is read-only from then on, and all that it holds is "
        "written to a sealed package, an export of its owner's that does not expire. For its owner "
        "and administrators; needs the scope `write:experiments`.",
        extensions=[UserErrors(ExperimentPayload)],
    )
    async def experiment_archive(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The experiment's global id.")
        ],
    ) -> ExperimentPayload:
        row: Any = await archiving.archive(info.context, id)
        return ExperimentPayload(experiment=row)
