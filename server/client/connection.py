"""A server, asked over GraphQL by whoever holds a key."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from server.client.patience import Patience
from server.errors import ExpectedFailure

_TIMEOUT = httpx2.Timeout(30, connect=10)
_PASSING = (429, 502, 503, 504)
_ACCEPT = "application/graphql-response+json, application/json;q=0.9"  # then a status says more
"""Statuses of a server, or of what stands before it, that will be back."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NoKey(ExpectedFailure):
    """No API key was given."""

    code = "NO_KEY"


class NoServer(ExpectedFailure):
    """Nothing that speaks our API answers at the address."""

    code = "NO_SERVER"


class KeyRefused(ExpectedFailure):
    """The server does not know the key."""

    code = "UNAUTHENTICATED"


class ServerSaid(ExpectedFailure):
    """A failure that the server found, with a code and a sentence of its own."""

    code = "REFUSED"

    def __init__(self, server_code: str, message: str) -> None:
        super().__init__(message)
        self.server_code = server_code


class Refused(ServerSaid):
    """The server does not do what was asked."""


class Server:
    """An open connection to a server; `say` is told of attempts that failed."""

    def __init__(self, url: str, key: str, say: Callable[[str], object]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise NoServer("The address of the server must begin with http:// or https://.")
        if not key.strip() or not key.isascii():
            raise NoKey("Put your API key into the environment variable HYPERDATA_API_KEY.")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            say("The key and the data travel unencrypted: use an https:// address if there is one.")
        self.url = url.rstrip("/").removesuffix("/graphql")
        self.key = key.strip()
        self.say = say
        headers = {"X-API-Key": self.key, "Accept": _ACCEPT}
        self._http = httpx2.Client(timeout=_TIMEOUT, headers=headers)
        self._reached = False

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    @property
    def socket_url(self) -> str:
        """The address of the API's websocket."""
        return f"{self.url.replace('http', 'ws', 1)}/graphql"

    def ask(self, query: str, **variables: object) -> Any:  # noqa: ANN401 - any JSON
        """Return the data of a query; lost connections are tried again, once it was reached."""
        patience = Patience(self.say)
        while True:
            try:
                answer = self._http.post(
                    f"{self.url}/graphql", json={"query": query, "variables": variables}
                )
            except httpx2.TransportError as error:
                if not self._reached:
                    raise NoServer(
                        f"No server answers at {self.url}: check the address, and that it runs."
                    ) from error
            else:
                if answer.status_code not in _PASSING:
                    return self._data_of(answer)
            patience.wait("The connection to the server is lost")

    def change(self, name: str, mutation: str, **variables: object) -> Any:  # noqa: ANN401 - JSON
        """Return the payload of a mutation; Refused if it shows a user error."""
        payload = self.ask(mutation, **variables)[name]
        for error in payload["userErrors"]:
            raise Refused(error["code"], error["message"])
        return payload

    def _data_of(self, answer: httpx2.Response) -> Any:  # noqa: ANN401 - any JSON
        if answer.status_code == 401:
            raise KeyRefused(
                "The server does not know this API key: look at HYPERDATA_API_KEY, and at the "
                "address."
            )
        try:
            body: Any = None if answer.status_code == 404 else orjson.loads(answer.content)
            errors, data = body.get("errors"), body.get("data")
        except (orjson.JSONDecodeError, AttributeError) as error:
            raise NoServer(
                f"What answers at {self.url} is not a HyperStudy Data server "
                f"(status {answer.status_code}): check the address."
            ) from error
        self._reached = True
        refuse_errors(errors)
        return data


def refuse_errors(errors: Sequence[Mapping[str, Any]] | None) -> None:
    """Raise the first of a GraphQL answer's errors."""
    for error in errors or ():
        extensions: Mapping[str, Any] = error.get("extensions") or {}
        message: Any = error.get("message", "The server gives no reason.")
        raise Refused(str(extensions.get("code", "REFUSED")), str(message))
