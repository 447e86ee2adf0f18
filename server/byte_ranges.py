"""Which bytes of a file a request wants, by RFC 9110: its conditions first, then its ranges.

Starlette sends ranges rightly, and reads them more strictly than the RFC does. So a request is put
into the form in which both agree:

    If-Match, If-None-Match     412, 304 (section 13.2.2)
    HEAD with a range           the whole file's headers: only GET has ranges (14.2)
    another unit, or malformed  the whole file (14.2)
    some ranges past the end    those that are not; 416 if none is left (14.1.1, 15.5.17)
"""

import re
from collections.abc import Mapping
from os import PathLike, stat_result

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

_RANGE = re.compile(r"(\d+)-(\d*)|-(\d+)", re.ASCII)
_TAG = re.compile(r'(?:W/)?"[^"]*"')
_LONGEST = 19
"""Digits of a place in a file: more are past the end of any."""

_KEPT_BY_304 = ("ETag", "Cache-Control", "Last-Modified")


class Unsatisfiable(Exception):
    """None of the ranges begins within the file."""


class PartialFile(FileResponse):
    """A local file, sent as a request's conditions and ranges ask."""

    def __init__(
        self,
        path: str | PathLike[str],
        headers: Mapping[str, str],
        media_type: str,
        stat_result: stat_result,
    ) -> None:
        super().__init__(path, headers=headers, media_type=media_type, stat_result=stat_result)
        self._size = stat_result.st_size
        self._own_headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if (answer := unmet(request, self.headers)) is not None:
            await answer(scope, receive, send)
            return
        try:
            await super().__call__(self._understood(request), receive, send)
        except Unsatisfiable:
            await unsatisfied(self._own_headers, self._size)(scope, receive, send)

    def _understood(self, request: Request) -> Scope:
        """Return the request with a range that Starlette reads as the RFC means it, or none."""
        asked = request.headers.get("range")
        if asked is None:
            return request.scope
        headers = MutableHeaders(raw=list(request.headers.raw))
        del headers["range"]
        condition = request.headers.get("if-range")
        holds = condition is None or self._is_current(condition)
        if request.method == "GET" and holds and (ranges := ranges_in(asked, self._size)):
            headers["range"] = "bytes=" + ", ".join(f"{first}-{last}" for first, last in ranges)
        return {**request.scope, "headers": headers.raw}

    def _is_current(self, condition: str) -> bool:
        """Tell whether an If-Range, by a strong tag or by the date, means this very file."""
        return condition in (self.headers["etag"], self.headers["last-modified"])


def unmet(request: Request, headers: Mapping[str, str]) -> Response | None:
    """Return the answer to a request whose conditions do not hold, None if they do."""
    asked, current = Headers(request.headers), headers["ETag"]
    if (wanted := asked.get("if-match")) is not None and not _names(wanted, current, strong=True):
        return Response(status_code=412, headers=_only(headers, ("Cache-Control",)))
    if (known := asked.get("if-none-match")) is not None and _names(known, current, strong=False):
        return Response(status_code=304, headers=_only(headers, _KEPT_BY_304))
    return None


def span_of(request: Request, headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """Return the first and last byte of the one range that a request wants of a file.

    None for the whole file, which is also sent to whoever asks for several ranges. Unsatisfiable if
    there is no such part.
    """
    asked, condition = request.headers.get("range"), request.headers.get("if-range")
    holds = condition is None or condition == headers.get("ETag")
    if asked is None or request.method != "GET" or not holds:
        return None
    found = ranges_in(asked, size)
    return found[0] if len(found) == 1 else None


def unsatisfied(headers: Mapping[str, str], size: int) -> Response:
    """Return the answer to who asks for parts past the end of a file."""
    span = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
    kept = {k: v for k, v in headers.items() if k != "Content-Disposition"}
    return Response(status_code=416, headers={**kept, **span})


def ranges_in(header: str, size: int) -> list[tuple[int, int]]:
    """Return the first and last byte of each range that begins within a file of `size` bytes.

    None at all for what is no valid list of byte ranges, which asks for the whole file;
    Unsatisfiable if the list is valid, and all of it past the end.
    """
    unit, _, specs = header.partition("=")
    parts = [part.strip(" \t") for part in specs.split(",")]
    found = [_RANGE.fullmatch(part) for part in parts if part]
    if unit.strip().lower() != "bytes" or not found:
        return []
    ranges: list[tuple[int, int]] = []
    for match in found:
        if match is None or any(len(part or "") > _LONGEST for part in match.groups()):
            return []
        first, last = _span(*match.groups(), size=size)
        if match[2] and int(match[2]) < first:
            return []
        if first <= last:
            ranges.append((first, last))
    if not ranges:
        raise Unsatisfiable
    return ranges


def _span(first: str | None, last: str | None, suffix: str | None, *, size: int) -> tuple[int, int]:
    """Return where a range begins and ends; one that holds no byte ends before it begins."""
    if first is None:
        return max(0, size - int(suffix or 0)), size - 1
    return int(first), min(int(last or size), size - 1)


def _names(condition: str, etag: str, *, strong: bool) -> bool:
    """Tell whether a list of entity tags holds this one, which is strong itself."""
    if condition.strip() == "*":
        return True
    tags = _TAG.findall(condition)
    return etag in (tags if strong else [tag.removeprefix("W/") for tag in tags])


def _only(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}
