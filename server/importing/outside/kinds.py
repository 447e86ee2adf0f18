"""What lies at a path: told by what it holds, or by the person."""

import zipfile
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePath

from server.errors import BadUserInput
from server.importing.outside.bids import BidsEvents
from server.importing.outside.bids_files import is_dataset, is_events
from server.importing.outside.folders import found_at
from server.importing.outside.hyperstudy import HyperStudyFiles
from server.importing.outside.hyperstudy_fields import kind_of
from server.importing.outside.mapped import MappedTables
from server.importing.outside.sources import Source, Wishes


class SourceKind(StrEnum):
    """What can be imported."""

    EXPORT = "export"
    HYPERSTUDY = "hyperstudy"
    BIDS = "bids"
    TABLE = "table"


def kind_at(path: Path, mapping: Path | None) -> SourceKind:
    """Tell what lies at a path: what is nothing else is to be an export of ours."""
    if mapping is not None:
        return SourceKind.TABLE
    if not path.exists() or _is_ours(path):
        return SourceKind.EXPORT
    if is_dataset(path):
        return SourceKind.BIDS
    if path.is_dir() or zipfile.is_zipfile(path):
        found = found_at(path)
        if any(is_events(each.path.name) for each in found):
            raise BadUserInput("That is BIDS in a ZIP: unpack it, and import its folder.", ["path"])
        if any(kind_of(each.path) is not None for each in found):
            return SourceKind.HYPERSTUDY
    return SourceKind.EXPORT


def source_of(kind: SourceKind, path: Path, mapping: Path | None, wishes: Wishes) -> Source:
    """Open data from elsewhere."""
    if not path.exists():
        raise BadUserInput(f"There is nothing at {path}.", ["path"])
    if kind is SourceKind.TABLE:
        if mapping is None:
            raise BadUserInput(
                "Say which column is which field: `--mapping`, with a file.", ["mapping"]
            )
        return MappedTables(path, mapping, wishes)
    return BidsEvents(path, wishes) if kind is SourceKind.BIDS else HyperStudyFiles(path, wishes)


def _is_ours(path: Path) -> bool:
    """Tell our own exports by what they say of themselves, whole or not."""
    try:
        if path.is_dir():
            files = [*path.glob("*.json"), *path.glob("*/*.json")]
            return any(_tells(each.name, each.read_bytes) for each in files)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                return any(
                    _tells(PurePath(name).name, partial(archive.read, name)) for name in names
                )
    except (OSError, zipfile.BadZipFile):
        return True
    return False


def _tells(name: str, read: Callable[[], bytes]) -> bool:
    return name == "data_dictionary.json" or (
        name == "metadata.json" and b'"formatVersion"' in read()
    )
