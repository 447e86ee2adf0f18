"""A data folder made of a snapshot: all of it, or nothing."""

from pathlib import Path

from server.backups.checking import require_whole
from server.backups.snapshots import (
    DATABASE,
    BackupDamaged,
    Manifest,
    copied,
    manifest_of,
    removed,
    settled,
)
from server.errors import AlreadyThere


def restore(snapshot: Path, data_dir: Path) -> Manifest:
    """Make a data folder, each byte compared on its way.

    AlreadyThere if there is anything in it; BackupDamaged if the snapshot is not what was written.
    """
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise AlreadyThere(
            f"{data_dir} is not empty, and nothing is overwritten: name a new folder."
        )
    manifest = manifest_of(snapshot)
    draft = data_dir.absolute().with_name(f".{data_dir.name}.restoring")
    removed(draft)
    draft.mkdir(parents=True, mode=0o700)
    try:
        for each in manifest.kept:
            try:
                came = copied(snapshot / each.path, draft / each.path)
            except OSError as error:
                raise BackupDamaged(f"{snapshot / each.path} cannot be read.") from error
            if (came.bytes, came.sha256) != (each.bytes, each.sha256):
                raise BackupDamaged(
                    f"{snapshot / each.path} is not what was written: take another snapshot."
                )
        require_whole(draft / DATABASE)
        settled(draft)
        draft.rename(data_dir)  # an empty folder may be in its place
    finally:
        removed(draft)
    return manifest
