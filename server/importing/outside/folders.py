"""The tables of a folder, or of a ZIP: found, and read without being unpacked."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from server.errors import BadPackage
from server.importing.outside.tables import Row, read_list, read_table, separator_of
from server.importing.packages import Root, Tell

TABLES = (".csv", ".tsv", ".json")


@dataclass(frozen=True)
class Found:
    """A file below a folder; its path begins with the folder's own name."""

    path: PurePosixPath
    at: Root
    size: int

    @property
    def name(self) -> str:
        return self.path.as_posix()

    @property
    def is_table(self) -> bool:
        """Whether its values are texts."""
        return self.path.suffix.lower() != ".json"

    @property
    def separator(self) -> str:
        with self.open() as stream:
            return separator_of(stream.readline().decode("utf-8", "replace"), self.name)

    def open(self) -> IO[bytes]:
        return self.at.open("rb")

    def rows(self, tell: Tell) -> Iterator[tuple[Mapping[str, Any], Row]]:
        """Read its rows, each with what it says of all of them; empty cells are left out."""
        context: Mapping[str, Any] = {}
        if self.is_table:
            separator = self.separator
            with self.open() as stream:
                for row in read_table(stream, self.name, separator, tell):
                    yield context, {name: text for name, text in row.items() if text != ""}
            return
        with self.open() as stream:
            for key, row in read_list(stream, self.name, tell):
                if key == "metadata":
                    context = row
                else:
                    yield context, {name: each for name, each in row.items() if each is not None}


def found_at(path: Path) -> list[Found]:
    """Return the tables and lists at a path, in the order of their names."""
    if path.is_dir():
        every = [
            Found(
                PurePosixPath(path.resolve().name, *each.relative_to(path).parts), each, _size(each)
            )
            for each in path.rglob("*")
            if each.is_file()
        ]
    elif zipfile.is_zipfile(path):
        every = list(_in_archive(path))
    else:
        every = [Found(PurePosixPath(path.resolve().parent.name, path.name), path, _size(path))]
    kept = [each for each in every if each.path.suffix.lower() in TABLES and not _hidden(each.path)]
    return sorted(kept, key=lambda each: each.name)


def _in_archive(path: Path) -> Iterator[Found]:
    archive = zipfile.ZipFile(path)  # open for as long as what is in it may be read
    files = [info for info in archive.infolist() if not info.is_dir()]
    tops = {PurePosixPath(info.filename).parts[:-1][:1] for info in files}
    is_folder = len(tops) == 1 and tops != {()}  # all of it was in one, which it is named by then
    for info in files:
        if info.flag_bits & 1:
            raise BadPackage(f"{path.name} needs a password: unpack it, and import the folder.")
        inside = PurePosixPath(info.filename)
        named = inside if is_folder else PurePosixPath(path.stem, inside)
        yield Found(named, zipfile.Path(archive, info.filename), info.file_size)


def _size(path: Path) -> int:
    return path.stat().st_size


def _hidden(path: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts[1:])
