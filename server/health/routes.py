"""`/healthz`, `/readyz` and `/metrics`: for supervisors, load balancers and Prometheus."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import Metric
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.db import Database
from server.health.checks import PATIENCE
from server.health.jobs import job_figures
from server.health.readiness import Readiness
from server.logs import whereabouts
from server.observing.scraping import exposed
from server.storage import Storage

log = logging.getLogger(__name__)

_HEADERS = {"Cache-Control": "no-store"}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""What a proxy adds: who sends one through it is not on this machine, though the proxy may be."""


def health_routes(db: Database, storage: Storage, token: SecretStr | None) -> list[Route]:
    """Return the routes; with a token, /metrics is for those alone who send it."""
    readiness = Readiness(db, storage)

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    async def ready(_request: Request) -> Response:
        found = await readiness.found()
        is_ready = not any(found.values())
        told = {name: wrong or "ok" for name, wrong in found.items()}
        body = {"status": "ok" if is_ready else "unavailable", "checks": told}
        return JSONResponse(body, 200 if is_ready else 503, _HEADERS)

    async def metrics(request: Request) -> Response:
        if (refusal := _refusal(request, token)) is not None:
            return refusal
        return Response(exposed(await _jobs(db)), headers=_HEADERS, media_type=CONTENT_TYPE_LATEST)

    endpoints: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/healthz": alive,
        "/readyz": ready,
        "/metrics": metrics,
    }
    return [Route(path, endpoint) for path, endpoint in endpoints.items()]


async def _jobs(db: Database) -> Sequence[Metric]:
    """Return the figures of jobs; none while the database does not answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await job_figures(db)
    except Exception as error:
        log.warning("Jobs could not be counted: %s", whereabouts(error))
        return []


def _refusal(request: Request, token: SecretStr | None) -> Response | None:
    """Return why somebody is not shown the metrics."""
    if token is not None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        known = token.get_secret_value().encode()
        if scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), known):
            return None
        wanted = {"WWW-Authenticate": "Bearer"}
        return _refused(401, "UNAUTHENTICATED", "Send the metrics token as a bearer token.", wanted)
    if _is_here(request):
        return None
    return _refused(
        403,
        "FORBIDDEN",
        "Metrics are shown to this machine alone, not through a proxy; for others, the operator "
        "sets HYPERDATA_METRICS_TOKEN.",
    )


def _is_here(request: Request) -> bool:
    """Say whether who asks is on this machine, and not behind a proxy that is."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _refused(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status, {**_HEADERS, **(headers or {})})
