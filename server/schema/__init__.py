"""What clients see, put together from its parts: the only GraphQL of the server."""

from collections.abc import Generator

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.types import ExecutionContext

from server.resolvers.context import Caller
from server.schema.errors import CodedErrors
from server.schema.experiments import Experiment, Participant, Room
from server.schema.exports import ExportMutation, ExportQuery, ExportSubscription
from server.schema.queries import ReadingQuery
from server.schema.records import (
    ChatMessage,
    Component,
    ContinuousRating,
    Event,
    Recording,
    SparseRating,
    SyncMetric,
)
from server.schema.scalars import SCALARS


@strawberry.type(description="All that can be read.")
class Query(ReadingQuery, ExportQuery): ...


@strawberry.type(description="All that can be changed.")
class Mutation(ExportMutation): ...


@strawberry.type(description="All that can be watched.")
class Subscription(ExportSubscription): ...


class Names(NameConverter):
    """Camel case, and `in_` becomes `in`, which Python keeps for itself."""

    def apply_naming_config(self, name: str) -> str:
        return super().apply_naming_config(name.removesuffix("_"))


class OperationContext(SchemaExtension):
    """Gives each operation a context, hence loaders, of its own: a socket carries many."""

    def on_operation(self) -> Generator[None]:
        caller = self.execution_context.context
        if isinstance(caller, Caller):
            self.execution_context.context = caller.context()
        yield


class Schema(strawberry.Schema):
    """Leaves the reporting of errors to CodedErrors: by default each is logged with its query."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None: ...


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        Experiment,
        Room,
        Participant,
        Event,
        Recording,
        ChatMessage,
        ContinuousRating,
        SparseRating,
        SyncMetric,
        Component,
    ],
    config=StrawberryConfig(name_converter=Names(), scalar_map=SCALARS),
    extensions=[CodedErrors, OperationContext],
)
