"""Checking offline whether an export is all that it says, and nothing else, bit by bit.

Each file is read once, in pieces, and never further than one byte past its stated size.
"""

import csv
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any, cast

from pydantic import ValidationError

from server.client.json_streams import Malformed
from server.client.ledgers import accounts
from server.client.packages import UNREADABLE, Package, PackageUnreadable, Problem
from server.client.row_counts import STATISTICS, Counted, counter_of
from server.client.statements import (
    DICTIONARY,
    MEDIA,
    DataDictionary,
    StatedFile,
    Statement,
    why_not,
)

_PIECE = 1 << 20

Told = Callable[[int, int], object]
"""Is told how many more bytes were read, and how many there are in all."""


@dataclass(frozen=True)
class CheckedFile:
    """A file that was read, as it was stated; sound if nothing was found wrong with it."""

    stated: StatedFile
    sound: bool


@dataclass
class Verdict:
    """What was checked, and what was found wrong."""

    statement: Statement
    kind: str
    files: list[CheckedFile] = field(default_factory=list[CheckedFile])
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])

    @property
    def sound(self) -> bool:
        return not self.problems


class Reading:
    """A member that is being read: counted, hashed, and stopped just after it gets too long."""

    def __init__(self, file: IO[bytes], most: int, told: Callable[[int], object]) -> None:
        self._file = file
        self._most = most
        self._told = told
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._most + 1 - self.size))
        self._hash.update(data)
        self.size += len(data)
        self._told(len(data))
        return data

    def drain(self) -> None:
        while self.read(_PIECE):
            pass

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def verify(package: Package, told: Told = lambda _size, _total: None) -> Verdict:
    """Check a package; PackageUnreadable if it says nothing of itself that could be checked."""
    try:
        statement = Statement.model_validate(package.metadata)
    except ValidationError as error:
        raise PackageUnreadable(f"{package.metadata_path} is not sound: {why_not(error)}.") from (
            error
        )
    verdict = Verdict(statement, package.kind, problems=list(package.problems))
    verdict.problems += _presence(package, statement)
    dictionary = _dictionary(package, verdict)
    total = sum(stated.bytes for stated in statement.files)
    counted: dict[str, Counted] = {}
    for stated in statement.files:
        if stated.path in package.members:
            found = list(
                _check(package, stated, dictionary, counted, lambda size: told(size, total))
            )
            verdict.problems += found
            verdict.files.append(CheckedFile(stated, sound=not found))
    verdict.problems += accounts(statement, counted)
    if not statement.anonymization:
        verdict.problems.append(
            Problem(package.metadata_path, "it does not say how far identifiers were removed")
        )
    return verdict


def _presence(package: Package, statement: Statement) -> Iterator[Problem]:
    times = Counter(stated.path for stated in statement.files)
    for path, count in times.items():
        if count > 1:
            yield Problem(path, "it is listed more than once")
        if path not in package.members:
            yield Problem(path, "it is missing")
    for path in package.members:
        if path not in times and path != package.metadata_path:
            yield Problem(path, "it is not listed: it was added later")


def _check(
    package: Package,
    stated: StatedFile,
    dictionary: DataDictionary | None,
    counted: dict[str, Counted],
    told: Callable[[int], object],
) -> Iterator[Problem]:
    """Read a file and yield what is wrong with it."""
    path = stated.path
    failed = False
    try:
        with package.members[path]() as file:
            reading = Reading(file, stated.bytes, told)
            try:
                if (count := counter_of(path)) and PurePosixPath(path).parent.name != MEDIA:
                    counted[path] = count(reading.read)
            except (Malformed, UnicodeDecodeError, csv.Error) as error:
                failed = True
                why = str(error) if isinstance(error, Malformed) else "its text is broken"
                yield Problem(path, f"its rows cannot be counted: {why}")
            reading.drain()
    except (*UNREADABLE, zlib.error) as error:
        yield Problem(path, f"it cannot be read, it is damaged ({type(error).__name__})")
        return
    if reading.size > stated.bytes:
        yield Problem(path, f"it has more than the {stated.bytes:,} bytes that are stated")
    elif reading.size < stated.bytes:
        yield Problem(path, f"it has {reading.size:,} bytes instead of {stated.bytes:,}")
    elif reading.sha256 != stated.sha256:
        yield Problem(path, "its content was changed: SHA-256 differs")
    if not failed and path in counted:
        yield from _rows(stated, counted[path])
        yield from _columns(stated, counted[path], dictionary)


def _rows(stated: StatedFile, counted: Counted) -> Iterator[Problem]:
    rows = counted.rows.total()
    if rows != stated.row_count:
        yield Problem(stated.path, f"it has {rows:,} rows instead of {stated.row_count:,}")


def _columns(
    stated: StatedFile, counted: Counted, dictionary: DataDictionary | None
) -> Iterator[Problem]:
    """Compare the columns that were seen with those that the dictionary names."""
    if counted.metadata is not None:
        dictionary = _described_in(counted.metadata)
    if dictionary is None:
        return
    for name, layouts in counted.layouts.items():
        table = name.removeprefix(STATISTICS) or PurePosixPath(stated.path).stem
        known = dictionary.columns_of(table, stated.data_type or table)
        if known is None:
            yield Problem(stated.path, "the data dictionary does not describe its columns")
            continue
        seen = {column for layout in layouts for column in layout}
        if unknown := seen - known:
            names = _some(unknown)
            yield Problem(stated.path, f"the data dictionary does not name its columns {names}")
        if any(missing := known - set(layout) for layout in layouts):
            yield Problem(stated.path, f"it lacks columns of the data dictionary: {_some(missing)}")


def _some(names: set[str], most: int = 5) -> str:
    shown = sorted(names)[:most]
    return ", ".join(shown) + (" …" if len(names) > most else "")


def _dictionary(package: Package, verdict: Verdict) -> DataDictionary | None:
    """Return the data dictionary; a single file has none."""
    top, _, _ = package.metadata_path.rpartition("/")
    path = f"{top}/{DICTIONARY}" if top else DICTIONARY
    if path not in package.members:
        if verdict.statement.packaging != "ZIP":
            verdict.notes.append("A single file has no data dictionary beside it.")
        else:
            verdict.problems.append(Problem(path, "it is missing: nothing describes the columns"))
        return None
    try:
        return DataDictionary.model_validate(package.json(path))
    except ValidationError as error:
        verdict.problems.append(Problem(path, why_not(error)))
    except PackageUnreadable as failure:
        verdict.problems.append(Problem(path, failure.message))
    return None


def _described_in(metadata: Mapping[str, Any]) -> DataDictionary | None:
    """Return what a JSON document says of its columns: by table, or the same for all."""
    described: Any = metadata.get("columns")
    if isinstance(described, dict):
        tables = cast("dict[str, Any]", described).items()
        told: Any = {"tables": {name: {"columns": columns} for name, columns in tables}}
    else:
        told = metadata
    try:
        return DataDictionary.model_validate(told)
    except ValidationError:
        return None
