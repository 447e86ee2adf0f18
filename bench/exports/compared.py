"""Whether two files hold the same: all their rows counted, and a sample of them read."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow.parquet as pq

EVERY = 997
"""One row of so many is read: no multiple of what anybody writes at a time."""

MEMBERS = 10
"""One member of a ZIP of so many is read, all of it."""


@dataclass(frozen=True)
class Sample:
    """How many rows there are, and what is in some of them, by their number."""

    count: int
    rows: dict[int, Any]


def assert_same(ours: Path, theirs: Path, format_: str, rows: int) -> None:
    """Compare a file with ours, whose first rows it holds."""
    if format_ == "ZIP":
        _assert_same_members(ours, theirs)
        return
    mine, other = (_SAMPLES[format_](path) for path in (ours, theirs))
    assert other.count == rows, f"{rows} rows were to be written, {other.count} were"
    for number, row in other.rows.items():
        assert row == mine.rows[number], (row, mine.rows[number])


def _csv(path: Path) -> Sample:
    return _lines(path, _csv_row)


def _ndjson(path: Path) -> Sample:
    return _lines(path, json.loads, first=0)


def _lines(path: Path, read: Any, first: int = 1) -> Sample:
    rows, count = {}, 0
    with path.open("rb") as file:
        for count, line in enumerate(islice(file, first, None), start=1):
            if count % EVERY == 0:
                rows[count] = read(line)
    return Sample(count, rows)


def _parquet(path: Path) -> Sample:
    rows, count = {}, 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            first = -(count + 1) % EVERY
            for place in range(first, batch.num_rows, EVERY):
                [row] = batch.slice(place, 1).to_pylist()
                rows[count + place + 1] = {name: _moment(value) for name, value in row.items()}
            count += batch.num_rows
    return Sample(count, rows)


_SAMPLES = {"CSV": _csv, "NDJSON": _ndjson, "PARQUET": _parquet}


def _assert_same_members(ours: Path, theirs: Path) -> None:
    with ZipFile(ours) as mine, ZipFile(theirs) as other:
        names = other.namelist()
        assert set(names) <= set(mine.namelist())
        for name in names[::MEMBERS]:
            assert list(_member(mine, name)) == list(_member(other, name)), name


def _member(archive: ZipFile, name: str) -> Iterator[Any]:
    with archive.open(name) as file:
        yield from map(_values, csv.reader(TextIOWrapper(file, "utf-8", newline="")))


def _csv_row(line: bytes) -> list[Any]:
    [row] = csv.reader([line.decode()])
    return _values(row)


def _values(row: Iterable[str]) -> list[Any]:
    return [_value(text) for text in row]


def _value(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _moment(value: Any) -> Any:
    """Return a moment without its time zone: DuckDB's have none."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
