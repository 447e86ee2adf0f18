"""Media types of GraphQL over HTTP: the one of an answer by `Accept`, that of a request checked."""

import re
from collections.abc import Iterator
from functools import lru_cache

from server.endpoint.refusals import Refusal

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"

_RANGES = {GRAPHQL: 3, JSON: 3, "application/*": 2, "*/*": 1}
"""The ranges that hold one of ours, and how closely they describe it."""

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_UTF_8 = ("utf-8", "utf8")


@lru_cache(64)
def negotiated(accept: str) -> str | None:
    """Return the media type of the answer to a request that accepts these; None for neither.

    Who names nothing, or both alike without a name, gets JSON, as before there was the other.
    """
    if not accept.strip(" \t,"):
        return JSON
    ranges = list(_ranges(accept))
    best = max(_fitness(GRAPHQL, ranges), _fitness(JSON, ranges))
    quality, *_, media = best
    return media if quality > 0 else None


def require_json(content_type: str | None, content_encoding: str | None) -> None:
    """Refuse a body that is not plain JSON in UTF-8, as it is described."""
    kind, _, parameters = (content_type or "").partition(";")
    if kind.strip().lower() != JSON:
        raise Refusal(
            415, "UNSUPPORTED_MEDIA_TYPE", "Send the request as JSON: `Content-Type: " + JSON + "`."
        )
    if dict(_parameters(parameters)).get("charset", "utf-8") not in _UTF_8:
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the request in UTF-8.")
    if (content_encoding or "identity").strip().lower() != "identity":
        raise Refusal(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Send the request as it is, not compressed: without `Content-Encoding`.",
            {"Accept-Encoding": "identity"},
        )


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield the ranges of a header that can be read and could be ours, with their qualities."""
    for part in accept.split(","):
        name, _, rest = part.partition(";")
        parameters = dict(_parameters(rest))
        quality = parameters.get("q", "1")
        if parameters.get("charset", "utf-8") in _UTF_8 and _QUALITY.fullmatch(quality):
            yield name.strip().lower(), float(quality)


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for each in text.split(";"):
        name, _, value = each.partition("=")
        yield name.strip().lower(), value.strip().strip('"').lower()


def _fitness(media: str, ranges: list[tuple[str, float]]) -> tuple[float, int, bool, str]:
    """Return how well a media type is described: by the closest range, which says its quality."""
    fitting = [
        (_RANGES[name], quality)
        for name, quality in ranges
        if name in (media, "application/*", "*/*")
    ]
    closeness, quality = max(fitting, default=(0, 0.0))
    is_asked_for = closeness == _RANGES[GRAPHQL]
    return quality, closeness, is_asked_for == (media == GRAPHQL), media
