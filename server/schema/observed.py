"""What is seen of each operation, on whichever way it is executed: its name, type and outcome."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import aclosing
from itertools import count
from typing import Any, TypeVar, cast

from graphql import FormattedExecutionResult, GraphQLError, get_operation_ast
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionResult

from server.execution.documents import Documents
from server.logs import enter_request, request_id
from server.observing.observer import Observer
from server.observing.operations import current
from server.resolvers.context import Caller, Context

S = TypeVar("S")
Once = TypeVar("Once", bound=Callable[..., Coroutine[Any, Any, ExecutionResult]])
Streamed = TypeVar("Streamed", bound=Callable[..., Coroutine[Any, Any, StreamResult]])

Known = Callable[
    [S, str, str | None, dict[str, Any] | None, Context],
    Coroutine[Any, Any, FormattedExecutionResult],
]
"""Executes a known document: the schema, its text, the operation's name, variables, context."""

_numbers = count(1)
_NOBODY = Observer()


class Named(SchemaExtension):
    """Says what is executed, as soon as the document is found valid."""

    def on_validate(self) -> Generator[None]:
        yield
        asked, operation = self.execution_context, current()
        document = asked.graphql_document
        if operation is None or document is None or asked.pre_execution_errors:
            return
        named = asked._provided_operation_name  # pyright: ignore[reportPrivateUsage] - as OneOperation
        if (definition := get_operation_ast(document, named)) is not None:
            name = definition.name.value if definition.name else ""
            operation.named(definition.operation.value, name)


def observed(execute: Once) -> Once:
    """Watch what is executed once, with all that Strawberry puts around it."""

    async def watched(self: object, *args: Any, **options: Any) -> ExecutionResult:
        with _observer(options.get("context_value")).watch() as operation:
            try:
                answer = await execute(self, *args, **options)
            except InvalidOperationTypeError:
                operation.outcome = "REFUSED"
                raise
            operation.outcome = outcome(answer.errors)
            return answer

    return cast("Once", watched)


def observed_known(documents: Documents) -> Callable[[Known[S]], Known[S]]:
    """Watch what is executed on the shortest way."""

    def observing(execute: Known[S]) -> Known[S]:
        async def watched(
            self: S,
            text: str,
            name: str | None,
            variables: dict[str, Any] | None,
            context: Context,
        ) -> FormattedExecutionResult:
            named = documents.name(text)
            with context.services.observer.watch("query", named) as operation:
                answer = await execute(self, text, name, variables, context)
                if errors := answer.get("errors"):
                    operation.outcome = _worst([each.get("extensions") for each in errors])
                return answer

        return watched

    return observing


def observed_stream(stream: Streamed) -> Streamed:
    """Watch what a socket asks for, under an id of its own: it carries many operations."""

    async def watched(self: object, *args: Any, **options: Any) -> StreamResult:
        if id_ := request_id():
            enter_request(f"{id_}.{next(_numbers)}")  # to the end of this operation's task
        observer = _observer(options.get("context_value"))
        return _watched(observer, await stream(self, *args, **options))

    return cast("Streamed", watched)


async def _watched(observer: Observer, answers: StreamResult) -> AsyncGenerator[Any]:
    with observer.watch() as operation:
        async with aclosing(answers):
            async for answer in answers:
                if errors := getattr(answer, "errors", None):
                    operation.outcome = outcome(errors)
                yield answer


def outcome(errors: Sequence[GraphQLError] | None) -> str:
    """Return the code of an answer's errors that an operator has to know first; OK for none."""
    return _worst([error.extensions for error in errors]) if errors else "OK"


def _worst(extensions: Sequence[Mapping[str, Any] | None]) -> str:
    codes = [str((each or {}).get("code", "INTERNAL")) for each in extensions]
    return "INTERNAL" if "INTERNAL" in codes else codes[0]


def _observer(asking: object) -> Observer:
    return asking.services.observer if isinstance(asking, Caller | Context) else _NOBODY
