"""GraphQL over HTTP and over graphql-transport-ws, for callers who are known."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import HTTPException
from graphql import GraphQLError, GraphQLFormattedError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.types import QueryParams
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)
from strawberry.types.graphql import OperationType

from server.authentication import CSRF_REFUSED, authenticate_socket, caller_of, until_refused
from server.browsers import Browsers
from server.errors import ExpectedFailure, Throttled, Unauthenticated
from server.persisted import PersistedDocuments
from server.resolvers.context import Caller, Services
from server.schema import schema

INIT_SECONDS = 10
"""How long a socket may stay silent before it says who it is."""

THROTTLED = 4429
"""What closes a socket from where too many wrong keys came: too many requests, as of HTTP 429."""


def dump(data: object) -> bytes:
    """Return an answer as JSON, also where a client's own half characters come back in it."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return orjson.dumps(_whole_text(data))


def _whole_text(data: object) -> object:
    """Return data with surrogates, which UTF-8 cannot say, replaced in every text."""
    if isinstance(data, str):
        return data.encode(errors="replace").decode()
    if isinstance(data, Mapping):
        named = cast("Mapping[object, object]", data)
        return {_whole_text(name): _whole_text(value) for name, value in named.items()}
    if isinstance(data, list | tuple):
        return [_whole_text(value) for value in cast("Sequence[object]", data)]
    return data


class Refusal(HTTPException):
    """A request that is answered without being executed."""

    def __init__(
        self, status_code: int, code: str, reason: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status_code, reason)
        self.code = code
        self.headers = headers


class _TextSocket(ASGIWebSocketAdapter):
    """Sends text frames, as graphql-transport-ws asks, until it is closed."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        if self._is_open:
            with suppress(WebSocketDisconnect):
                await self.ws.send_text(dump(message).decode())

    async def close(self, code: int, reason: str) -> None:
        if self._is_open:
            await super().close(code, reason)

    @property
    def _is_open(self) -> bool:
        return self.ws.application_state is WebSocketState.CONNECTED


class _Conversation(BaseGraphQLTransportWSHandler[Caller, None]):
    """What is said over a socket: checked, so that a bad message cannot break it off unexplained.

    Each operation asks again who is there, and so does a task of its own meanwhile: a key that is
    revoked, or a session that is over, ends the conversation.
    """

    _watching: asyncio.Task[None] | None = None

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        try:
            await super().handle_connection_init(message)
        except Throttled as failure:
            await self.websocket.close(THROTTLED, failure.message)
            return
        if self.connection_acknowledged and self._watching is None:
            self._watching = asyncio.create_task(until_refused(self.context, self._refuse))

    async def shutdown(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await super().shutdown()

    async def _refuse(self) -> None:
        for id_ in list(self.operations):
            await self.cleanup_operation(id_)
        await self.websocket.close(4403, "Forbidden")

    async def handle_message(self, message: object) -> None:
        said = _without_nulls(message)
        if isinstance(said.get("payload"), dict):
            said["payload"] = _without_nulls(said["payload"])
        if not isinstance(said.get("id", ""), str) or not _can_be_asked(said):
            said = {}
        await super().handle_message(cast("Message", said))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if self.connection_acknowledged:
            try:
                await self.context.authenticate()
            except (Unauthenticated, Throttled):
                await self._refuse()
                return
            asked = cast("dict[str, Any]", message["payload"])
            try:
                asked["query"] = self.context.services.persisted.document_text(asked)
            except ExpectedFailure as failure:
                error = {"message": failure.message, "extensions": {"code": failure.code}}
                payload = cast("list[GraphQLFormattedError]", [error])
                await self.send_message({"id": message["id"], "type": "error", "payload": payload})
                return
        await super().handle_subscribe(message)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        return None  # a syntax error ends its operation, not those beside it


def _can_be_asked(said: Mapping[str, Any]) -> bool:
    asked = _without_nulls(said.get("payload"))
    return said.get("type") != "subscribe" or (
        isinstance(asked.get("query", asked.get("documentId")), str)
        and isinstance(asked.get("variables", {}), dict)
        and isinstance(asked.get("operationName", ""), str)
    )


def _without_nulls(said: object) -> dict[str, Any]:
    named = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    return {name: value for name, value in named.items() if value is not None}


class GraphQLEndpoint(GraphQL[Caller, None]):
    """The one address of the API."""

    websocket_adapter_class = _TextSocket
    graphql_transport_ws_handler_class = _Conversation

    def __init__(self, services: Services, browsers: Browsers) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
        )
        self._services = services
        self._browsers = browsers

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Caller:
        caller = caller_of(request, self._services, self._browsers)
        if isinstance(request, Request):
            try:
                await caller.authenticate()
            except Unauthenticated as failure:
                raise Refusal(401, failure.code, failure.message) from failure
            except Throttled as failure:
                wait = {"Retry-After": str(failure.seconds)}
                raise Refusal(429, failure.code, failure.message, wait) from failure
        return caller

    async def on_ws_connect(self, context: Caller) -> dict[str, object] | None:
        try:
            await authenticate_socket(context)
        except Unauthenticated as failure:
            raise ConnectionRejectionError from failure
        return None

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return True  # for holders of a key; the cookie does not count then

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        return False  # else a GET without a query is answered as if the address were wrong

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes:
        return dump(data)

    def parse_json(self, data: str | bytes) -> Any:  # noqa: ANN401 - as the method it overrides
        return self._with_document(self._object(data))

    def parse_query_params(self, params: QueryParams) -> dict[str, Any]:
        said: dict[str, Any] = dict(params)
        objects = {name: said[name] for name in ("variables", "extensions") if said.get(name)}
        return self._with_document(
            {**said, **{name: self._object(text) for name, text in objects.items()}}
        )

    def _with_document(self, said: dict[str, Any]) -> dict[str, Any]:
        """Return what is asked with its document, which may be named by an id."""
        try:
            return {**said, "query": self._services.persisted.document_text(said)}
        except ExpectedFailure as failure:
            raise Refusal(400, failure.code, failure.message) from failure

    def _object(self, data: str | bytes) -> dict[str, Any]:
        body = super().parse_json(data)
        if isinstance(body, dict):
            return cast("dict[str, Any]", body)
        raise Refusal(400, "BAD_USER_INPUT", "The request must be one JSON object.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer_known(request) or await self.run(request)
        except HTTPException as refusal:
            response = _refused(_unmeant(request, refusal) or refusal)
        response.headers["Cache-Control"] = "no-store"  # what is answered depends on who asks
        await response(scope, receive, send)

    async def _answer_known(self, request: Request) -> Response | None:
        """Answer a query that was asked before; None leaves the request to Strawberry's view."""
        asked = await _asked(request, self._services.persisted)
        if asked is None or not schema.knows(asked.query, asked.operation_name):
            return None
        caller = await self.get_context(request, Response())
        result = await schema.execute_known(
            asked.query, asked.operation_name, asked.variables, caller.context(asked.query)
        )
        return Response(dump(result), media_type="application/json")


_LARGE = 1 << 16
"""Bytes of a body that brings records rather than asks for any: it is not to be read twice."""


@dataclass(frozen=True, slots=True)
class _Asked:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


async def _asked(request: Request, persisted: PersistedDocuments) -> _Asked | None:
    """Return what a request asks in the plainest of ways; None if there is anything else to it."""
    if request.method != "POST" or request.headers.get("content-type") != "application/json":
        return None
    body = await request.body()
    if len(body) > _LARGE:
        return None
    try:
        said = _without_nulls(orjson.loads(body))
    except orjson.JSONDecodeError:
        return None
    if not said.keys() <= {"query", "documentId", "variables", "operationName"}:
        return None
    try:
        query = persisted.document_text(said)
    except ExpectedFailure:
        return None
    variables, name = said.get("variables"), said.get("operationName")
    if not isinstance(query, str) or not isinstance(variables, dict | None):
        return None
    if not isinstance(name, str | None):
        return None
    return _Asked(query, cast("dict[str, Any] | None", variables), name)


def _unmeant(request: Request, refusal: HTTPException) -> Refusal | None:
    """Say why a mutation is not executed that came by POST: see `Caller.may_change`."""
    reason = refusal.__cause__
    if request.method != "POST" or not isinstance(reason, InvalidOperationTypeError):
        return None
    is_mutation = reason.operation_type is OperationType.MUTATION
    return Refusal(403, "CSRF_REFUSED", CSRF_REFUSED) if is_mutation else None


def _refused(refusal: HTTPException) -> Response:
    code = refusal.code if isinstance(refusal, Refusal) else "BAD_USER_INPUT"
    error = {"message": refusal.reason, "extensions": {"code": code}}
    headers = {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": "GET, POST"}}
    told = refusal.headers if isinstance(refusal, Refusal) else None
    return Response(
        dump({"errors": [error]}),
        refusal.status_code,
        told or headers.get(refusal.status_code),
        media_type="application/json",
    )
