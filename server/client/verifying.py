"""Checking offline whether an export is all that it says, and nothing else, bit by bit.

Each file is read once, in pieces, and never further than one byte past its stated size.
"""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any

from pydantic import ValidationError

from server.client.json_streams import Malformed
from server.client.packages import UNREADABLE, Package, PackageUnreadable, Problem
from server.client.row_counts import WHOLE, Counted, counter_of
from server.client.statements import (
    DICTIONARY,
    DataDictionary,
    StatedFile,
    StatedTable,
    Statement,
    plain,
    why_not,
)

_PIECE = 1 << 20

Told = Callable[[str, int], object]
"""Is told the file that is being read, and how many more of its bytes were."""


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

    def __init__(self, file: IO[bytes], path: str, most: int, told: Told) -> None:
        self._file = file
        self._path = path
        self._most = most
        self._told = told
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._most + 1 - self.size))
        self._hash.update(data)
        self.size += len(data)
        self._told(self._path, len(data))
        return data

    def drain(self) -> None:
        while self.read(_PIECE):
            pass

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def verify(package: Package, told: Told = lambda _path, _size: None) -> Verdict:
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
    counted: dict[str, Counted] = {}
    for stated in statement.files:
        if stated.path in package.members:
            found = list(_check(package, stated, dictionary, counted, told))
            verdict.problems += found
            verdict.files.append(CheckedFile(stated, sound=not found))
    verdict.problems += _ledger(statement, _written(statement, counted))
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
    dictionary: Mapping[str, StatedTable],
    counted: dict[str, Counted],
    told: Told,
) -> Iterator[Problem]:
    """Read a file and yield what is wrong with it."""
    path = stated.path
    failed = False
    try:
        with package.members[path]() as file:
            reading = Reading(file, path, stated.bytes, told)
            try:
                if count := counter_of(path):
                    counted[path] = count(reading.read)
            except (Malformed, UnicodeDecodeError, _csv_error()) as error:
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


def _csv_error() -> type[Exception]:
    import csv

    return csv.Error


def _rows(stated: StatedFile, counted: Counted) -> Iterator[Problem]:
    rows = counted.rows.total()
    if rows != stated.row_count:
        yield Problem(stated.path, f"it has {rows:,} rows instead of {stated.row_count:,}")


def _columns(
    stated: StatedFile, counted: Counted, dictionary: Mapping[str, StatedTable]
) -> Iterator[Problem]:
    """Compare the columns that were seen with those that the dictionary names."""
    own = _tables_in(counted.metadata)
    for name, layouts in counted.layouts.items():
        table = own.get(plain(name)) if name else _table_of(stated, dictionary)
        if table is None:
            if dictionary or own:
                yield Problem(stated.path, "the data dictionary does not describe its columns")
            continue
        known = {column.name for column in table.columns}
        seen = {column for layout in layouts for column in layout}
        if unknown := seen - known:
            names = _some(unknown)
            yield Problem(stated.path, f"the data dictionary does not name its columns {names}")
        if any(missing := known - set(layout) for layout in layouts):
            yield Problem(stated.path, f"it lacks columns of the data dictionary: {_some(missing)}")


def _some(names: set[str], most: int = 5) -> str:
    shown = sorted(names)[:most]
    return ", ".join(shown) + (" …" if len(names) > most else "")


def _table_of(stated: StatedFile, dictionary: Mapping[str, StatedTable]) -> StatedTable | None:
    by_stem = dictionary.get(plain(PurePosixPath(stated.path).stem))
    return by_stem or dictionary.get(plain(stated.data_type or WHOLE))


def _dictionary(package: Package, verdict: Verdict) -> dict[str, StatedTable]:
    """Return the described tables by their plain names; a single file has no dictionary."""
    top, _, _ = package.metadata_path.rpartition("/")
    path = f"{top}/{DICTIONARY}" if top else DICTIONARY
    if path not in package.members:
        if verdict.statement.packaging != "ZIP":
            verdict.notes.append("A single file has no data dictionary that could be checked.")
        return {}
    try:
        found = DataDictionary.model_validate(package.json(path))
    except ValidationError as error:
        verdict.problems.append(Problem(path, why_not(error)))
        return {}
    except PackageUnreadable as failure:
        verdict.problems.append(Problem(path, failure.message))
        return {}
    return {plain(name): table for name, table in found.tables.items()}


def _tables_in(metadata: Mapping[str, Any] | None) -> dict[str, StatedTable]:
    """Return the tables that a JSON document describes in itself."""
    described: Any = (metadata or {}).get("columns", {})
    try:
        tables = {name: {"columns": columns} for name, columns in described.items()}
        found = DataDictionary.model_validate({"tables": tables})
    except (ValidationError, AttributeError):
        return {}
    return {plain(name): table for name, table in found.tables.items()}


def _written(statement: Statement, counted: Mapping[str, Counted]) -> Counter[str]:
    """Return how many rows of each type the files hold, by the types' plain names."""
    written = Counter[str]()
    for stated in statement.files:
        if stated.data_type:
            written[plain(stated.data_type)] += stated.row_count
        elif found := counted.get(stated.path):
            written.update({plain(name): rows for name, rows in found.rows.items() if name})
    return written


def _ledger(statement: Statement, written: Mapping[str, int]) -> Iterator[Problem]:
    """Check that nothing of what was selected is unaccounted for."""
    if statement.ledger is None:
        yield from _counts(statement.counts, written)
        return
    for entry in statement.ledger:
        withheld = sum(each.count for each in entry.withheld)
        if entry.selected != entry.written + withheld:
            yield Problem(
                "",
                f"the ledger of {entry.data_type} does not add up: {entry.selected:,} selected, "
                f"{entry.written:,} written, {withheld:,} withheld",
            )
        if (held := written.get(plain(entry.data_type), 0)) != entry.written:
            yield Problem(
                "",
                f"the ledger says that {entry.written:,} rows of {entry.data_type} were written, "
                f"the files hold {held:,}",
            )
    yield from _unlisted([entry.data_type for entry in statement.ledger], written)


def _counts(counts: Mapping[str, int] | None, written: Mapping[str, int]) -> Iterator[Problem]:
    """Check an export without a ledger: all that was selected was written."""
    if counts is None:
        yield Problem("", "there is no ledger: it does not say what was selected")
        return
    for name, selected in counts.items():
        if (held := written.get(plain(name), 0)) != selected:
            yield Problem("", f"{selected:,} rows of {name} were selected, the files hold {held:,}")
    yield from _unlisted(list(counts), written)


def _unlisted(names: Sequence[str], written: Mapping[str, int]) -> Iterator[Problem]:
    listed = set(map(plain, names))
    for name, rows in written.items():
        if name not in listed and rows:
            yield Problem("", f"the files hold {rows:,} rows of {name}, which was not selected")
