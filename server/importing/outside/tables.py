"""Tables and lists of JSON from elsewhere, row by row: of any size, in UTF-8."""

import csv
import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, cast

from server.errors import BadPackage
from server.importing.json_scanner import Scanner
from server.importing.packages import Tell

csv.field_size_limit(1 << 24)

TOO_MANY = "…"
"""Under which a row has its cells that are beyond the header."""

Row = Mapping[str, Any]

_NOTHING: list[str] = []


def read_table(stream: IO[bytes], name: str, separator: str, tell: Tell) -> Iterator[Row]:
    """Read rows as texts by the header's names; BadPackage for what is no table."""
    with _explained(name):
        lines = csv.reader(_lines(stream, tell), delimiter=separator, strict=True)
        header = [cell.strip() for cell in next(lines, _NOTHING)]
        if len(set(header)) < len(header) or "" in header:
            raise BadPackage(f"{name}: each column must have a name of its own, in its first line.")
        for cells in lines:
            if not cells:
                continue
            row: dict[str, Any] = dict(zip(header, cells, strict=False))
            if len(cells) > len(header):
                row[TOO_MANY] = cells[len(header) :]
            yield row


def read_header(stream: IO[bytes], name: str, separator: str) -> list[str]:
    """Read the names of a table's columns."""
    with _explained(name):
        lines = csv.reader(_lines(stream, lambda more: None), delimiter=separator, strict=True)
        return [cell.strip() for cell in next(lines, _NOTHING)]


def separator_of(header: str, path: str) -> str:
    """Say what stands between cells: by the name of a file, and where that does not tell, in it."""
    if path.lower().endswith(".tsv"):
        return "\t"
    return max(",;\t", key=header.count)


def read_list(stream: IO[bytes], name: str, tell: Tell) -> Iterator[tuple[str | None, Row]]:
    """Read objects from a list, or from the lists of an object, with the key that a list has.

    What else an object says, such as its metadata, comes before as if it were a list of one.
    """
    told = 0
    with _explained(name):
        scanner = Scanner(stream)
        for key, row in _listed(scanner):
            tell(scanner.position - told)
            told = scanner.position
            if not isinstance(row, dict):
                raise ValueError("no object")
            yield key, cast("Row", row)
        if not scanner.ended():
            raise ValueError("more than a list")


def _listed(scanner: Scanner) -> Iterator[tuple[str | None, Any]]:
    if not scanner.next_is("{"):
        for _ in scanner.items():
            yield None, scanner.value()[0]
        return
    for key in scanner.keys_of_object():
        if scanner.next_is("["):
            for _ in scanner.items():
                yield key, scanner.value()[0]
        elif isinstance(value := scanner.value()[0], dict):
            yield key, value


def _lines(stream: IO[bytes], tell: Tell) -> Iterator[str]:
    encoding = "utf-8-sig"
    for line in stream:
        tell(len(line))
        yield line.decode(encoding)
        encoding = "utf-8"


@contextmanager
def _explained(name: str) -> Generator[None]:
    try:
        yield
    except UnicodeDecodeError as wrong:
        raise BadPackage(f"{name} is not UTF-8: save it as that, and import it again.") from wrong
    except csv.Error as wrong:
        raise BadPackage(f"{name} is no table that can be read: {wrong}.") from wrong
    except (ValueError, json.JSONDecodeError) as wrong:
        raise BadPackage(f"{name} ends too early, or is no list of JSON objects.") from wrong
