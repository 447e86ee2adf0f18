"""Demo data filled by another process, and what lies in them."""

import asyncio
import hashlib
import sqlite3
from pathlib import Path

from server.db import Database
from server.demo import DemoPeople, fill
from server.demo.faults import FAULTS, Fault
from server.migrate import migrate
from server.records import RecordType

FILM = "cmp_dyadvideo01_film"
DYADS = "exp_dyadvideo01"
TABLES = [each.value.model.table_name() for each in RecordType]


def filled(
    folder: Path, *, scale: int = 1, seed: int = 1, storage: Path | None = None
) -> DemoPeople:
    """Migrate and fill a new database in a folder."""

    async def make() -> DemoPeople:
        db = Database(f"sqlite+aiosqlite:///{folder / 'demo.db'}")
        try:
            await migrate(db)
            return await fill(db, storage or folder, scale=scale, seed=seed)
        finally:
            await db.close()

    return asyncio.run(make())


def rows(folder: Path, statement: str, *values: object) -> list[sqlite3.Row]:
    connection = sqlite3.connect(folder / "demo.db")
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def seats_with(folder: Path, *kinds: type[Fault]) -> set[int]:
    """Return the keys of the participants in whose data faults of some kinds are planted."""
    seated = """SELECT p.id FROM participant p JOIN room r ON r.id = p.room_key
        WHERE r.room_id = ? ORDER BY p.id LIMIT 1 OFFSET ?"""
    return {
        rows(folder, seated, f"room_{fault.study.stem}_{fault.room:02}", fault.seat)[0][0]
        for fault in FAULTS
        if isinstance(fault, kinds)
    }


def dump(folder: Path) -> str:
    connection = sqlite3.connect(folder / "demo.db")
    try:  # a migration that writes a table anew puts its constraints and indexes in any order
        lines = "\n".join(connection.iterdump()).split("\n")
        parts = sorted(line.strip(" \t,") for line in lines)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    finally:
        connection.close()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "recordings").iterdir()}
