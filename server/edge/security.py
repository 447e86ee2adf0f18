"""Headers that tell browsers what an answer may do: nothing, unless the answer says otherwise."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.settings import Settings

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

HEADERS = (
    (b"content-security-policy", NOTHING.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""For answers that do not say these themselves, as our pages and files do."""

STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
"""A year. Names below ours are not for us to decide about."""


class SecurityHeaders:
    """Adds to each answer the headers that it does not have."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._by_https = (settings.public_url or "").lower().startswith("https:")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                # by now a proxy in front, if it is trusted, was believed by what it was asked
                by_https = self._by_https or scope["scheme"] in ("https", "wss")
                message["headers"] = with_headers(message.get("headers", ()), by_https=by_https)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def with_headers(
    headers: "list[tuple[bytes, bytes]] | tuple[()]", *, by_https: bool
) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers, and those it lacks; `by_https` adds that it is to stay so."""
    said = {name for name, _ in headers}
    added = [header for header in HEADERS if header[0] not in said]
    return [*headers, *added, STRICT_TRANSPORT] if by_https else [*headers, *added]
