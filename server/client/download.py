"""Fetching a file by its signed link, from where the last attempt stopped, until it is whole.

The link is read anew for each attempt, as it works for an hour only. `If-Range` names the bytes
that are here already: a server whose file is another one sends it from its beginning.
"""

import re
from collections.abc import Callable

import httpx2

from server.client.connection import Server
from server.client.exports import Export, ExportGone, completed, look
from server.client.parts import Begun, Part
from server.client.patience import Patience
from server.errors import ExpectedFailure

_TIMEOUT = httpx2.Timeout(60, connect=10)
_SPAN = re.compile(r"bytes (\d+)-\d+/(\d+)")
Told = Callable[[int, int], object]
"""Is told how many bytes there are, of how many."""

_WHOLE, _PART = 200, 206
_GONE = (404, 410)
_CHANGED = 416


class DamagedDownload(ExpectedFailure):
    """The bytes that came are not those that the server states."""

    code = "DAMAGED_DOWNLOAD"


class _BrokenOff(Exception):
    """Nothing more comes of this attempt; the message says why."""


def download(server: Server, export: Export, part: Part, told: Told) -> str:
    """Fetch an export's file into its part; return what it is called on the server.

    `told` is told how many bytes there are, of how many. DamagedDownload if what came is not what
    was sent, twice.
    """
    part.open()
    for _ in range(2):
        export = _fetch(server, export.id, part, told)
        if part.sha256 == export.sha256:
            return export.file_name or "export"
        server.say("What came is damaged: fetching it again")
        part.restart()
    raise DamagedDownload(
        "What came is not what the server states, twice: its SHA-256 differs. Look for a proxy "
        "that changes what passes through it."
    )


def _fetch(server: Server, export_id: str, part: Part, told: Told) -> Export:
    """Go on until the part is as long as the file."""
    patience = Patience(server.say)
    with httpx2.Client(timeout=_TIMEOUT, follow_redirects=True) as http:  # without the key
        while True:
            export = completed(look(server, export_id))
            size = export.file_size or 0
            told(part.size, size)
            if part.size == size:
                return export
            before = part.size
            try:
                _receive(http, export, part, told)
            except _BrokenOff as why:
                reason = str(why)
            except httpx2.TransportError:
                reason = "The download broke off"
            else:
                reason = "The download ended early"
            if part.size > before:
                patience.rewarded()
            if part.size != size:
                patience.wait(reason)


def _receive(http: httpx2.Client, export: Export, part: Part, told: Told) -> None:
    begun, size = _state(part), export.file_size or 0
    if part.size > size:
        part.restart()
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": begun.etag or f'"{export.sha256}"'}
    with http.stream("GET", export.download_url or "", headers=headers) as answer:
        _agree(answer, part, size)
        if (etag := answer.headers.get("etag")) != begun.etag:
            begun.etag = etag
            part.note(begun)
        for piece in answer.iter_raw():
            if part.size + len(piece) > size:
                part.restart()
                raise _BrokenOff("More came than the server states")
            part.write(piece)
            told(part.size, size)


def _agree(answer: httpx2.Response, part: Part, size: int) -> None:
    """Make the part end where what comes begins; _BrokenOff if nothing of use comes."""
    status = answer.status_code
    if status == _PART:
        span = _SPAN.fullmatch(answer.headers.get("content-range", ""))
        if span is None or (int(span[1]), int(span[2])) != (part.size, size):
            part.restart()
            raise _BrokenOff("Another part came than was asked for")
    elif status == _WHOLE:
        part.restart()  # the file is another one, or what sends it knows no parts
    elif status == _CHANGED:
        part.restart()
        raise _BrokenOff("The file has changed since the download began")
    elif status in _GONE:
        raise ExportGone("The file is not on the server any more: export again.")
    else:
        raise _BrokenOff(f"The server answers with status {status}")


def _state(part: Part) -> Begun:
    begun = part.begun()
    assert begun is not None, "a part is noted before it is filled"
    return begun
