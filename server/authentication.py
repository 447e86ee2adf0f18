"""Who asks, over HTTP or over a socket: the holder of an API key, else whoever is signed in."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from starlette.requests import HTTPConnection

from server.browsers import Browsers
from server.errors import Throttled, Unauthenticated
from server.logs import whereabouts
from server.origins import origin_of, reason_in
from server.resolvers.context import RECHECK_SECONDS, Caller, Services

CSRF_REFUSED = (
    "Signed in by a cookie, send the `csrfToken` of GET /auth/session as header `X-CSRF-Token`, "
    "from a page of this site; or use an API key."
)

log = logging.getLogger(__name__)


def key_in(headers: Mapping[str, object]) -> str | None:
    """Return the API key among headers, or among the fields of a `connection_init` payload."""
    named = {name.lower(): value for name, value in headers.items()}
    if isinstance(key := named.get("x-api-key"), str) and key.strip():
        return key.strip()
    scheme, _, key = str(named.get("authorization", "")).partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def caller_of(request: HTTPConnection, services: Services, browsers: Browsers) -> Caller:
    """Return whoever sends a request, or opens a socket, before they are authenticated.

    A cookie counts only without a key. Over HTTP it lets nobody change anything unless a page of
    ours is known to ask; of a socket that another page opens, it is not looked at.
    """
    key = key_in(request.headers)
    caller = Caller(services, partial(browsers.address, request), key, origin=origin_of(request))
    if key is None and (session := browsers.session(request)) is not None:
        if request.scope["type"] == "http":
            caller.session = session
            caller.may_change = browsers.may_change(request, session)
        elif browsers.is_own(request):
            caller.session = session
    return caller


async def authenticate_socket(caller: Caller) -> None:
    """Find out who opened a socket, by its first message too; Unauthenticated if nobody known."""
    if key := key_in(caller.connection_params):
        caller.key, caller.session = key, None
    if isinstance(reason := caller.connection_params.get("reason"), str):
        caller.origin = replace(caller.origin, reason=reason_in(reason))
    await caller.authenticate()


async def until_refused(caller: Caller, refuse: Callable[[], Awaitable[None]]) -> None:
    """Ask who a caller is whenever that may have changed; call `refuse` once nobody is known."""
    while True:
        await caller.services.rights.change(caller.user_key, RECHECK_SECONDS)
        try:
            await caller.authenticate()
        except (Unauthenticated, Throttled):
            await refuse()
            return
        except Exception as error:
            log.warning("Who is at a socket could not be asked: %s", whereabouts(error))
