"""The JSON document as a package: experiments, their rooms, their participants, their records."""

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from server.errors import BadPackage
from server.export.arrow import Columns
from server.export.tables import Kind
from server.importing.json_rows import columns_of, read_rows, read_value
from server.importing.json_scanner import Scanner
from server.importing.media import MediaFile
from server.importing.metadata import layouts, read_metadata
from server.importing.packages import Places, Tell
from server.importing.targets import PLACES, RECORDS, TARGETS, Target

Part = tuple[Target, Columns]

_INSIDE = {outer.name: inner for outer, inner in pairwise(PLACES)}
_RECORDS = {target.name: target for target in RECORDS.values()}


class Document:
    """A document in a file. It is read twice: once for its places, once for its records."""

    media = 0

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        with self._reading() as scanner:
            if not scanner.take("{") or scanner.value()[0] != "metadata":
                raise BadPackage("This is no export of HyperStudy Data: it begins otherwise.")
            scanner.expect(":")
            self.metadata = read_metadata(scanner.value()[0])
        layouts(self.metadata, guarded=False)
        self._places: dict[str, list[dict[str, Any]]] = {}

    def check(self, tell: Tell) -> None:
        """Read everything: there are no hashes, but numbers of rows, and an end."""
        self._places = {target.name: [] for target in PLACES}
        counts = Counter[str]()
        told = 0
        with self._reading() as scanner:
            for target, rows in _walk(scanner, self._places):
                counts[target.name] += len(next(iter(rows.values())))
                tell(scanner.position - told)
                told = scanner.position
        for name, count in self.metadata.counts.items():
            if counts[name] != count:
                raise BadPackage(f"It has {counts[name]} {name}, and should have {count}.")

    def places(self) -> Places:
        with self._explained():
            return Places(
                *(columns_of(self._places[target.name], target.kinds) for target in PLACES)
            )

    def files(self) -> list[MediaFile]:
        return []

    def records(self) -> Iterator[Part]:
        with self._reading() as scanner:
            yield from _walk(scanner, {target.name: [] for target in PLACES})

    @contextmanager
    def _reading(self) -> Generator[Scanner]:
        with self._path.open("rb") as stream, self._explained():
            yield Scanner(stream)

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (ValueError, OSError) as wrong:
            raise BadPackage(
                f"{self._path.name} ends too early, or is not as exports write it."
            ) from wrong


def _walk(scanner: Scanner, places: dict[str, list[dict[str, Any]]]) -> Iterator[Part]:
    """Go through a document: collect the rows of its places, yield its records in parts."""
    for key in scanner.keys_of_object():
        if key == "metadata":
            scanner.value()
        elif key == PLACES[0].name:
            yield from _inside(scanner, PLACES[0], places)
        else:
            raise ValueError(key)
    if not scanner.ended():
        raise ValueError("more than a document")


def _inside(
    scanner: Scanner, target: Target, places: dict[str, list[dict[str, Any]]]
) -> Iterator[Part]:
    inner = _INSIDE.get(target.name)
    for _ in scanner.items():
        row: dict[str, Any] = {}
        places[target.name].append(row)
        for key in scanner.keys_of_object():
            if inner is not None and key == inner.name:
                yield from _inside(scanner, inner, places)
            elif inner is None and key in _RECORDS:
                record = TARGETS[key]
                for rows in read_rows(scanner, scanner.items(), record):
                    yield record, rows
            else:
                nested = target.kinds.get(key) is Kind.JSON
                row[key] = read_value(scanner, text=nested)
