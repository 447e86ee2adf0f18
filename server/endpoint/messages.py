"""The messages of graphql-transport-ws that a client may send, told from all others."""

from typing import Any, cast

from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message

MOST_OF_ID = 255
"""How long the id of an operation may be: each of its messages repeats it."""

_WITH_ID = ("subscribe", "complete")
_WITH_PAYLOAD = ("connection_init", "ping", "pong")


def message_in(said: object) -> Message | None:
    """Return what was said as the message it is, without its nulls; None if it is none."""
    fields = _without_nulls(said)
    if fields is None:
        return None
    kind = fields.get("type")
    if kind in _WITH_ID and not _is_id(fields.get("id")):
        return None
    if kind == "subscribe":
        asked = _asked(fields.get("payload"))
        return None if asked is None else cast("Message", {**fields, "payload": asked})
    if kind == "complete":
        return cast("Message", fields)
    known = kind in _WITH_PAYLOAD and isinstance(fields.get("payload", {}), dict)
    return cast("Message", fields) if known else None


def _asked(payload: object) -> dict[str, Any] | None:
    """Return the payload of a `subscribe`, without its nulls; None if it asks nothing."""
    asked = _without_nulls(payload)
    is_whole = (
        asked is not None
        and isinstance(asked.get("query", asked.get("documentId")), str)
        and isinstance(asked.get("variables", {}), dict)
        and isinstance(asked.get("extensions", {}), dict)
        and isinstance(asked.get("operationName", ""), str)
    )
    return asked if is_whole else None


def _is_id(given: object) -> bool:
    return isinstance(given, str) and 0 < len(given) <= MOST_OF_ID


def _without_nulls(said: object) -> dict[str, Any] | None:
    if not isinstance(said, dict):
        return None
    fields = cast("dict[str, Any]", said)
    return {name: value for name, value in fields.items() if value is not None}
