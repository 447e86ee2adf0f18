"""Where reading starts."""

from typing import Annotated

import strawberry

from server.execution.fields import Batched
from server.records.experiments import EXPERIMENTS, ExperimentFilter
from server.records.participants import PARTICIPANTS
from server.records.rooms import ROOMS
from server.resolvers import lookups
from server.resolvers.listings import Window
from server.resolvers.lookups import ByPublicId
from server.schema.connection import Connection, all_of, loaded
from server.schema.experiments import Experiment, Participant, Room
from server.schema.info import Info
from server.schema.node import Node
from server.schema.orders import ExperimentOrder
from server.schema.people import Viewer
from server.schema.scope import KEEP, SORT, After, Before, First, Last


@strawberry.type
class ReadingQuery:
    @strawberry.field(
        description="Whatever has this global id; null if the caller sees no such.",
        extensions=[Batched()],
    )
    def node(
        self, id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
    ) -> Node | None:
        return loaded(lookups.Node(id))

    @strawberry.field(
        description="Whatever has these global ids, in their order; null for none.",
        extensions=[Batched()],
    )
    def nodes(
        self,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Global ids, at most 100.")
        ],
    ) -> list[Node | None]:
        return loaded(lookups.Nodes(tuple(ids)))

    @strawberry.field(description="Who is asking.")
    async def viewer(self, info: Info) -> Viewer:
        actor = info.context.actor
        account = await lookups.user(info.context, actor.user_key)
        return Viewer(
            user_id=account.user_id,
            name=account.name,
            role=actor.role,
            scopes=sorted(actor.scopes),
        )

    @strawberry.field(
        description="The experiments that the caller may see.", extensions=[Batched()]
    )
    def experiments(
        self,
        filter: Annotated[ExperimentFilter | None, KEEP] = None,
        order_by: Annotated[list[ExperimentOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Experiment]:
        window = Window(first, after, last, before)
        return all_of(EXPERIMENTS, filter, order_by, window)

    @strawberry.field(
        description="An experiment by its public id; null if the caller sees none.",
        extensions=[Batched()],
    )
    def experiment(
        self, experiment_id: Annotated[str, strawberry.argument(description="Such as `exp_…`.")]
    ) -> Experiment | None:
        return loaded(ByPublicId(EXPERIMENTS, (experiment_id,)))

    @strawberry.field(
        description="A room by its public id; null if the caller sees none.",
        extensions=[Batched()],
    )
    def room(
        self, room_id: Annotated[str, strawberry.argument(description="Such as `room_…`.")]
    ) -> Room | None:
        return loaded(ByPublicId(ROOMS, (room_id,)))

    @strawberry.field(
        description="A participant of a room by public ids; null if the caller sees none.",
        extensions=[Batched()],
    )
    def participant(
        self,
        room_id: Annotated[str, strawberry.argument(description="Such as `room_…`.")],
        participant_id: Annotated[str, strawberry.argument(description="28 characters.")],
    ) -> Participant | None:
        return loaded(ByPublicId(PARTICIPANTS, (room_id, participant_id)))
