"""What no route answers, or what broke off: JSON like everything else, and no trace of the code."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.edge.refusals import Refusal
from server.edge.security import HEADERS

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


async def broken(_request: Request, _error: Exception) -> Response:
    """Say that something broke; the error goes on to the server, whose log says where."""
    response = Refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "Something went wrong on our side. Try again; if it happens again, tell the operator when.",
    ).response()
    for name, value in HEADERS:  # it is sent from outside of all that would add them
        response.headers[name.decode()] = value.decode()
    return response


HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    HTTPException: unanswered,
    Exception: broken,
}
"""What the application is told to do with these errors."""
