"""An export as it lies on disk: a ZIP, the folder it was unpacked to, or a file and its manifest.

Nothing is ever unpacked. What a package says of itself is read whole, up to a limit; everything
else is opened as a stream.
"""

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import orjson

from server.client.statements import ASIDE, METADATA
from server.errors import ExpectedFailure

_LONGEST_METADATA = 256 << 20
_ENCRYPTED = 1


class PackageUnreadable(ExpectedFailure):
    """It is not a whole export, or none at all."""

    code = "PACKAGE_UNREADABLE"


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be; `path` is the file's, empty for the whole package."""

    path: str
    message: str


@dataclass(frozen=True)
class Package:
    """The files of an export, by the paths that its metadata calls them by.

    `metadata` is what it says of itself, under the path `metadata_path`, and `problems` is what is
    wrong with how it is put together.
    """

    kind: str
    members: dict[str, Callable[[], IO[bytes]]]
    metadata_path: str
    metadata: Any
    problems: list[Problem] = field(default_factory=list[Problem])

    def json(self, path: str) -> Any:  # noqa: ANN401 - whatever is there
        """Return a member that is JSON; PackageUnreadable if it is none, or too long."""
        with self.members[path]() as file:
            return _json(file, path)


def open_package(path: Path, manifest: Path | None = None) -> Package:
    """Look at an export; PackageUnreadable, saying why, if there is none."""
    if path.is_dir():
        return _folder(path)
    if path.name.endswith(ASIDE) and manifest is None:
        path, manifest = path.with_name(path.name.removesuffix(ASIDE)), path
    if not path.is_file():
        raise PackageUnreadable(f"There is no file or folder {path}: check its name.")
    manifest = manifest or path.with_name(path.name + ASIDE)
    if path.suffix.lower() == ".zip" or not manifest.is_file():
        return _archive(path)
    with manifest.open("rb") as file:
        metadata = _json(file, manifest.name)
    name = _only_file(metadata) or path.name  # it may have been renamed since
    return Package("file", {name: lambda: path.open("rb")}, manifest.name, metadata)


def _archive(path: Path) -> Package:
    try:
        archive = ZipFile(path)  # closed with the process: its members are read one by one
    except (BadZipFile, OSError, NotImplementedError) as error:
        raise PackageUnreadable(
            f"{path.name} is not a whole ZIP, nor is a {path.name}{ASIDE} beside it: "
            "if a download broke off, run the same export again to go on with it."
        ) from error
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    members = {entry.filename: _opener(archive, entry) for entry in entries}
    at = _metadata_path(list(members), path.name)
    with members[at]() as file:
        metadata = _json(file, at)
    return Package("ZIP", members, at, metadata, _problems_of(entries))


def _opener(archive: ZipFile, entry: ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(entry)


def _problems_of(entries: Sequence[ZipInfo]) -> list[Problem]:
    found = [Problem(entry.filename, message) for entry in entries if (message := _wrong_in(entry))]
    end = 0
    names = set[str]()
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            found.append(Problem(entry.filename, "its bytes overlap with those of another file"))
        if entry.filename in names:
            found.append(Problem(entry.filename, "it is there more than once"))
        names.add(entry.filename)
        end = entry.header_offset + entry.compress_size
    if entries and min(entry.header_offset for entry in entries) > 0:
        found.append(Problem("", "something stands before its first file"))
    return found


def _wrong_in(entry: ZipInfo) -> str | None:
    """Say what is wrong with a member by what the list of members tells."""
    name = entry.orig_filename
    if name.startswith("/") or "\\" in name or "\0" in name or ":" in name.split("/")[0]:
        return "its path leads out of the folder that it is unpacked to"
    if {"..", ".", ""} & set(name.split("/")):
        return "its path leads out of the folder that it is unpacked to"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "it is a link to another file"
    if entry.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "it is compressed in a way that exports are not"
    return None


def _folder(path: Path) -> Package:
    inside = [path, *sorted(each for each in path.iterdir() if each.is_dir())]
    roots = [root for root in inside if (root / METADATA).is_file()]
    if len(roots) != 1:
        raise PackageUnreadable(
            f"{path} holds {len(roots) or 'no'} {METADATA}: name the folder that one export was "
            "unpacked to."
        )
    [root] = roots
    with (root / METADATA).open("rb") as file:
        metadata = _json(file, METADATA)
    top = _top_of(metadata) or root.name  # the folder may have been renamed since
    problems: list[Problem] = []
    members: dict[str, Callable[[], IO[bytes]]] = {}
    for found in sorted(root.rglob("*")):
        name = f"{top}/{found.relative_to(root).as_posix()}"
        if found.is_symlink():
            problems.append(Problem(name, "it is a link to another file"))
        elif found.is_file():
            members[name] = _file_opener(found)
    return Package("folder", members, f"{top}/{METADATA}", metadata, problems)


def _file_opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _metadata_path(names: Sequence[str], archive: str) -> str:
    found = [
        name
        for name in names
        if PurePosixPath(name).name == METADATA and len(PurePosixPath(name).parts) <= 2
    ]
    if len(found) != 1:
        raise PackageUnreadable(
            f"{archive} holds {len(found) or 'no'} {METADATA} at its top: it is no export of "
            "this software, or not a whole one."
        )
    return found[0]


def _json(file: IO[bytes], name: str) -> Any:  # noqa: ANN401 - whatever is there
    try:
        text = file.read(_LONGEST_METADATA + 1)
        if len(text) <= _LONGEST_METADATA:
            return orjson.loads(text)
    except (*UNREADABLE, orjson.JSONDecodeError) as error:
        raise PackageUnreadable(f"{name} cannot be read: it is damaged.") from error
    raise PackageUnreadable(f"{name} is too long to be what an export says of itself.")


UNREADABLE = (BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What reading a member raises when the ZIP or the disk is damaged."""


def _only_file(metadata: Any) -> str | None:  # noqa: ANN401 - any JSON
    match metadata:
        case {"files": [{"path": str(path)}]}:
            return path
        case _:
            return None


def _top_of(metadata: Any) -> str | None:  # noqa: ANN401 - any JSON
    match metadata:
        case {"title": str(title)}:
            return title
        case _:
            return None
