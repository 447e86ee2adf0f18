"""How large a body may be. Routes that store as they read know better, and are left to that."""

import re
from contextlib import suppress
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.edge.refusals import Refusal
from server.settings import Settings

_STREAMED = re.compile(r"/ingest|/recordings/\d+/upload")


class BodyLimit:
    """Refuses a body that is too large: by what its headers say, else as soon as it is."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most = settings.body_max_bytes
        self._too_large = Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            f"A request's body may have at most {self._most:,} bytes here: send several, and many "
            "records as lines to /ingest.",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect):  # of a body that is broken off, nobody waits for an answer
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))  # there are none of the lifespan
        length, is_counted = int(headers.get(b"content-length", 0)), b"transfer-encoding" in headers
        is_small = length <= self._most and not is_counted
        if is_small or _STREAMED.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
        elif length > self._most:
            refused = self._too_large.response()
            if b"expect" in headers:  # whether the body will come is not known
                refused.headers["Connection"] = "close"
            await refused(scope, receive, send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a body on as long as it is not too large; then answer in the place of the route."""
        size, is_refused = 0, False

        async def receive_counted() -> Message:
            nonlocal size, is_refused
            if is_refused:
                return {"type": "http.disconnect"}
            message = await receive()
            size += len(message.get("body", b""))
            if size <= self._most:
                return message
            is_refused = True
            await self._too_large.response()(scope, receive, send)
            return {"type": "http.disconnect"}

        async def send_unless_refused(message: Message) -> None:
            if not is_refused:
                await send(message)

        await self._app(scope, receive_counted, send_unless_refused)
