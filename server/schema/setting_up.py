"""Setting up experiments, and the rooms and participants that data is then added to."""

from typing import Annotated, Any

import strawberry
from sqlmodel import SQLModel
from strawberry.types.unset import UNSET

from server.records.experiments import ExperimentBase, ExperimentStatus, ParticipantField
from server.records.participants import ParticipantBase, ParticipantStatus
from server.records.rooms import RoomBase, RoomStatus
from server.resolvers import setting_up
from server.schema.experiments import Participant, Room
from server.schema.info import Info
from server.schema.sharing import ExperimentPayload
from server.schema.user_errors import UserError, UserErrors
from server.timestamps import Timestamp


def _column(model: type[SQLModel], name: str, default: str = "as before, or none,") -> Any:
    told = model.model_fields[name].description
    return strawberry.field(
        default=UNSET, description=f"{told} {default.capitalize()} if left out."
    )


def _said(given: object, *besides: str) -> dict[str, Any]:
    """Return what an input says: fields that were left out are not in it."""
    values: dict[str, Any] = vars(given)
    return {
        name: value for name, value in values.items() if value is not UNSET and name not in besides
    }


@strawberry.input(description="An experiment: what is left out stays as it is.")
class ExperimentInput:
    experiment_id: str | None = strawberry.field(
        default=None,
        description="Public id of a new experiment; one is made if left out. It never changes.",
    )
    name: str | None = strawberry.field(
        default=UNSET, description="What researchers call it: a new one must have a name."
    )
    description: str | None = _column(ExperimentBase, "description")
    status: ExperimentStatus | None = _column(ExperimentBase, "status", "as before, or ACTIVE,")
    roles: list[str] | None = _column(ExperimentBase, "roles")
    required_participants: int | None = _column(ExperimentBase, "required_participants")
    participants_may_request_data: bool | None = _column(
        ExperimentBase, "participants_may_request_data", "as before, or false,"
    )
    fields_not_collected: list[ParticipantField] | None = strawberry.field(
        default=UNSET,
        description="What is not stored of its participants, whoever sends it: what is known of it "
        "already is emptied. As before, or nothing, if left out.",
    )


@strawberry.input(description="A room: what is left out stays as it is.")
class RoomInput:
    experiment_id: str = strawberry.field(description="Public id of its experiment.")
    room_id: str = strawberry.field(description="Its public id, which no other room has.")
    status: RoomStatus | None = _column(RoomBase, "status", "as before, or ACTIVE,")
    start_time: Timestamp | None = _column(RoomBase, "start_time")
    end_time: Timestamp | None = _column(RoomBase, "end_time")
    experiment_start: Timestamp | None = strawberry.field(
        default=UNSET,
        description="Time zero of every onset in the room. If it is corrected, the onsets of what "
        "was recorded follow: timestamps stay.",
    )
    completion_reason: str | None = _column(RoomBase, "completion_reason")


@strawberry.input(description="Somebody in a room: what is left out stays as it is.")
class ParticipantInput:
    room_id: str = strawberry.field(description="Public id of the room.")
    participant_id: str = strawberry.field(
        description="Public id of the person: the same in each of their rooms."
    )
    role: str | None = _column(ParticipantBase, "role")
    status: ParticipantStatus | None = _column(ParticipantBase, "status", "as before, or ACTIVE,")
    email: str | None = _column(ParticipantBase, "email")
    ip_address: str | None = _column(ParticipantBase, "ip_address")
    user_agent: str | None = _column(ParticipantBase, "user_agent")
    joined_at: Timestamp | None = _column(ParticipantBase, "joined_at")
    completed_at: Timestamp | None = _column(ParticipantBase, "completed_at")
    completion_code: str | None = _column(ParticipantBase, "completion_code")


@strawberry.type(description="A room, or why there is none.")
class RoomPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    room: Room | None = strawberry.field(default=None, description="The room.")


@strawberry.type(description="Somebody in a room, or why they are not.")
class ParticipantPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    participant: Participant | None = strawberry.field(default=None, description="Who it is.")


@strawberry.type
class SettingUpMutation:
    @strawberry.mutation(
        description="Make an experiment, which will be the caller's. Needs the scope "
        "`write:experiments`, and a key that is not bound to experiments.",
        extensions=[UserErrors(ExperimentPayload)],
    )
    async def experiment_create(
        self,
        info: Info,
        input: Annotated[ExperimentInput, strawberry.argument(description="The experiment.")],
    ) -> ExperimentPayload:
        said = _said(input, "experiment_id")
        row: Any = await setting_up.create_experiment(info.context, input.experiment_id, said)
        return ExperimentPayload(experiment=row)

    @strawberry.mutation(
        description="Change an experiment's settings. With the status ARCHIVED it is archived, as "
        "by `experimentArchive`; with another one, it is taken out of the archive. For its owner "
        "and administrators; needs the scope `write:experiments`.",
        extensions=[UserErrors(ExperimentPayload)],
    )
    async def experiment_update(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The experiment's global id.")
        ],
        input: Annotated[ExperimentInput, strawberry.argument(description="What to change.")],
    ) -> ExperimentPayload:
        said = _said(input, "experiment_id")
        row: Any = await setting_up.change_experiment(info.context, id, said)
        return ExperimentPayload(experiment=row)

    @strawberry.mutation(
        description="Make a room, or change it. For whoever owns the experiment, and "
        "administrators; needs the scope `write:events`.",
        extensions=[UserErrors(RoomPayload)],
    )
    async def room_upsert(
        self,
        info: Info,
        input: Annotated[RoomInput, strawberry.argument(description="The room.")],
    ) -> RoomPayload:
        said = _said(input, "experiment_id", "room_id")
        row: Any = await setting_up.put_room(info.context, input.experiment_id, input.room_id, said)
        return RoomPayload(room=row)

    @strawberry.mutation(
        description="Add somebody to a room, or change what is known of them. For whoever owns the "
        "experiment, and administrators; needs the scope `write:events`.",
        extensions=[UserErrors(ParticipantPayload)],
    )
    async def participant_upsert(
        self,
        info: Info,
        input: Annotated[ParticipantInput, strawberry.argument(description="Who, and where.")],
    ) -> ParticipantPayload:
        said = _said(input, "room_id", "participant_id")
        row: Any = await setting_up.put_participant(
            info.context, input.room_id, input.participant_id, said
        )
        return ParticipantPayload(participant=row)
