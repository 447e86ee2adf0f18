"""JSON columns put together again of the columns they became: see `server.export.spreads`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from server.export.arrow import Array, pa
from server.export.spreads import holds_only_texts, reads_as_json

_GUARDED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True)
class Key:
    """A key of a JSON column that has a column of its own."""

    name: str
    only_texts: bool

    @classmethod
    def of(cls, name: str, types: Sequence[str]) -> "Key":
        return cls(name, holds_only_texts(types))

    def member(self, cell: str, *, guarded: bool) -> str:
        """Return the key with what is in a cell, as JSON."""
        if self.only_texts or not reads_as_json(cell):
            cell = _text(unguarded(cell) if guarded else cell)
        return f"{_text(self.name)}:{cell}"


def gather(rest: Array, keys: Sequence[Key], cells: Sequence[Array], *, guarded: bool) -> Array:
    """Return the JSON texts that a column was spread from; of objects, the keys in new order."""
    if not keys:
        return rest
    rows = zip(rest.to_pylist(), *(column.to_pylist() for column in cells), strict=True)
    return pa.array([_whole(left, keys, row, guarded=guarded) for left, *row in rows], pa.string())


def _whole(
    left: str | None, keys: Sequence[Key], cells: Sequence[str | None], *, guarded: bool
) -> str | None:
    members = [
        key.member(cell, guarded=guarded)
        for key, cell in zip(keys, cells, strict=True)
        if cell is not None
    ]
    if not members:
        return left
    if left is not None:
        if not (left.startswith("{") and left.endswith("}")):
            raise ValueError("keys of what is no object")
        members.append(left[1:-1])
    return f"{{{','.join(members)}}}"


def unguarded(text: str) -> str:
    """Return a text without the quote that keeps spreadsheets from taking it for a formula."""
    return text[1:] if _GUARDED.match(text) else text


def _text(text: str) -> str:
    return orjson.dumps(text).decode()
