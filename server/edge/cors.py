"""Which other origins' pages may ask, and read what is answered: those that the operator lists.

They ask with an API key. Credentials (cookies) are never allowed, so that nothing a page elsewhere
does is done in the name of whoever happens to be signed in here; that is why `*` is safe, too.
"""

from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.edge.hosts import listed
from server.edge.refusals import Refusal
from server.settings import Settings

METHODS = "GET, HEAD, POST, PUT"
ALLOWED_HEADERS = "*, Authorization"  # `*` stands for all but that one
EXPOSED = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Retry-After, "
    "WWW-Authenticate, X-Request-ID"
)
REMEMBERED_SECONDS = 7200
"""How long a browser may remember what it was told: no browser does for longer."""

CORS_REFUSED = Refusal(
    HTTPStatus.FORBIDDEN,
    "CORS_REFUSED",
    "Pages of that origin may not ask this server. Whoever runs it can add the origin to "
    "HYPERDATA_CORS_ORIGINS.",
    {"Vary": "Origin"},
)


class OtherOrigins:
    """Answers preflights, and marks answers as readable by the origins that are listed."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._origins = {origin.rstrip("/").encode() for origin in listed(settings.cors_origins)}
        self._any = b"*" in self._origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if (
            origin is not None
            and scope["method"] == "OPTIONS"
            and b"access-control-request-method" in headers
        ):
            await self._preflight(origin)(scope, receive, send)
            return
        added = self._readable_by(origin)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _preflight(self, origin: bytes) -> Response:
        if not self._may_ask(origin):
            return CORS_REFUSED.response()
        told = {
            "Access-Control-Allow-Origin": "*" if self._any else origin.decode("latin-1"),
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(REMEMBERED_SECONDS),
            "Vary": "Origin",
        }
        return Response(None, HTTPStatus.NO_CONTENT, told)

    def _may_ask(self, origin: bytes) -> bool:
        return self._any or origin in self._origins

    def _readable_by(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        added = [] if self._any else [(b"vary", b"Origin")]
        if origin is not None and self._may_ask(origin):
            added += [
                (b"access-control-allow-origin", b"*" if self._any else origin),
                (b"access-control-expose-headers", EXPOSED.encode()),
            ]
        return added
