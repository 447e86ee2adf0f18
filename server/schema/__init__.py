"""What clients see, put together from its parts: the only GraphQL of the server."""

from collections.abc import Generator
from typing import Any

import strawberry
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import FormattedExecutionResult, GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from server.execution.documents import Documents, KnownDocuments
from server.execution.executor import PlanningExecutor, execute
from server.resolvers.context import Caller, Context
from server.schema.api_keys import ApiKeyMutation, ApiKeyQuery
from server.schema.errors import CodedErrors, coded
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
from server.schema.schedules import ExportScheduleMutation, ExportScheduleQuery


@strawberry.type(description="All that can be read.")
class Query(ReadingQuery, ExportQuery, ExportScheduleQuery, ApiKeyQuery): ...


@strawberry.type(description="All that can be changed.")
class Mutation(ExportMutation, ExportScheduleMutation, ApiKeyMutation): ...


@strawberry.type(description="All that can be watched.")
class Subscription(ExportSubscription): ...


class Names(NameConverter):
    """Camel case, and `in_` becomes `in`, which Python keeps for itself."""

    def apply_naming_config(self, name: str) -> str:
        return super().apply_naming_config(name.removesuffix("_"))


class OneOperation(SchemaExtension):
    """Refuses to guess which of several operations is meant."""

    def on_validate(self) -> Generator[None]:
        asked = self.execution_context
        document = asked.graphql_document
        definitions = () if document is None else document.definitions
        operations = sum(isinstance(each, OperationDefinitionNode) for each in definitions)
        named = asked._provided_operation_name  # pyright: ignore[reportPrivateUsage] - the public one guesses
        if operations > 1 and named is None:
            asked.pre_execution_errors = [
                GraphQLError("The document holds several operations: name one, `operationName`.")
            ]
        yield


class OperationContext(SchemaExtension):
    """Gives each operation a context, hence a loader, of its own: a socket carries many."""

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

    async def execute(self, *args: Any, **options: Any) -> ExecutionResult:
        """Answer over HTTP: what is to be watched needs a websocket, which uses `stream`."""
        allowed = set(options.get("allowed_operation_types", OperationType))
        options["allowed_operation_types"] = allowed - {OperationType.SUBSCRIPTION}
        return await super().execute(*args, **options)

    def knows(self, text: str, name: str | None) -> bool:
        """Say whether a document was found valid before, and is just one query, of that name."""
        return documents.query(text, name) is not None

    async def execute_known(
        self, text: str, name: str | None, variables: dict[str, Any] | None, context: Context
    ) -> FormattedExecutionResult:
        """Execute a query that `knows` says is known, with nothing in between."""
        document = documents.query(text, name)
        assert document is not None
        result = await execute(self._schema, document, variables, context)
        errors = [coded(error) for error in result.errors or ()]
        return GraphQLExecutionResult(result.data, errors or None).formatted


documents = Documents()

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
    execution_context_class=PlanningExecutor,
    config=StrawberryConfig(name_converter=Names(), scalar_map=SCALARS),
    extensions=[CodedErrors, lambda: KnownDocuments(documents), OneOperation, OperationContext],
)
