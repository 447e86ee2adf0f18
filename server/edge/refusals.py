"""What is refused before any route sees it: always JSON, in the form of GraphQL's errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not taken: a status, a code for programs, and what to do about it."""

    status: HTTPStatus
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def body(self) -> bytes:
        """The JSON that says it."""
        error = {"message": self.message, "extensions": {"code": self.code}}
        return orjson.dumps({"errors": [error]})

    def response(self) -> Response:
        """Return it as an answer."""
        return Response(self.body, self.status, self.headers, media_type="application/json")
