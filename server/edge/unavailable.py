"""What is answered where the database or the store is out of reach for a while."""

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from server.errors import Busy

RETRY_SECONDS = 5
"""After how long whoever was sent away should ask again."""

_TRY_AGAIN_LATER = 1013


class _Closing(Response):
    """Closes a socket, in the place of a response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await WebSocketClose(_TRY_AGAIN_LATER, "Try again later")(scope, receive, send)


async def unavailable(connection: HTTPConnection, failure: Exception) -> Response:
    """Send a request away for a moment, with a reason; close a socket."""
    assert isinstance(failure, Busy)
    if connection.scope["type"] == "websocket":
        return _Closing()
    error = {"message": failure.message, "extensions": {"code": failure.code}}
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    return JSONResponse({"errors": [error]}, 503, headers)
