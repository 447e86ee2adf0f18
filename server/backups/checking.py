"""Whether a database file is whole, and whether a snapshot is what was written."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from server.auditing.checking import Checked, check
from server.backups.snapshots import DATABASE, BackupDamaged, Manifest, manifest_of, sha256_of
from server.db import Database
from server.migrate import version_in


def require_whole(database: Path) -> tuple[str, Checked]:
    """Return the version of a database's tables, and of its audit log what was found.

    BackupDamaged if SQLite, or the log's chain, says that something is wrong.
    """
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as opened:
        found = [line for (line,) in opened.execute("PRAGMA integrity_check(10)")]
        lost = opened.execute("PRAGMA foreign_key_check").fetchone()
    if found != ["ok"] or lost is not None:
        raise BackupDamaged(f"The database in {database.parent} is damaged: SQLite finds faults.")
    version, checked = asyncio.run(_told(f"sqlite+aiosqlite:///{database.absolute()}"))
    if not checked.is_whole or version is None:
        raise BackupDamaged(
            f"The audit log in {database} does not fit together from entry {checked.wrong} on."
        )
    return version, checked


async def _told(url: str) -> tuple[str | None, Checked]:
    db = Database(url)
    try:
        async with db.read() as tx:
            version = await version_in(tx)
        return version, await check(db)
    finally:
        await db.close()


def verify(snapshot: Path) -> Manifest:
    """Read all of a snapshot, and compare; BackupDamaged for the first thing that is wrong."""
    manifest = manifest_of(snapshot)
    for each in manifest.kept:
        path = snapshot / each.path
        if not path.is_file():
            raise BackupDamaged(f"{path} is gone.")
        if path.stat().st_size != each.bytes or sha256_of(path) != each.sha256:
            raise BackupDamaged(f"{path} is not what was written: its SHA-256 differs.")
    _, checked = require_whole(snapshot / DATABASE)
    if (checked.count, checked.newest) != (manifest.entries, manifest.newest):
        raise BackupDamaged(f"The audit log of {snapshot} is not the one that was written.")
    return manifest
