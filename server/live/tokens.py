"""Tokens: up to which record a follower was told, as text that only we read."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass

import orjson

from server.cursors import UNREADABLE
from server.errors import InvalidCursor

ELSEWHERE = (
    "That cursor belongs to another room, data type or filter: follow with the one it came from."
)


@dataclass(frozen=True, slots=True)
class Position:
    """The last record that a follower was told of, or passed over.

    key   its key; 0 before the first
    sign  what tells it from another record that is given the same key after it was deleted
    """

    key: int = 0
    sign: str = ""


def write_token(fingerprint: str, position: Position) -> str:
    """Return a position among the records that a fingerprint stands for."""
    written = orjson.dumps([fingerprint, position.key, position.sign])
    return urlsafe_b64encode(written).decode().rstrip("=")


def read_token(fingerprint: str, token: str) -> Position:
    """Read a token; InvalidCursor if it is not one of these records."""
    try:
        found, key, sign = orjson.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (NotBase64, ValueError, TypeError):
        raise InvalidCursor(UNREADABLE, ["after"]) from None
    if type(key) is not int or not 0 <= key < 1 << 63 or type(sign) is not str:
        raise InvalidCursor(UNREADABLE, ["after"])
    if found != fingerprint:
        raise InvalidCursor(ELSEWHERE, ["after"])
    return Position(key, sign)
