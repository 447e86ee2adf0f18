"""Relay's global ids: the name of a type and the key of its row, opaque to clients."""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from binascii import b2a_base64


def global_id(type_name: str, key: int) -> str:
    """Return the id by which `node` finds a row."""
    text = b2a_base64(f"{type_name}:{key}".encode(), newline=False)
    return text.rstrip(b"=").decode()  # ASCII has no `+` nor `/` in base 64


def type_and_key(text: str) -> tuple[str, int] | None:
    """Read a global id; None if it is not one of ours."""
    try:
        decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        type_name, _, key = decoded.partition(":")
        found = type_name, int(key)
    except (NotBase64, ValueError):  # UnicodeDecodeError is a ValueError
        return None
    return found if global_id(*found) == text and 0 < found[1] < 1 << 63 else None
