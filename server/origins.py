"""From where something is asked, by what and why: what the audit log says of a request."""

import unicodedata
from urllib.parse import unquote_to_bytes

from starlette.requests import HTTPConnection

from server.audit import Origin

LONGEST_USER_AGENT = 300
LONGEST_REASON = 500
"""How many characters are kept."""


def origin_of(
    request: HTTPConnection, actor_id: str | None = None, api_key: str | None = None
) -> Origin:
    """Return the origin of a request, of an account if one is known."""
    headers = request.headers
    return Origin(
        actor_id=actor_id,
        api_key=api_key,
        address=None if request.client is None else request.client.host,
        user_agent=_plain(headers.get("user-agent"), LONGEST_USER_AGENT),
        reason=_decoded(headers.get("x-reason")),
    )


def reason_in(text: str | None) -> str | None:
    """Return a reason as it is kept: without control characters, and not too long."""
    return _plain(text, LONGEST_REASON)


def _decoded(header: str | None) -> str | None:
    """Return what a header says in UTF-8, percent-encoded or as it is."""
    if header is None:
        return None
    return reason_in(unquote_to_bytes(header.encode("latin-1")).decode(errors="replace"))


def _plain(text: str | None, most: int) -> str | None:
    if text is None or (text.isascii() and text.isprintable() and len(text) <= most):
        return text or None
    shown = (each for each in text if unicodedata.category(each) not in ("Cc", "Cs"))
    return "".join(shown)[:most] or None
