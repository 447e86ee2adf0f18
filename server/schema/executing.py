"""How operations are executed: admitted, within their time, watched, and noted before an answer."""

from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

import strawberry
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import (
    FieldNode,
    FormattedExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StreamResult, validate_document
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from server.errors import ExpectedFailure, Forbidden
from server.execution.documents import Documents, KnownDocuments, read
from server.execution.executor import execute
from server.records.audit import AuditAction
from server.resolvers.context import Caller, Context
from server.schema.admission import Admission, admit, in_time, refusal
from server.schema.errors import CodedErrors, coded, unnoted
from server.schema.observed import Named, observed, observed_known, observed_stream
from server.schema.requirements import show_requirements


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
        try:
            context, admission = await self._admitted(query, caller, options)
        except (ExpectedFailure, GraphQLError) as failure:
            return PreExecutionError(None, [refusal(failure)])
        options["context_value"] = context
        executing = partial(super().execute, query, *args, **options)
        return await self._answered(executing, admission, context)

    @observed_stream
    async def stream(self, query: str | None, *args: Any, **options: Any) -> StreamResult:
        """Answer over a websocket, once or again and again."""
        try:
            context, admission = await self._admitted(query, options.get("context_value"), options)
        except (ExpectedFailure, GraphQLError) as failure:
            return _only(PreExecutionError(None, [refusal(failure)]))
        options["context_value"] = context
        answers = await super().stream(query, *args, **options)
        return self._streamed(answers, admission, context)

    async def _streamed(
        self, answers: StreamResult, admission: Admission | None, context: object
    ) -> StreamResult:
        async with aclosing(answers):
            if admission is not None and not admission.is_stream:
                yield await self._answered(partial(_next, answers), admission, context)
                return
            async for answer in answers:
                errors = answer.errors if isinstance(answer, ExecutionResult) else None
                if (failure := await _unsettled(context, errors)) is not None:
                    yield ExecutionResult(None, [failure])
                    return
                yield answer

    async def _admitted(
        self, text: str | None, caller: object, options: Mapping[str, Any]
    ) -> tuple[object, Admission | None]:
        """Read what is asked, and see whether it may be: return its context and that.

        The admission is None where it is not said what is meant, which is then answered so.
        """
        context = _context(caller, text)
        if not isinstance(context, Context) or not text:
            return context, None
        document = documents.get(text) or read(self._schema, text)
        context = replace(context, document=document)
        asked = document.operation(options.get("operation_name"))
        if asked is None:
            return context, None
        return context, await admit(asked, options.get("variable_values"), context)

    async def _answered(
        self,
        executing: Callable[[], Coroutine[Any, Any, ExecutionResult]],
        admission: Admission | None,
        context: object,
    ) -> ExecutionResult:
        """Execute an operation until its deadline, and settle what is to be told of it."""
        if admission is None:
            return await executing()
        executed = False
        try:
            result = await in_time(executing, admission)
            executed = not isinstance(result, PreExecutionError)
        finally:
            told = admission.settle(executed=executed)
        admission.censor(result.errors)
        if (failure := await _unsettled(context, result.errors)) is not None:
            result = ExecutionResult(None, [failure])
        result.extensions = told
        return result

    def fault(self, text: str) -> str | None:
        """Return what is wrong with a document; None if it would be executed."""
        try:
            document = read(self._schema, text).document
        except ExpectedFailure as failure:
            return failure.message
        except GraphQLError as error:
            return error.message
        errors = validate_document(self._schema, document, tuple(specified_rules))
        return " ".join(error.message for error in errors) or None

    def knows(self, text: str, name: str | None) -> bool:
        """Say whether a document was found valid before, and is just one query, of that name."""
        return documents.query(text, name) is not None

    @observed_known(documents)
    async def execute_known(
        self, text: str, name: str | None, variables: dict[str, Any] | None, context: Context
    ) -> FormattedExecutionResult:
        """Execute a query that `knows` says is known, with nothing in between."""
        known = documents.query(text, name)
        assert known is not None
        [asked] = known.operations.values()
        try:
            admission = await admit(asked, variables, context)
        except ExpectedFailure as refused:
            return GraphQLExecutionResult(None, [refusal(refused)]).formatted
        executing = partial(execute, self._schema, known.document, variables, context)
        try:
            result = await in_time(executing, admission)
        finally:
            told = admission.settle()
        if (failure := await _unsettled(context, result.errors)) is not None:
            return GraphQLExecutionResult(None, [failure], told).formatted
        errors = [coded(error) for error in result.errors or ()]
        admission.censor(errors)
        return GraphQLExecutionResult(result.data, errors or None, told).formatted


async def _only(answer: ExecutionResult) -> StreamResult:
    yield answer


async def _next(answers: StreamResult) -> ExecutionResult:
    answer = await anext(answers)
    assert isinstance(answer, ExecutionResult)
    return answer


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


def extensions() -> list[type[SchemaExtension] | Callable[[], SchemaExtension]]:
    """Return what Strawberry puts around what it executes."""
    return [CodedErrors, Named, lambda: KnownDocuments(documents), OneOperation]
