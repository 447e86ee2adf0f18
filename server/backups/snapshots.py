"""What a backup looks like: a folder of snapshots, each whole in itself.

    2026-11-29T203000Z/
        hyperdata.db      the database as of one moment
        files/…           every file that its rows name, and what else the store held
        secret            what signs links and receipts, unless the operator keeps it elsewhere
        manifest.json     sizes and SHA-256s of all that; written last

A file whose bytes the snapshot before has already is a second name of the same bytes, so a
snapshot costs what is new. One that was broken off is called `.unfinished`, and made anew.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from server.errors import ExpectedFailure

DATABASE, FILES, SECRET, MANIFEST = "hyperdata.db", "files", "secret", "manifest.json"
UNFINISHED = ".unfinished"
FORMAT = 1
_PIECE = 1 << 20


class BackupDamaged(ExpectedFailure):
    """A snapshot is not what was written, or none is there."""

    code = "BACKUP_DAMAGED"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a snapshot: where it lies there, its size in bytes, and its SHA-256."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds.

    schema   the version of the database's tables
    entries  how many entries the audit log has, and the hash of the newest
    missing  files that rows name and the store does not have
    """

    created_at: str
    software: str
    schema: str
    entries: int
    newest: str
    kept: tuple[Kept, ...]
    missing: tuple[str, ...]

    def write(self, snapshot: Path) -> None:
        """Write it, so that a snapshot is one."""
        path = snapshot / MANIFEST
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False)
        with path.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())


def manifest_of(snapshot: Path) -> Manifest:
    """Read what a snapshot holds; BackupDamaged if that cannot be told."""
    try:
        told: dict[str, Any] = json.loads((snapshot / MANIFEST).read_text("utf-8"))
        if told.pop("format") != FORMAT:
            raise BackupDamaged(f"{snapshot} was written by a newer version: use that one.")
        kept = tuple(Kept(**each) for each in told.pop("kept"))
        missing = tuple(told.pop("missing"))
        manifest = Manifest(kept=kept, missing=missing, **told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupDamaged(f"{snapshot} is no whole snapshot: its manifest.json fails.") from error
    if any(Path(each.path).is_absolute() or ".." in Path(each.path).parts for each in kept):
        raise BackupDamaged(f"The manifest of {snapshot} names files outside of it.")
    return manifest


def snapshots_in(folder: Path) -> list[Path]:
    """Return the snapshots of a folder, the oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def newest_of(folder: Path) -> Path:
    """Return a snapshot itself, or the newest in a folder of them; BackupDamaged if none is."""
    if (folder / MANIFEST).exists():
        return folder
    found = snapshots_in(folder)
    if not found:
        raise BackupDamaged(f"There is no snapshot in {folder}.")
    return found[-1]


def copied(source: Path, target: Path) -> Kept:
    """Copy a file, making certain that it is on disk; its path is that of the target, whole."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as read, _new(target) as written:
        for piece in _pieces(read):
            digest.update(piece)
            size += len(piece)
            written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    return Kept(str(target), size, digest.hexdigest())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settled(folder: Path) -> None:
    """Make certain that a folder's names are on disk, and of all below it."""
    for place, _folders, _files in os.walk(folder):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def removed(folder: Path) -> None:
    """Remove a folder with all in it; there need not be one."""
    shutil.rmtree(folder, ignore_errors=True)


def _new(path: Path) -> Any:  # noqa: ANN401 - a file
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _pieces(file: Any) -> Iterator[bytes]:  # noqa: ANN401 - a file
    while piece := file.read(_PIECE):
        yield piece
