"""Making a snapshot while the server goes on serving.

Files are copied first, then the database at one moment, then the files that came meanwhile: so a
row names no file that is not there. A file that came and went in between would be missed, so the
names in the database are looked up at the end, and all is done once more if one is missing. What
was deleted while the files were copied goes from the snapshot, too: it may be of somebody erased.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from server.backups.checking import require_whole
from server.backups.snapshots import (
    DATABASE,
    FILES,
    SECRET,
    UNFINISHED,
    Kept,
    Manifest,
    copied,
    manifest_of,
    removed,
    settled,
    sha256_of,
    snapshots_in,
)
from server.errors import AlreadyThere
from server.export.versions import software
from server.storage import UNFINISHED_FILE

_TIMES = 2
"""How often it is tried again to have every file that a row names."""

_NAMED = (
    "SELECT storage_key FROM recording WHERE storage_key IS NOT NULL",
    "SELECT storage_key FROM export WHERE status = 'COMPLETED'",
    "SELECT json_extract(content, '$.storage_key') FROM sealed_record WHERE data_type = "
    "'RECORDINGS' AND json_extract(content, '$.storage_key') IS NOT NULL",
)

Tell = Callable[[str], object]


class Making:
    """One snapshot, from a data folder into a folder of snapshots."""

    def __init__(self, database: Path, files: Path, secret: Path, into: Path) -> None:
        self._database = database
        self._files = files
        self._secret = secret
        self._into = into
        self._draft = into / UNFINISHED
        self._kept: dict[str, Kept] = {}
        self._before = _last(into)

    def make(self, tell: Tell) -> tuple[Path, Manifest]:
        """Return the finished snapshot; OSError if something cannot be read or written."""
        self._into.mkdir(parents=True, exist_ok=True, mode=0o700)
        removed(self._draft)
        self._draft.mkdir(mode=0o700)
        tell("Copying files")
        self._copy_files()
        named = self._moment(tell)
        for _ in range(_TIMES):
            if named <= self._kept.keys():
                break
            named = self._moment(tell)
        self._forget(named)
        tell("Checking the copy")
        version, checked = require_whole(self._draft / DATABASE)
        manifest = Manifest(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            software=software(),
            schema=version,
            entries=checked.count,
            newest=checked.newest,
            kept=(*self._beside(), *(self._kept[key] for key in sorted(self._kept))),
            missing=tuple(sorted(named - self._kept.keys())),
        )
        manifest.write(self._draft)
        settled(self._draft)
        return self._finished(), manifest

    def _moment(self, tell: Tell) -> set[str]:
        """Copy the database, and what files came until then; return those that its rows name."""
        tell("Copying the database")
        self._copy_database()
        self._copy_files()
        return self._named()

    def _finished(self) -> Path:
        snapshot = self._into / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
        if snapshot.exists():
            raise AlreadyThere(f"{snapshot} is there already: try again.")
        self._draft.rename(snapshot)
        handle = os.open(self._into, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return snapshot

    def _copy_database(self) -> None:
        """Copy the database as of one moment; whoever writes goes on meanwhile."""
        target = self._draft / DATABASE
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        source = f"{self._database.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(source, uri=True, timeout=60)) as read,
            closing(sqlite3.connect(target)) as written,
        ):
            read.backup(written)
            written.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it

    def _copy_files(self) -> None:
        """Copy what is there by now, and was not copied yet: no file is ever changed."""
        for key in self._listed():
            if key not in self._kept:
                try:
                    self._kept[key] = self._taken(key)
                except FileNotFoundError:  # it was deleted just now
                    (self._draft / FILES / key).unlink(missing_ok=True)

    def _taken(self, key: str) -> Kept:
        source, target = self._files / key, self._draft / FILES / key
        if (linked := self._linked(key, source, target)) is not None:
            return linked
        kept = copied(source, target)
        stat = source.stat()
        os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return Kept(f"{FILES}/{key}", kept.bytes, kept.sha256)

    def _linked(self, key: str, source: Path, target: Path) -> Kept | None:
        """Give the same file of the snapshot before another name; None if there is no such file."""
        path = f"{FILES}/{key}"
        if self._before is None or (known := self._before[1].get(path)) is None:
            return None
        theirs, ours = (self._before[0] / path), source.stat()
        if not theirs.exists():
            return None
        stat = theirs.stat()
        if (stat.st_size, stat.st_mtime_ns) != (ours.st_size, ours.st_mtime_ns):
            return None
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            os.link(theirs, target)
        except OSError:  # not on this disk
            return None
        return known

    def _listed(self) -> set[str]:
        return {
            Path(place, name).relative_to(self._files).as_posix()
            for place, _folders, names in os.walk(self._files)
            for name in names
            if not UNFINISHED_FILE.search(name) and not place.endswith("/probes")
        }

    def _named(self) -> set[str]:
        """Return the files that rows of the copy name."""
        with closing(sqlite3.connect(self._draft / DATABASE)) as db:
            return {key for statement in _NAMED for (key,) in db.execute(statement)}

    def _forget(self, named: set[str]) -> None:
        """Leave out what was deleted meanwhile, unless the copy's rows name it."""
        for key in self._kept.keys() - named - self._listed():
            del self._kept[key]
            (self._draft / FILES / key).unlink()

    def _beside(self) -> list[Kept]:
        """Return what else a snapshot holds."""
        database = self._draft / DATABASE
        found = [Kept(DATABASE, database.stat().st_size, sha256_of(database))]
        if self._secret.exists():
            kept = copied(self._secret, self._draft / SECRET)
            found.append(Kept(SECRET, kept.bytes, kept.sha256))
        return found


def _last(folder: Path) -> tuple[Path, dict[str, Kept]] | None:
    found = snapshots_in(folder)
    if not found:
        return None
    return found[-1], {each.path: each for each in manifest_of(found[-1]).kept}


def thinned(folder: Path, keep: int) -> int:
    """Remove all but some snapshots, the newest; return how many went."""
    old = snapshots_in(folder)[:-keep]
    for snapshot in old:
        gone = snapshot.with_name(f".removed-{snapshot.name}")
        snapshot.rename(gone)
        removed(gone)
    return len(old)
