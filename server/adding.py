"""`POST /ingest`: records as lines of NDJSON, stored while they come in, batch by batch."""

import logging
from contextlib import aclosing

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from server.access import Actor
from server.authentication import CSRF_REFUSED, caller_of
from server.bodies import TooSlow, chunks
from server.browsers import Browsers
from server.errors import Busy, ExpectedFailure, Forbidden, Throttled, Unauthenticated
from server.ingest.gate import RETRY_SECONDS
from server.ingest.lines import batches
from server.ingest.storing import ADDING, MOST_RECORDS, Outcome, Refused, store
from server.logs import incident, whereabouts
from server.resolvers.context import Services

MOST_TOLD = 1000
"""How many refused records are told one by one: all of them are in quarantine."""

_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")

log = logging.getLogger(__name__)


class NotNdjson(ExpectedFailure):
    """The body is said to be something else than lines of JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"


_STATUS: dict[type[ExpectedFailure], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    TooSlow: 408,
    NotNdjson: 415,
    Throttled: 429,
    Busy: 429,
}


class _Told:
    """What became of all lines so far."""

    def __init__(self) -> None:
        self.sent = self.accepted = self.unchanged = self.refused = 0
        self.reasons: list[dict[str, object]] = []

    def add(self, outcome: Outcome) -> None:
        """Add a batch: its indices count on from those before."""
        for each in outcome.refused[: MOST_TOLD - len(self.reasons)]:
            self.reasons.append(_reason(each, self.sent))
        self.sent += outcome.sent
        self.accepted += outcome.accepted
        self.unchanged += outcome.unchanged
        self.refused += len(outcome.refused)

    def json(self) -> dict[str, object]:
        """Return it by the names of the API."""
        return {
            "sentCount": self.sent,
            "acceptedCount": self.accepted,
            "unchangedCount": self.unchanged,
            "refusedCount": self.refused,
            "refused": self.reasons,
        }


def ingest_route(services: Services, browsers: Browsers) -> Route:
    """Return the route that lines are sent to."""

    async def endpoint(request: Request) -> JSONResponse:
        told = _Told()
        try:
            actor = await _sender(request, services, browsers)
            with services.gate.entered():
                await _store(request, services, actor, told)
        except ExpectedFailure as failure:
            return _refusal(failure, told)
        except ClientDisconnect:
            return JSONResponse(told.json(), 499)  # nobody hears it: what came before is stored
        except Exception as error:
            number = incident()
            log.error("Internal error %s: %s", number, whereabouts(error))
            return _answer(500, "INTERNAL", _BROKEN.format(number), told)
        return JSONResponse(told.json(), headers=_HEADERS)

    return Route("/ingest", endpoint, methods=["POST"])


_HEADERS = {"Cache-Control": "no-store"}
_BROKEN = (
    "Something went wrong on our side. Send the same again: what is stored already changes "
    "nothing. If it happens again, tell the operator: incident {}."
)


_GO_ON = "What came before is stored: send the rest, or all of it again."


async def _sender(request: Request, services: Services, browsers: Browsers) -> Actor:
    """Return who sends; Unauthenticated, Throttled, Forbidden, NotNdjson."""
    caller = caller_of(request, services, browsers)
    await caller.authenticate()
    if not caller.may_change:
        raise Forbidden(CSRF_REFUSED)
    actor = caller.context().actor
    actor.require(ADDING)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if (
        media_type not in _TYPES
        or request.headers.get("content-encoding", "identity") != "identity"
    ):
        raise NotNdjson("Send lines of JSON, not compressed, as `application/x-ndjson`.")
    return actor


async def _store(request: Request, services: Services, actor: Actor, told: _Told) -> None:
    async with aclosing(batches(chunks(request, _GO_ON), MOST_RECORDS)) as read:
        async for batch in read:
            told.add(await store(services.db, actor, batch))


def _reason(refused: Refused, before: int) -> dict[str, object]:
    refusal = refused.refusal
    return {
        "index": before + refused.index,
        "code": refusal.code.value,
        "field": refusal.field,
        "message": refusal.message,
    }


def _refusal(failure: ExpectedFailure, told: _Told) -> JSONResponse:
    response = _answer(_STATUS.get(type(failure), 400), failure.code, failure.message, told)
    if isinstance(failure, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(failure, Busy | Throttled):
        seconds = failure.seconds if isinstance(failure, Throttled) else RETRY_SECONDS
        response.headers["Retry-After"] = str(seconds)
    return response


def _answer(status: int, code: str, message: str, told: _Told) -> JSONResponse:
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error], **(told.json() if told.sent else {})}, status, _HEADERS)
