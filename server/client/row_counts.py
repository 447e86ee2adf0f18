"""How many rows a file has, and of what columns, by its ending: read once, in pieces."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from server.client.json_streams import JsonStream, Malformed, Read

_PIECE = 1 << 20
_LONGEST_HEADER = 16 << 20
_LONGEST_FOOTER = 64 << 20
_FIRST_RECORD = re.compile(rb'(?:[^"\n]|"[^"]*")*\n')
_QUOTED = re.compile(rb'"[^"]*"')
_LEVELS = ("experiments", "rooms", "participants")

Layout = tuple[str, ...]

WHOLE = ""
"""The name of the table that is a whole file."""

STATISTICS = "statistics/"
"""Begins the name of a table whose rows are no records."""


@dataclass
class Counted:
    """The rows of a file's tables, and the columns that their rows were seen to have.

    A file is one table, `WHOLE`, but for a document of experiments, rooms and participants, which
    holds one for each data type and says of itself what `metadata` holds.
    """

    rows: Counter[str] = field(default_factory=Counter[str])
    layouts: dict[str, set[Layout]] = field(default_factory=dict[str, set[Layout]])
    metadata: Mapping[str, Any] | None = None

    def note(self, table: str, record: object) -> None:
        if not isinstance(record, dict):
            raise Malformed("a record is no object")
        self.rows[table] += 1
        names = tuple(cast("dict[str, object]", record))
        self.layouts.setdefault(table, set()).add(names)


def counter_of(path: str) -> Callable[[Read], Counted] | None:
    """Return what counts the rows of a file of that name; None if it is not known to have any."""
    return _COUNTERS.get(path.rpartition(".")[2].lower())


def _separated(separator: str) -> Callable[[Read], Counted]:
    def count(read: Read) -> Counted:
        header, rest = _header(read)
        text = io.StringIO(header.decode("utf-8-sig"), newline="")
        names: list[str] = next(csv.reader(text, delimiter=separator, strict=True))
        rows = _records(rest, read)
        return Counted(Counter({WHOLE: rows}), {WHOLE: {tuple(names)}})

    return count


def _header(read: Read) -> tuple[bytes, bytes]:
    """Return the first record, and what was read after it."""
    begun = b""
    while len(begun) < _LONGEST_HEADER:
        piece = read(_PIECE)
        begun += piece
        if found := _FIRST_RECORD.match(begun):
            return found[0], begun[found.end() :]
        if not piece:
            break
    raise Malformed("its first line, which names the columns, does not end")


def _records(begun: bytes, read: Read) -> int:
    """Count the lines that end outside of quotes, and a last one that does not end."""
    count, quoted, last = 0, False, b"\n"
    piece = begun or read(_PIECE)
    while piece:
        last = piece[-1:]
        if quoted:
            _, closing, piece = piece.partition(b'"')
            quoted = not closing
        text, opening, _ = _QUOTED.sub(b"", piece).partition(b'"')
        quoted = quoted or bool(opening)
        count += text.count(b"\n")
        piece = read(_PIECE)
    if quoted:
        raise Malformed("a quote is opened and never closed")
    return count + (last != b"\n")


def _ndjson(read: Read) -> Counted:
    stream, counted = JsonStream(read), Counted()
    while stream.peek():
        counted.note(WHOLE, stream.value())
    return counted


def _json(read: Read) -> Counted:
    stream, counted = JsonStream(read), Counted()
    if stream.peek() == "[":
        _count_rows(stream, counted, WHOLE)
    else:
        _count_document(stream, counted)
    if stream.peek():
        raise Malformed("something follows its end")
    return counted


def _count_rows(stream: JsonStream, counted: Counted, table: str) -> None:
    for _ in stream.elements():
        counted.note(table, stream.value())


def _count_document(stream: JsonStream, counted: Counted) -> None:
    for key in stream.members():
        if key == _LEVELS[0]:
            _count_places(stream, counted, 0)
        elif key == "statistics":
            for name in stream.members():
                _count_rows(stream, counted, STATISTICS + name)
        elif key == "metadata":
            metadata = stream.value()
            counted.metadata = metadata if isinstance(metadata, dict) else {}
        else:
            stream.value()


def _count_places(stream: JsonStream, counted: Counted, level: int) -> None:
    inner = _LEVELS[level + 1 : level + 2]
    tables = () if inner else (counted.metadata or {}).get("columns", ())
    for _ in stream.elements():
        for key in stream.members():
            if key in inner:
                _count_places(stream, counted, level + 1)
            elif key in tables and stream.peek() == "[":
                _count_rows(stream, counted, key)
            else:
                stream.value()


def _parquet(read: Read) -> Counted:
    """Read what a file says of itself at its end, of which only as much is kept."""
    import pyarrow
    from pyarrow import parquet as of_parquet

    arrow: Any = pyarrow  # it ships no types
    parquet: Any = of_parquet
    kept = bytearray()
    while piece := read(_PIECE):
        kept += piece
        if len(kept) > 2 * _LONGEST_FOOTER:
            del kept[:-_LONGEST_FOOTER]
    length = int.from_bytes(kept[-8:-4], "little") + 8
    if bytes(kept[-4:]) != b"PAR1" or length > len(kept):
        raise Malformed("its end is not that of a Parquet file")
    try:
        source = arrow.BufferReader(b"PAR1" + bytes(kept[-length:]))
        footer = parquet.read_metadata(source)
        names: list[str] = footer.schema.to_arrow_schema().names
    except (arrow.ArrowException, OSError) as error:
        raise Malformed("its description of itself cannot be read") from error
    rows = sum(footer.row_group(group).num_rows for group in range(footer.num_row_groups))
    return Counted(Counter({WHOLE: rows}), {WHOLE: {tuple(names)}})


_COUNTERS: Mapping[str, Callable[[Read], Counted]] = {
    "csv": _separated(","),
    "tsv": _separated("\t"),
    "json": _json,
    "ndjson": _ndjson,
    "parquet": _parquet,
}
