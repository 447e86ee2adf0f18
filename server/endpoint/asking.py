"""What a request asks, over HTTP: read strictly, so that nothing is executed that was not meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from server import json_pieces
from server.endpoint.negotiation import require_json
from server.endpoint.refusals import Refusal, bad_request
from server.errors import ExpectedFailure
from server.persisted import PersistedDocuments

_NAMES = ("query", "documentId", "operationName", "variables", "extensions")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a document, and how it is to be executed."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


async def asked_by(request: Request, persisted: PersistedDocuments) -> Asked:
    """Return what a request asks by GET or POST; raise Refusal if it cannot be read."""
    if request.method == "GET":
        return _asked(_in_address(request.scope["query_string"]), persisted)
    headers = request.headers
    require_json(headers.get("content-type"), headers.get("content-encoding"))
    body = await request.body()
    try:
        said = await json_pieces.loads(body)  # it may bring records by the thousand
    except orjson.JSONDecodeError:
        raise _not_json("The body") from None
    return _asked(said, persisted)


def _in_address(query: bytes) -> dict[str, object]:
    """Return what the part of an address after `?` says; what is empty is as if left out."""
    try:
        read = parse_qsl(query.decode("ascii"), errors="strict")
    except ValueError:
        raise bad_request("The parameters of the address are not UTF-8.") from None
    pairs = [(name, text) for name, text in read if name in _NAMES]
    said: dict[str, object] = dict(pairs)
    if len(said) < len(pairs):
        raise bad_request("Each parameter may be given once.")
    for name in ("variables", "extensions"):
        if isinstance(text := said.get(name), str):
            said[name] = _json(text, f"`{name}`")
    return said


def _json(text: str, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _not_json(what) from None


def _not_json(what: str) -> Refusal:
    return bad_request(f"{what} is not JSON in UTF-8.")


def _asked(said: object, persisted: PersistedDocuments) -> Asked:
    if isinstance(said, list):
        raise bad_request("Send one request at a time: lists of requests are not executed.")
    if not isinstance(said, dict):
        raise bad_request("The request must be one JSON object.")
    fields = cast("Mapping[str, object]", said)
    name, variables, extensions = (fields.get(each) for each in _NAMES[2:])
    try:
        query = persisted.document_text(fields)
    except ExpectedFailure as failure:
        raise Refusal(400, failure.code, failure.message) from failure
    if not isinstance(query, str) or not query:
        raise bad_request("`query` must be a text: the GraphQL document to execute.")
    if not isinstance(name, str | None):
        raise bad_request("`operationName` must be a text or null.")
    if not isinstance(variables, dict | None):
        raise bad_request("`variables` must be an object or null.")
    if not isinstance(extensions, dict | None):
        raise bad_request("`extensions` must be an object or null.")
    return Asked(
        query,
        name,
        cast("dict[str, Any] | None", variables),
        cast("dict[str, Any] | None", extensions),
    )
