"""The outermost of what a request passes: its id, its line in the log, and how it is counted."""

import logging
import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any, cast

import orjson
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.logs import enter_request, incident, leave_request, new_id, whereabouts
from server.observing import lines, metrics
from server.observing.requests import Asked, begin
from server.settings import Settings

HEADER = b"x-request-id"

QUIET = ("/healthz", "/readyz", "/metrics")
"""What is asked every few seconds, for as long as it is answered well."""

_CLOSED = frozenset((*range(1000, 1016), 4400, 4401, 4403, 4406, 4408, 4409, 4429))
"""With what sockets are closed; a client may make up others."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{8,64}")

log = logging.getLogger(__name__)


def middleware(settings: Settings) -> list[Middleware]:
    """Return what every request passes first."""
    return [Middleware(Observing, trusted_proxies=settings.trusted_proxies)]


class Observing:
    """Gives each request its id, and tells how it was answered.

    A proxy that is trusted may say the id; it is also believed who asks, and whether by https.
    """

    def __init__(self, app: ASGIApp, trusted_proxies: str = "") -> None:
        self._app = app
        self._trusted = None
        if trusted_proxies:
            proxies: Any = ProxyHeadersMiddleware(cast("Any", app), trusted_proxies)
            self._app = proxies
            self._trusted = proxies.trusted_hosts
        self._routes: Mapping[object, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        said = _told(scope)
        id_ = self._id(scope, said.get(b"x-request-id"))
        traceparent = said.get(b"traceparent")
        request = Asked(traceparent.decode("latin-1") if traceparent else None)
        begin(request)
        token = enter_request(id_)
        try:
            if scope["type"] == "http":
                await self._answer(scope, receive, send, id_, request)
            else:
                request.is_socket = True
                await self._converse(scope, receive, send, id_)
        finally:
            leave_request(token)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, id_: str, request: Asked
    ) -> None:
        started, status = perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, id_.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            number = incident()
            log.error("Internal error %s: %s", number, whereabouts(error))
            if status:
                raise  # what was begun is broken off, so that nobody takes it for whole
            await _broken(sending, number)
        finally:
            self._tell(scope, status, started, request)

    async def _converse(self, scope: Scope, receive: Receive, send: Send, id_: str) -> None:
        started, status, is_open = perf_counter(), 1006, False

        async def sending(message: Message) -> None:
            nonlocal status, is_open
            if message["type"] == "websocket.accept":
                is_open = True
                metrics.sockets.inc()
                message["headers"] = [*message.get("headers", ()), (HEADER, id_.encode())]
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        async def receiving() -> Message:
            nonlocal status
            message = await receive()
            if message["type"] == "websocket.disconnect":
                status = message.get("code") or 1005
            return message

        try:
            await self._app(scope, receiving, sending)
        finally:
            if is_open:
                metrics.sockets.dec()
            self._tell(scope, status, started, None)

    def _id(self, scope: Scope, said: bytes | None) -> str:
        """Return the id that a trusted proxy gave a request, or one made for it."""
        if said is not None and self._trusted is not None:
            client = scope.get("client")
            if client is not None and client[0] in self._trusted and _WELL_FORMED.fullmatch(said):
                return said.decode("ascii")
        return new_id()

    def _tell(self, scope: Scope, status: int, started: float, request: Asked | None) -> None:
        route = self._route(scope)
        method: str = scope["method"] if request is not None else "WEBSOCKET"
        if method not in _METHODS and request is not None:
            method = "OTHER"
        known = request is not None or status in _CLOSED
        metrics.request_answered(route or "(none)", method, str(status) if known else "other")
        if route in QUIET and status < 500:
            return
        if lines.log.isEnabledFor(logging.INFO):
            line: dict[str, object] = {
                "request_id": incident(),
                "method": method,
                "route": route,
                "status": status,
                "ms": round((perf_counter() - started) * 1000, 2),
            }
            if request is not None and request.outcome is not None:
                line["operation"] = request.name or None
                line["type"] = request.kind or None
                line["outcome"] = request.outcome
            lines.tell("request" if request is not None else "socket", line)

    def _route(self, scope: Scope) -> str | None:
        """Return the pattern of the path that was asked for; None if we have nothing there."""
        if self._routes is None:
            self._routes = dict(map(_by_endpoint, scope["app"].routes))
        return self._routes.get(scope.get("endpoint"))


def _by_endpoint(route: BaseRoute) -> tuple[object, str]:
    if isinstance(route, Route | WebSocketRoute):
        return route.endpoint, route.path
    return (route.app, route.path) if isinstance(route, Mount) else (route, "")


def _told(scope: Scope) -> dict[bytes, bytes]:
    """Return what a request says of itself to us; each header the first time."""
    told: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in (b"x-request-id", b"traceparent"):
            told.setdefault(name, value)
    return told


async def _broken(send: Send, number: str) -> None:
    error = {
        "message": f"Something went wrong on our side. Tell the operator: incident {number}.",
        "extensions": {"code": "INTERNAL", "requestId": number},
    }
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps({"errors": [error]})})
