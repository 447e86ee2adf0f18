"""What lies at a path: told by what it holds, or by the person."""

import zipfile
from enum import StrEnum
from pathlib import Path

from server.errors import BadUserInput
from server.importing.outside.bids import BidsEvents
from server.importing.outside.bids_files import is_dataset
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
    if not path.exists() or _has_metadata(path):
        return SourceKind.EXPORT
    if is_dataset(path):
        return SourceKind.BIDS
    if (path.is_dir() or zipfile.is_zipfile(path)) and any(
        kind_of(each.path) is not None for each in found_at(path)
    ):
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


def _has_metadata(path: Path) -> bool:
    """Tell our own exports by what they say of themselves, whole or not."""
    try:
        if path.is_dir():
            named = [path / "metadata.json", *path.glob("*/metadata.json")]
            texts = [each.read_bytes() for each in named if each.is_file()]
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if name.endswith("metadata.json")]
                texts = [archive.read(name) for name in names]
        else:
            return False
    except (OSError, zipfile.BadZipFile):
        return True
    return any(b'"formatVersion"' in text for text in texts)
