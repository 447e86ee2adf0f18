"""What a request's line and headers must be like, whoever else has read them before us.

The parser (llhttp, strict) refuses most of what two servers could read in two ways: lengths that
are given twice or beside chunks, folded lines, lone line ends. The rest of it is refused here.
"""

from collections.abc import Sequence
from http import HTTPStatus

from server.edge.refusals import Refusal

MOST_HEADERS = 100

MALFORMED = Refusal(
    HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "This is no HTTP request as RFC 9112 has them."
)
HOST_NEEDED = Refusal(
    HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "Send one header `Host`, with the name of this server."
)
NO_SUCH_CODING = Refusal(
    HTTPStatus.NOT_IMPLEMENTED,
    "BAD_REQUEST",
    "Of the transfer codings, only `chunked` is known here, by itself and in HTTP/1.1.",
)
NO_SUCH_VERSION = Refusal(
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "BAD_REQUEST", "Speak HTTP/1.1 to this server."
)
NO_SUCH_TARGET = Refusal(
    HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "This is no proxy: ask for a path, which begins with /."
)


def too_long(most: int) -> Refusal:
    """Return why headers of more than so many bytes are not read."""
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "HEADERS_TOO_LARGE",
        f"A request's line and headers may have at most {most:,} bytes together, in at most "
        f"{MOST_HEADERS} headers: send long queries by POST.",
    )


def fault(
    version: str, target: bytes, headers: Sequence[tuple[bytes, bytes]], most: int
) -> Refusal | None:
    """Return why a request is not taken; None if it may be.

    headers  as they came, their names in lower case
    most     how many bytes the request's line and headers may have
    """
    size, hosts, refusal = len(target), 0, None
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding" and (version != "1.1" or value.lower() != b"chunked"):
            refusal = NO_SUCH_CODING
    if size > most or len(headers) > MOST_HEADERS:
        return too_long(most)
    if version not in ("1.1", "1.0"):
        return NO_SUCH_VERSION
    if hosts != 1:
        return HOST_NEEDED
    return refusal if target.startswith(b"/") else NO_SUCH_TARGET
