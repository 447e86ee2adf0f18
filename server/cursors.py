"""Cursors: which page is asked for, and a row's place in its list as text that only we read."""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import itemgetter
from typing import Any

import orjson

from server.errors import BadUserInput, InvalidCursor

DEFAULT_PAGE = 50

_URL_SAFE = bytes.maketrans(b"+/", b"-_")

UNREADABLE = "That is not a cursor of this server."
UNENDING = ("inf", "-inf", "nan")
"""How a cursor holds the numbers that JSON cannot say."""

ELSEWHERE = "That cursor belongs to another list, order or filter: page with the one it came from."


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by. Nulls come last, or first when descending."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list: `limit` rows from one end of what lies between the cursors.

    `fingerprint` stands for the list, its order and its filter: a cursor carries it, so that one
    from elsewhere is refused rather than misread.
    """

    order: tuple[SortKey, ...]
    limit: int
    fingerprint: str
    backwards: bool = False
    after: str | None = None
    before: str | None = None

    @property
    def keys(self) -> tuple[SortKey, ...]:
        """The order made unique: ties are broken by the row's key, in the last direction."""
        return (*self.order, SortKey("key", self.order[-1].descending))


def page_size(first: int | None, last: int | None, most: int) -> tuple[int, bool]:
    """Return how many rows are asked for, and whether from the end; BadUserInput if unusable."""
    if first is not None and last is not None:
        raise BadUserInput("Give `first` or `last`, not both.", ["first"])
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_PAGE, False
    if not 0 <= size <= most:
        raise BadUserInput(f"`{name}` must be from 0 to {most:,}; it is {size:,}.", [name])
    return size, last is not None


def cursor_writer(
    request: PageRequest, parent: int | None, place: Mapping[str, int], *, whole: bool
) -> Callable[[Sequence[Any]], str]:
    """Return what makes the values of a row, of which `place` tells the order, a cursor.

    It is the values of the request's keys, in the list of a parent; `whole` says that all of them
    are whole numbers.
    """
    start = orjson.dumps([request.fingerprint, parent])[:-1] + b","
    keys = itemgetter(*(place[key.column] for key in request.keys))
    if whole:
        numbers = start + b",".join([b"%d"] * len(request.keys)) + b"]"
        # of digits, quotes and commas base 64 makes neither `+` nor `/`
        return lambda values: (
            b2a_base64(numbers % keys(values), newline=False).rstrip(b"=").decode()
        )

    def write(values: Sequence[Any]) -> str:
        written = orjson.dumps(keys(values))
        if written.find(b"null") >= 0:  # so a number without end, too (`in` is slow)
            written = orjson.dumps([_with_an_end(value) for value in keys(values)])
        text = b2a_base64(start + written[1:], newline=False)
        return text.translate(_URL_SAFE, b"=").decode()

    return write


def _with_an_end(value: object) -> object:
    return repr(value) if isinstance(value, float) and not isfinite(value) else value


def read_cursor(request: PageRequest, cursor: str) -> tuple[Any, list[Any]]:
    """Return whose list a cursor is of, and its place there; InvalidCursor if not this list's."""
    try:
        fingerprint, parent, *values = orjson.loads(
            urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        )
    except (NotBase64, ValueError, TypeError):
        raise InvalidCursor(UNREADABLE) from None
    if fingerprint != request.fingerprint:
        raise InvalidCursor(ELSEWHERE)
    if len(values) != len(request.keys):
        raise InvalidCursor(UNREADABLE)
    return parent, values


def check_cursors(request: PageRequest, parent: int) -> None:
    """Raise InvalidCursor if a cursor is from the list of another parent."""
    for cursor in (request.after, request.before):
        if cursor is not None and read_cursor(request, cursor)[0] != parent:
            raise InvalidCursor(ELSEWHERE)
