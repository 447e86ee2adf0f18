"""By which names the server may be asked.

A page from elsewhere whose name suddenly leads to this server (DNS rebinding) sends its own name as
`Host`, so a name that is not ours is refused. An address cannot be rebound: unless names are
listed, any will do. Ports are not looked at.
"""

import re
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from server.edge.refusals import Refusal
from server.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PROBES = ("/healthz", "/readyz")
"""What is asked by whatever address an orchestrator knows; it tells nothing of anybody."""

_HOST = re.compile(r"(?P<name>[\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)

MOST_KNOWN = 1000
"""How many spellings of `Host` are remembered."""

UNKNOWN_HOST = Refusal(
    HTTPStatus.MISDIRECTED_REQUEST,
    "UNKNOWN_HOST",
    "This server does not answer to the name that it was asked by. Whoever runs it can add the "
    "name to HYPERDATA_ALLOWED_HOSTS, or set HYPERDATA_PUBLIC_URL.",
)


class Hosts:
    """The names that are ours.

    allowed  names, or `*.example.org` for all below one, or `*` for any
    """

    def __init__(self, allowed: list[str], public_url: str | None) -> None:
        public = urlsplit(public_url or "").hostname
        names = [_bare(name) for name in allowed]
        self._any_address = not names
        self._any = "*" in names
        self._names = {*LOOPBACK, *names, *([public] if public else [])}
        self._endings = tuple(name[1:] for name in names if name.startswith("*."))
        self._known: dict[bytes, bool] = {}

    def __contains__(self, header: bytes) -> bool:
        """Say whether what a `Host` header says is a name of ours."""
        if (known := self._known.get(header)) is not None:
            return known
        is_ours = self._is_ours(header.decode("latin-1").strip())
        if len(self._known) < MOST_KNOWN:
            self._known[header] = is_ours
        return is_ours

    def _is_ours(self, said: str) -> bool:
        if (parts := _HOST.fullmatch(said)) is None:
            return False
        name = _bare(parts["name"]).removesuffix(".")
        if self._any or name in self._names or name.endswith((".localhost", *self._endings)):
            return True
        return self._any_address and _is_address(name)


class OurHosts:
    """Refuses what is asked by a name that is not ours, also of a websocket's handshake."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = Hosts(listed(settings.allowed_hosts), settings.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_meant(scope):
            await self._app(scope, receive, send)
            return
        await UNKNOWN_HOST.response()(scope, receive, send)

    def _is_meant(self, scope: Scope) -> bool:
        said = [value for name, value in scope["headers"] if name == b"host"]
        return (len(said) == 1 and said[0] in self._hosts) or scope["path"] in PROBES


def listed(setting: str) -> list[str]:
    """Return the parts of a setting that is a list, separated by commas."""
    return [part.strip() for part in setting.split(",") if part.strip()]


def _bare(name: str) -> str:
    return name.lower().removeprefix("[").removesuffix("]")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
