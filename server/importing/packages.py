"""Packages of files: a ZIP of ours, or the folder that was unpacked from one."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import orjson

from server.column_types import dump_json
from server.errors import BadPackage
from server.export.arrow import Columns, pa
from server.export.tables import Kind
from server.importing.formats import READERS
from server.importing.json_rows import columns_of
from server.importing.media import MediaFile
from server.importing.metadata import (
    File,
    Metadata,
    is_guarded,
    layouts,
    read_metadata,
    record_target,
)
from server.importing.targets import EXPERIMENTS, PARTICIPANTS, ROOMS, Target

_CHUNK = 1 << 20
_IN_ROOMS = 3
"""Parts of a path that leads into a folder of a room, at least: what is no table there is media."""

_KINDS = EXPERIMENTS.kinds

Root = zipfile.Path | Path
Tell = Callable[[int], None]
"""Is told of how much more was done."""


@dataclass(frozen=True)
class Places:
    """The experiments, rooms and participants of a package, in the order in which they are made."""

    experiments: Columns
    rooms: Columns
    participants: Columns

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many there are of each."""
        experiments, rooms, participants = (
            len(next(iter(rows.values()), ()))
            for rows in (self.experiments, self.rooms, self.participants)
        )
        return experiments, rooms, participants


class Package(Protocol):
    """What is to be imported."""

    metadata: Metadata
    size: int
    """How much there is to check; `check` tells of its parts."""
    media: int
    """How many files are no tables: nothing is done with them."""

    def check(self, tell: Tell) -> None:
        """Raise BadPackage unless everything is there, and is what was exported."""
        ...

    def places(self) -> Places: ...

    def records(self) -> Iterator[tuple[Target, Columns]]:
        """Read all records, in parts, in the order of the files."""
        ...

    def files(self) -> list[MediaFile]:
        """Return the files of recordings."""
        ...


class FilePackage:
    """A package of files below a folder, which may lie in a ZIP."""

    def __init__(self, folder: Root) -> None:
        self._folder = folder
        self.metadata = read_metadata(self._json("metadata.json"))
        self._files = {_inside(file): file for file in self.metadata.files}
        self.size = sum(file.bytes for file in self.metadata.files)
        self.media = len(self.files())
        self._ending = self.metadata.format.lower()
        self._read = READERS[self.metadata.format]

    def check(self, tell: Tell) -> None:
        for path, file in self._files.items():
            digest = hashlib.sha256()
            with _reading(file.path), (self._folder / path).open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    tell(len(chunk))
            if digest.hexdigest() != file.sha256:
                raise BadPackage(f"{file.path} is not what was exported: it was changed since.")
        guarded = is_guarded(self._json("data_dictionary.json"))
        self._layouts = layouts(self.metadata, guarded=guarded)

    def places(self) -> Places:
        if not self.metadata.experiments:
            raise BadPackage("metadata.json does not say what the experiments are.")
        with _reading("metadata.json"):
            experiments = columns_of(list(map(_as_read, self.metadata.experiments)), _KINDS)
        return Places(experiments, self._table(ROOMS), self._table(PARTICIPANTS))

    def records(self) -> Iterator[tuple[Target, Columns]]:
        for path, file in self._files.items():
            if file.data_type is not None:
                target = record_target(file)
                for rows in self._rows(path, file, target):
                    yield target, rows

    def files(self) -> list[MediaFile]:
        return [
            MediaFile(path, self._folder / path, file.sha256)
            for path, file in self._files.items()
            if file.data_type is None and len(path.parts) >= _IN_ROOMS
        ]

    def _table(self, target: Target) -> Columns:
        """Read a table of places: there is a file of it for each experiment."""
        name = f"{target.stem}.{self._ending}"
        parts = [
            pa.table(rows)
            for path, file in self._files.items()
            if file.data_type is None and path.name == name and len(path.parts) < _IN_ROOMS
            for rows in self._rows(path, file, target)
        ]
        if not parts:
            return {}
        whole = pa.concat_tables(parts).combine_chunks()
        return dict(zip(whole.column_names, whole.columns, strict=True))

    def _rows(self, path: PurePosixPath, file: File, target: Target) -> Iterator[Columns]:
        count = 0
        with _reading(file.path), (self._folder / path).open("rb") as stream:
            for rows in self._read(stream, self._layouts[target.name]):
                count += len(next(iter(rows.values())))
                yield rows
        if count != file.row_count:
            raise BadPackage(f"{file.path} has {count} rows, and should have {file.row_count}.")

    def _json(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        with _reading(name):
            return orjson.loads((self._folder / name).read_bytes())


def _as_read(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment's row as other files would give it: what is nested, as text."""
    nested = {name for name, kind in _KINDS.items() if kind is Kind.JSON}
    return {name: dump_json(value) if name in nested else value for name, value in row.items()}


def _inside(file: File) -> PurePosixPath:
    """Return where a file lies below the package's folder, whatever that is called by now."""
    path = PurePosixPath(*PurePosixPath(file.path).parts[1:])
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BadPackage(f"metadata.json names {file.path!r}, which is not in the package.")
    return path


@contextmanager
def _reading(path: str) -> Generator[None]:
    """Tell of whatever goes wrong with a file in a sentence."""
    try:
        yield
    except FileNotFoundError as missing:
        raise BadPackage(f"{path} is not there: the package is not whole.") from missing
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as broken:
        raise BadPackage(f"{path} cannot be read to its end: the package is damaged.") from broken
    except ValueError as wrong:
        raise BadPackage(f"{path} is not as exports write it.") from wrong


@contextmanager
def opened(path: Path) -> Generator[Root]:
    """Open a ZIP or a folder, at the folder that holds `metadata.json`."""
    if path.is_dir():
        yield _top(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as broken:
        raise BadPackage(f"{path.name} is no whole ZIP: was it downloaded to its end?") from broken
    with archive:
        yield _top(zipfile.Path(archive))


def _top(root: Root) -> Root:
    folders: list[Root] = [root, *root.iterdir()]
    for folder in folders:
        if folder.is_dir() and (folder / "metadata.json").is_file():
            return folder
    raise BadPackage("There is no metadata.json: this is no export of HyperStudy Data.")
