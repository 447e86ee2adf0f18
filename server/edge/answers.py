"""What no route answers: JSON like everything else."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.edge.refusals import Refusal
from server.edge.unavailable import unavailable
from server.errors import Busy

_TOLD = {
    HTTPStatus.NOT_FOUND: (
        "NOT_FOUND",
        "There is nothing at this address: the API is at /graphql.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "METHOD_NOT_ALLOWED",
        "That method cannot be used here: see the header `Allow`.",
    ),
}


async def unanswered(_request: Request, error: Exception) -> Response:
    """Say that no route takes a request."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code, message = _TOLD.get(status, ("BAD_REQUEST", "The request cannot be understood."))
    return Refusal(status, code, message, dict(error.headers or {})).response()


HANDLERS: dict[type[Exception], Callable[[Any, Exception], Awaitable[Response]]] = {
    HTTPException: unanswered,
    Busy: unavailable,
}
"""What the application is told to do with these errors."""
