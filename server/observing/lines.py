"""A line in the log for each request, and for each operation of a socket.

There may be thousands a second, so that they go to a file or a pipe past all of logging: in the
form of its other lines, and at a tenth of their cost. Elsewhere they are records like others.
"""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import BinaryIO

import orjson

from server.logs import ACCESS, ACCESS_FIELDS

log = logging.getLogger(ACCESS)

_written_to: list[BinaryIO] = []
"""Where lines are written, past logging."""

_FIELDS = frozenset(ACCESS_FIELDS)


def configure(*, wanted: bool) -> None:
    """Write lines to standard error, or none; for a terminal by way of logging."""
    log.setLevel(logging.INFO if wanted else logging.WARNING)
    _written_to[:] = [sys.stderr.buffer] if wanted and not sys.stderr.isatty() else []


def tell(event: str, said: Mapping[str, object]) -> None:
    """Write a line, of some of ACCESS_FIELDS."""
    assert said.keys() <= _FIELDS
    if not _written_to:
        log.info(event, extra=dict(said))
        return
    line = {
        **said,
        "event": event,
        "level": "info",
        "logger": ACCESS,
        "timestamp": datetime.now(UTC),
    }
    for stream in _written_to:
        stream.write(orjson.dumps(line, option=_OPTIONS))
        stream.flush()


_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
