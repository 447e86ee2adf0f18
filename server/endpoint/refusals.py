"""Requests that are answered without being executed, each with a status, a code and a sentence."""

from collections.abc import Mapping


class Refusal(Exception):
    """A request is not executed; `headers` say what would do, or when to come again."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def bad_request(message: str) -> Refusal:
    """Return the refusal of a request that is none by GraphQL over HTTP."""
    return Refusal(400, "BAD_USER_INPUT", message)
