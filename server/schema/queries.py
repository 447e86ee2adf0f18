"""Where reading starts."""

from typing import Annotated, cast

import strawberry

from server.records.experiments import EXPERIMENTS, ExperimentFilter
from server.resolvers import reading
from server.schema.connection import Connection, Window, list_all
from server.schema.experiments import Experiment, Participant, Room
from server.schema.info import Info
from server.schema.node import Node
from server.schema.orders import ExperimentOrder
from server.schema.people import Viewer
from server.schema.scope import KEEP, SORT, After, Before, First, Last


@strawberry.type
class ReadingQuery:
    @strawberry.field(description="Whatever has this global id; null if the caller sees no such.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],
    ) -> Node | None:
        [found] = await reading.nodes(info.context, [id])
        return cast("Node | None", found)

    @strawberry.field(description="Whatever has these global ids, in their order; null for none.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Global ids, at most 100.")
        ],
    ) -> list[Node | None]:
        return cast("list[Node | None]", await reading.nodes(info.context, ids))

    @strawberry.field(description="Who is asking.")
    async def viewer(self, info: Info) -> Viewer:
        actor = info.context.actor
        account = await reading.user(info.context, actor.user_key)
        return Viewer(
            user_id=account.user_id,
            name=account.name,
            role=actor.role,
            scopes=sorted(actor.scopes),
        )

    @strawberry.field(description="The experiments that the caller may see.")
    async def experiments(
        self,
        info: Info,
        filter: Annotated[ExperimentFilter | None, KEEP] = None,
        order_by: Annotated[list[ExperimentOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Experiment]:
        window = Window(first, after, last, before)
        return await list_all(info, EXPERIMENTS, filter, order_by, window)

    @strawberry.field(description="An experiment by its public id; null if the caller sees none.")
    async def experiment(
        self,
        info: Info,
        experiment_id: Annotated[str, strawberry.argument(description="Such as `exp_…`.")],
    ) -> Experiment | None:
        return cast("Experiment | None", await reading.experiment(info.context, experiment_id))

    @strawberry.field(description="A room by its public id; null if the caller sees none.")
    async def room(
        self,
        info: Info,
        room_id: Annotated[str, strawberry.argument(description="Such as `room_…`.")],
    ) -> Room | None:
        return cast("Room | None", await reading.room(info.context, room_id))

    @strawberry.field(
        description="A participant of a room by public ids; null if the caller sees none."
    )
    async def participant(
        self,
        info: Info,
        room_id: Annotated[str, strawberry.argument(description="Such as `room_…`.")],
        participant_id: Annotated[str, strawberry.argument(description="28 characters.")],
    ) -> Participant | None:
        found = await reading.participant(info.context, room_id, participant_id)
        return cast("Participant | None", found)
