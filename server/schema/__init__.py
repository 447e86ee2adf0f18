"""What clients see, put together from its parts: the only GraphQL of the server."""

from collections.abc import Generator, Sequence
from contextlib import aclosing
from typing import Any

import strawberry
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import FieldNode, FormattedExecutionResult, GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from server.errors import Forbidden
from server.execution.documents import Documents, KnownDocuments
from server.execution.executor import PlanningExecutor, execute
from server.records.audit import AuditAction
from server.resolvers.context import Caller, Context
from server.schema.api_keys import ApiKeyMutation, ApiKeyQuery
from server.schema.audit import AuditEntry, AuditQuery
from server.schema.data_requests import DataRequestMutation, DataRequestQuery
from server.schema.erasures import Erasure, ErasureMutation, ErasureQuery
from server.schema.errors import CodedErrors, coded, unnoted
from server.schema.experiments import Experiment, Participant, Room
from server.schema.exports import ExportMutation, ExportQuery, ExportSubscription
from server.schema.groups import UserGroupMutation, UserGroupQuery
from server.schema.ingest import IngestMutation, IngestQuery, QuarantinedRecord
from server.schema.live import LiveSubscription
from server.schema.observed import Named, observed, observed_known, observed_stream
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
from server.schema.requirements import show_requirements
from server.schema.retention import RetentionMutation, RetentionQuery
from server.schema.scalars import SCALARS
from server.schema.schedules import ExportScheduleMutation, ExportScheduleQuery
from server.schema.setting_up import SettingUpMutation
from server.schema.sharing import SharingMutation
from server.schema.uploads import UploadMutation
from server.schema.webhooks import WebhookMutation, WebhookQuery
from server.schema.withdrawals import WithdrawalMutation


@strawberry.type(description="All that can be read.")
class Query(
    ReadingQuery,
    ExportQuery,
    ExportScheduleQuery,
    UserGroupQuery,
    AuditQuery,
    ApiKeyQuery,
    IngestQuery,
    RetentionQuery,
    WebhookQuery,
    DataRequestQuery,
    ErasureQuery,
): ...


@strawberry.type(description="All that can be changed.")
class Mutation(
    ExportMutation,
    ExportScheduleMutation,
    SharingMutation,
    UserGroupMutation,
    ApiKeyMutation,
    IngestMutation,
    SettingUpMutation,
    UploadMutation,
    WithdrawalMutation,
    RetentionMutation,
    WebhookMutation,
    DataRequestMutation,
    ErasureMutation,
): ...


@strawberry.type(description="All that can be watched.")
class Subscription(ExportSubscription, LiveSubscription): ...


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


documents = Documents()


class Schema(strawberry.Schema):
    """Gives each operation a context, hence a loader, of its own: a socket carries many.

    What the audit log must tell of an operation is noted before its answer is given; one that
    cannot be noted is answered by an error instead. The reporting of errors is left to
    CodedErrors: by default each is logged with its query.
    """

    def show_requirements(self) -> None:
        """Mark each field with what it requires of who asks."""
        show_requirements(self._schema)

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None: ...

    @observed
    async def execute(self, query: str | None, *args: Any, **options: Any) -> ExecutionResult:
        """Answer over HTTP: what is to be watched needs a websocket, which uses `stream`."""
        caller = options.get("context_value")
        allowed = set(options.get("allowed_operation_types", OperationType))
        allowed -= {OperationType.SUBSCRIPTION}
        if isinstance(caller, Caller) and not caller.may_change:
            allowed -= {OperationType.MUTATION}
        options["allowed_operation_types"] = allowed
        options["context_value"] = context = _context(caller, query)
        result = await super().execute(query, *args, **options)
        if (failure := await _unsettled(context, result.errors)) is not None:
            return ExecutionResult(None, [failure])
        return result

    @observed_stream
    async def stream(self, query: str | None, *args: Any, **options: Any) -> StreamResult:
        """Answer over a websocket, once or again and again."""
        options["context_value"] = context = _context(options.get("context_value"), query)
        answers = await super().stream(query, *args, **options)
        return self._settled(answers, context)

    async def _settled(self, answers: StreamResult, context: object) -> StreamResult:
        async with aclosing(answers):
            async for answer in answers:
                errors = answer.errors if isinstance(answer, ExecutionResult) else None
                if (failure := await _unsettled(context, errors)) is not None:
                    yield ExecutionResult(None, [failure])
                    return
                yield answer

    def knows(self, text: str, name: str | None) -> bool:
        """Say whether a document was found valid before, and is just one query, of that name."""
        return documents.query(text, name) is not None

    @observed_known(documents)
    async def execute_known(
        self, text: str, name: str | None, variables: dict[str, Any] | None, context: Context
    ) -> FormattedExecutionResult:
        """Execute a query that `knows` says is known, with nothing in between."""
        document = documents.query(text, name)
        assert document is not None
        result = await execute(self._schema, document, variables, context)
        if (failure := await _unsettled(context, result.errors)) is not None:
            return GraphQLExecutionResult(None, [failure]).formatted
        errors = [coded(error) for error in result.errors or ()]
        return GraphQLExecutionResult(result.data, errors or None).formatted


def _context(caller: object, text: str | None) -> object:
    return caller.context(text) if isinstance(caller, Caller) else caller


async def _unsettled(context: object, errors: Sequence[GraphQLError] | None) -> GraphQLError | None:
    """Note what the audit log must tell of an operation; return an error if that fails."""
    if not isinstance(context, Context):
        return None
    for error in errors or ():
        if isinstance(error.original_error, Forbidden) and error.nodes:
            field = error.nodes[0]
            if isinstance(field, FieldNode):  # not the alias, which is anything a client writes
                context.refused[AuditAction.ATTEMPT, field.name.value] = None
    try:
        await context.settle()
    except Exception as failure:
        return unnoted(failure)
    return None


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
        AuditEntry,
        QuarantinedRecord,
        Erasure,
    ],
    execution_context_class=PlanningExecutor,
    config=StrawberryConfig(name_converter=Names(), scalar_map=SCALARS),
    extensions=[CodedErrors, Named, lambda: KnownDocuments(documents), OneOperation],
)
schema.show_requirements()
