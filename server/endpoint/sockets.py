"""GraphQL over graphql-transport-ws: many operations on one socket, of a caller who is known."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any, cast

import orjson
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.schema.schema import StreamResult
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    PingMessage,
    SubscribeMessage,
)
from strawberry.types.execution import ExecutionResult, PreExecutionError

from server.authentication import authenticate_socket, caller_of, until_refused
from server.browsers import Browsers
from server.endpoint.answers import dump
from server.endpoint.messages import message_in
from server.endpoint.places import Places, TooManySockets
from server.errors import Busy, ExpectedFailure, Throttled, Unauthenticated
from server.logs import whereabouts
from server.resolvers.context import Caller, Services
from server.schema import schema

log = logging.getLogger(__name__)

INIT_SECONDS = 10
"""How long a socket may stay silent before it says who it is."""

FORBIDDEN = 4403
TOO_MANY = 4429
"""What closes a socket that is one too many, or comes from where too many wrong keys came."""

TRY_AGAIN_LATER = 1013
"""What closes a socket while it cannot be found out who is there."""

BROKEN = 4500
"""What closes a socket when we fail, as HTTP 500."""

_TOO_MANY_OPERATIONS = GraphQLError(
    "As many operations go on at this socket as one may carry: end one of them first.",
    extensions={"code": "THROTTLED"},
)

MOST_OF_REASON = 123
"""How many bytes a frame that closes a socket has for the reason."""


class _TextSocket(ASGIWebSocketAdapter):
    """Sends text frames, as graphql-transport-ws asks, one after the other, until it is closed.

    A message is put into words only when those before it are on their way: whoever takes nothing
    keeps one waiting, however many operations have something to say.
    """

    async def send_json(self, message: Mapping[str, object]) -> None:
        async with self._turns:
            if self._is_open:
                with suppress(WebSocketDisconnect):
                    await self.ws.send_text(dump(message).decode())

    async def close(self, code: int, reason: str) -> None:
        if self._is_open:
            told = reason.encode()[:MOST_OF_REASON].decode(errors="ignore")
            with suppress(WebSocketDisconnect):
                await super().close(code, told)

    @cached_property
    def _turns(self) -> asyncio.Lock:
        return asyncio.Lock()

    @property
    def _is_open(self) -> bool:
        return self.ws.application_state is WebSocketState.CONNECTED


class _Conversation(BaseGraphQLTransportWSHandler[Caller, None]):
    """What is said over a socket: checked, so that a bad message cannot break it off unexplained.

    Each operation asks again who is there, and so does a task of its own meanwhile: a key that is
    revoked, or a session that is over, ends the conversation.
    """

    view: "Sockets"
    connection_init_timeout_task: asyncio.Task[None] | None
    _watching: asyncio.Task[None] | None = None
    _place: tuple[str, int] | None = None

    async def handle_message(self, message: object) -> None:
        known = message_in(message)
        try:
            if known is None:
                await self.handle_invalid_message("This is no message of graphql-transport-ws.")
            else:
                await super().handle_message(known)
        except Busy as failure:
            await self.websocket.close(TRY_AGAIN_LATER, failure.message)
        except Exception as error:
            log.error("A message of a socket could not be answered: %s", whereabouts(error))
            await self.websocket.close(BROKEN, "Something went wrong on our side.")

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        if self.connection_init_received:
            await self.websocket.close(TOO_MANY, "Say who you are once: `connection_init`.")
            return
        self.connection_init_received = True
        if self.connection_init_timeout_task is not None:
            self.connection_init_timeout_task.cancel()
        self.context.connection_params = message.get("payload") or {}
        try:
            await authenticate_socket(self.context)
            self._place = self.view.places.take(self.context)
        except Unauthenticated:
            await self.websocket.close(FORBIDDEN, "Forbidden")
        except (Throttled, TooManySockets) as failure:
            await self.websocket.close(TOO_MANY, failure.message)
        else:
            self.connection_acknowledged = True
            await self.send_message({"type": "connection_ack"})
            self._watching = asyncio.create_task(until_refused(self.context, self._refuse))

    async def handle_ping(self, message: PingMessage) -> None:
        payload = message.get("payload")
        await self.send_message(
            {"type": "pong"} if payload is None else {"type": "pong", "payload": payload}
        )

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if self.connection_acknowledged:
            try:
                await self.context.authenticate()
            except (Unauthenticated, Throttled):
                await self._refuse()
                return
            fault = None if message["id"] in self.operations else self._fault(message)
            if fault is not None:
                await self._send_error(message["id"], fault)
                return
        await super().handle_subscribe(message)

    def _fault(self, message: SubscribeMessage) -> GraphQLError | None:
        """Return why an operation is not begun; if it is, have it name its document by its text."""
        if self._is_full:
            return _TOO_MANY_OPERATIONS
        asked = cast("dict[str, Any]", message["payload"])
        try:
            asked["query"] = self.context.services.persisted.document_text(asked)
        except ExpectedFailure as failure:
            return GraphQLError(failure.message, extensions={"code": failure.code})
        return None

    async def shutdown(self) -> None:
        if self._place is not None:
            self.view.places.leave(self._place)
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await super().shutdown()

    async def handle_task_exception(self, error: Exception) -> None:
        log.error("An operation of a socket broke off: %s", whereabouts(error))

    async def _send_result_stream(
        self, operation: Operation[Caller, None], result_source: StreamResult
    ) -> None:
        is_first = True
        async for result in result_source:
            assert isinstance(result, ExecutionResult)  # nothing is deferred
            if is_first and _is_request_error(result):
                await operation.send_initial_errors(result.errors or [])
                return
            await operation.send_next(result)
            is_first = False
            await asyncio.sleep(0)  # a fast stream may never wait for anything itself

    async def _send_error(self, id_: str, error: GraphQLError) -> None:
        await self.send_message({"id": id_, "type": "error", "payload": [error.formatted]})

    async def _refuse(self) -> None:
        for id_ in list(self.operations):
            await self.cleanup_operation(id_)
        await self.websocket.close(FORBIDDEN, "Forbidden")

    @property
    def _is_full(self) -> bool:
        most = self.max_subscriptions_per_connection
        return most is not None and len(self.operations) >= most


class Sockets(GraphQL[Caller, None]):
    """Speaks graphql-transport-ws with whoever opens a socket.

    sockets_per_key        how many sockets a key may have open; a person who is signed in likewise
    operations_per_socket  how many operations may go on at once on one of them
    """

    websocket_adapter_class: type[ASGIWebSocketAdapter] = _TextSocket
    graphql_transport_ws_handler_class = _Conversation

    def __init__(
        self,
        services: Services,
        browsers: Browsers,
        *,
        sockets_per_key: int,
        operations_per_socket: int,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=operations_per_socket,
        )
        self.places = Places(sockets_per_key)
        self._services = services
        self._browsers = browsers

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Caller:
        return caller_of(request, self._services, self._browsers)

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return True  # for holders of a key; the cookie does not count then

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)


def _is_request_error(result: ExecutionResult) -> bool:
    """Say whether nothing was executed: of what was, errors tell at which path."""
    if isinstance(result, PreExecutionError):
        return True
    errors = result.errors or ()
    return result.data is None and bool(errors) and all(error.path is None for error in errors)
