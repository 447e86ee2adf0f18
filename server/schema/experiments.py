"""Experiments, their rooms and participants."""

from typing import Annotated, Any, cast

import strawberry

from server.records import RecordType
from server.records.experiments import Experiment as ExperimentTable
from server.records.experiments import ExperimentBase
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS, ParticipantBase, ParticipantFilter
from server.records.rooms import ROOMS, RoomBase, RoomFilter
from server.records.rooms import Room as RoomTable
from server.records.users import User as UserTable
from server.resolvers import reading
from server.rows import Row
from server.schema.connection import Connection, Window, list_within
from server.schema.info import Info
from server.schema.node import Node
from server.schema.orders import ParticipantOrder, RoomOrder
from server.schema.people import User
from server.schema.rollups import RoomRollUps
from server.schema.scope import KEEP, SORT, After, Before, DataScope, First, Last

LazyRoom = Annotated["Room", strawberry.lazy("server.schema.experiments")]
LazyExperiment = Annotated["Experiment", strawberry.lazy("server.schema.experiments")]


async def _parent(info: Info, child: object, table: type[Any]) -> Any:
    return await reading.belongs_to(info.context, cast("Row", child), table)


async def _count(info: Info, parent: object, listed: Listed) -> int:
    return await reading.count_within(info.context, listed, cast("Row", parent), listed.filter())


@strawberry.pydantic.type(description="One person's part in one room.")
class Participant(ParticipantBase, Node, DataScope):
    @strawberry.pydantic.field(description="The room.")
    async def room(self, info: Info) -> LazyRoom:
        room: Room = await _parent(info, self, RoomTable)
        return room

    @strawberry.pydantic.field(description="The experiment.")
    async def experiment(self, info: Info) -> LazyExperiment:
        experiment: Experiment = await _parent(info, self, ExperimentTable)
        return experiment

    @strawberry.pydantic.field(description="The types of which there is any record.")
    async def available_data(self, info: Info) -> list[RecordType]:
        types = [t for t in RecordType if info.context.actor.may(t.value.scope)]
        found = await reading.summaries(info.context, cast("Row", self), types)
        return [data_type for data_type, summary in found if summary.count]


@strawberry.pydantic.type(description="One session of an experiment, with those in it together.")
class Room(RoomBase, Node, DataScope, RoomRollUps):
    duration: Annotated[
        int | None,
        strawberry.field(description="From start to end, in milliseconds; null while it runs."),
    ] = None

    @strawberry.pydantic.field(description="The experiment.")
    async def experiment(self, info: Info) -> LazyExperiment:
        experiment: Experiment = await _parent(info, self, ExperimentTable)
        return experiment

    @strawberry.pydantic.field(description="How many participants were in it.")
    async def participant_count(self, info: Info) -> int:
        return await _count(info, self, PARTICIPANTS)

    @strawberry.pydantic.field(description="Those who were in it.")
    async def participants(
        self,
        info: Info,
        filter: Annotated[ParticipantFilter | None, KEEP] = None,
        order_by: Annotated[list[ParticipantOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Participant]:
        window = Window(first, after, last, before)
        return await list_within(info, self, PARTICIPANTS, filter, order_by, window)


@strawberry.type(description="What the caller may do with an experiment.")
class Access:
    can_view: bool = strawberry.field(description="Read its data.")
    can_export: bool = strawberry.field(description="Take its data away in files.")


@strawberry.pydantic.type(description="A study: what is owned, shared and exported as a whole.")
class Experiment(ExperimentBase, Node, DataScope):
    @strawberry.pydantic.field(description="Whose it is.")
    async def owner(self, info: Info) -> User:
        owner: User = await _parent(info, self, UserTable)
        return owner

    @strawberry.pydantic.field(description="What the caller may do with it.")
    async def access(self, info: Info) -> Access:
        row = cast("Row", self)
        return Access(can_view=True, can_export=await reading.may_export(info.context, row))

    @strawberry.pydantic.field(description="How many rooms it has.")
    async def room_count(self, info: Info) -> int:
        return await _count(info, self, ROOMS)

    @strawberry.pydantic.field(
        description="How many participants it has, over all rooms; who was in two counts twice."
    )
    async def participant_count(self, info: Info) -> int:
        return await _count(info, self, PARTICIPANTS)

    @strawberry.pydantic.field(description="Its rooms.")
    async def rooms(
        self,
        info: Info,
        filter: Annotated[RoomFilter | None, KEEP] = None,
        order_by: Annotated[list[RoomOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Room]:
        window = Window(first, after, last, before)
        return await list_within(info, self, ROOMS, filter, order_by, window)

    @strawberry.pydantic.field(description="Its participants, over all rooms.")
    async def participants(
        self,
        info: Info,
        filter: Annotated[ParticipantFilter | None, KEEP] = None,
        order_by: Annotated[list[ParticipantOrder] | None, SORT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Participant]:
        window = Window(first, after, last, before)
        return await list_within(info, self, PARTICIPANTS, filter, order_by, window)
