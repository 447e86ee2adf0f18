"""Answers over HTTP: their JSON, and the status by which GraphQL over HTTP tells how it went."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, cast

import orjson
from graphql import FormattedExecutionResult, GraphQLFormattedError
from starlette.responses import Response

from server.endpoint.negotiation import GRAPHQL, JSON
from server.endpoint.refusals import Refusal

_STATUS = {"INTERNAL": 500, "THROTTLED": 429, "DEADLINE_EXCEEDED": 503, "BUSY": 503}
"""What is wrong with a request that was not executed is the client's to mend, but for these."""

_HEADERS = {
    "Cache-Control": "no-store",  # what is answered depends on who asks
    "Vary": "Accept",
}
_TYPES = {JSON: JSON, GRAPHQL: f"{GRAPHQL}; charset=utf-8"}  # JSON has no such parameter


def answered(result: FormattedExecutionResult, media: str) -> Response:
    """Return a result as the answer to a request, 200 wherever it was executed.

    Where it was not, there is no `data`; and to who knows the media type of its own, the status
    says so as well: older clients take any other than 200 for a failure of the transport.
    """
    errors = result.get("errors") or []
    if result.get("data") is not None or not _are_request_errors(errors):
        return _answer(result, 200, media, {})
    said = {name: value for name, value in result.items() if name != "data"}
    extensions: Mapping[str, Any] = errors[0].get("extensions") or {}
    status = _STATUS.get(str(extensions.get("code")), 400) if media == GRAPHQL else 200
    wait = extensions.get("retryAfterMs")
    headers = {"Retry-After": str(ceil(wait / 1000))} if isinstance(wait, int | float) else {}
    return _answer(said, status, media, headers)


def refused(refusal: Refusal, media: str) -> Response:
    """Return a refusal as JSON, in the form of a GraphQL answer."""
    error = {"message": refusal.message, "extensions": {"code": refusal.code}}
    return _answer({"errors": [error]}, refusal.status, media, refusal.headers)


def dump(data: object) -> bytes:
    """Return an answer as JSON, also where a client's own half characters come back in it."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return orjson.dumps(_whole_text(data))


def _answer(said: object, status: int, media: str, headers: Mapping[str, str]) -> Response:
    return Response(dump(said), status, {**_HEADERS, **headers, "Content-Type": _TYPES[media]})


def _are_request_errors(errors: Sequence[GraphQLFormattedError]) -> bool:
    """Say whether nothing was executed: of what was, errors tell at which path."""
    return bool(errors) and all("path" not in error for error in errors)


def _whole_text(data: object) -> object:
    """Return data with surrogates, which UTF-8 cannot say, replaced in every text."""
    if isinstance(data, str):
        return data.encode(errors="replace").decode()
    if isinstance(data, Mapping):
        named = cast("Mapping[object, object]", data)
        return {_whole_text(name): _whole_text(value) for name, value in named.items()}
    if isinstance(data, list | tuple):
        return [_whole_text(value) for value in cast("Sequence[object]", data)]
    return data
