"""What databases keep of deleted rows, and having them give it up.

SQLite overwrites what is deleted (`secure_delete`), but keeps older pages in the write-ahead log
until that is emptied, and may leave a copy of a row where it moved it from. So the log is emptied,
the file looked through, and written anew only if anything is found. PostgreSQL keeps dead rows
until a VACUUM.
"""

import asyncio
import logging
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.db import Database, Table
from server.erasure.places import PLACES
from server.records.api_keys import ApiKey, ApiKeyAddress
from server.records.participants import Pseudonym
from server.records.tallies import Tally
from server.records.users import User

PATIENCE = 100
"""How often it is tried to empty the log while somebody still reads an older state."""

TRY_AGAIN_SECONDS = 0.1

_BESIDES: tuple[type[Table], ...] = (Pseudonym, User, ApiKey, ApiKeyAddress, Tally)

TOUCHED = tuple(
    dict.fromkeys(each.table_name() for each in (*(place.model for place in PLACES), *_BESIDES))
)
"""The tables from which an erasure takes rows, or in which it changes some."""

log = logging.getLogger(__name__)


class StillRead(Exception):
    """Somebody reads what was before: it cannot be given up yet."""


async def clean(db: Database, probes: Sequence[str]) -> dict[str, Any]:
    """Have nothing be left of deleted rows; return what was done, and how often a probe is found.

    StillRead if somebody reads an older state for too long.
    """
    await settle(db)
    if db.file is None:
        return {"kind": "postgresql", "vacuumed": len(TOUCHED)}
    copies = await asyncio.to_thread(_drop_copies, db.file)
    found = await asyncio.to_thread(_found, db.file, probes)
    rewritten = bool(found)
    if rewritten:
        await db.maintain("VACUUM")
        await settle(db)
        found = await asyncio.to_thread(_found, db.file, probes)
    size = db.file.stat().st_size
    return {
        "kind": "sqlite",
        "searched": size,
        "found": found,
        "rewritten": rewritten,
        "copies": copies,
    }


async def settle(db: Database) -> None:
    """Have the database give up what it keeps of deleted rows; StillRead as `clean`."""
    if db.file is None:
        for table in TOUCHED:
            await db.maintain(f'VACUUM "{table}"')
        return
    for _ in range(PATIENCE):
        [[busy, *_]] = await db.maintain("PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy:
            return
        await asyncio.sleep(TRY_AGAIN_SECONDS)
    raise StillRead


def _found(file: Path, probes: Sequence[str]) -> int:
    """Count where the file, or its log, holds one of some texts."""
    count = 0
    for part in (file, file.with_name(f"{file.name}-wal")):
        if not part.exists() or not part.stat().st_size:
            continue
        with part.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as m:
            for probe in probes:
                count += _count(m, probe.encode("utf-8", "surrogatepass"))
    return count


def _count(within: mmap.mmap, probe: bytes) -> int:
    count, at = 0, within.find(probe)
    while at >= 0:
        count, at = count + 1, within.find(probe, at + 1)
    return count


def _drop_copies(file: Path) -> int:
    """Delete the copies that were made before upgrades: they hold whoever is erased."""
    copies = list(file.parent.glob(f"{file.stem}.before-*.db*"))
    for copy in copies:
        copy.unlink(missing_ok=True)
    if copies:
        log.warning("%d copies from before upgrades were deleted after an erasure", len(copies))
    return len(copies)
