"""Brings a database to the schema that this version of the code expects."""

import shutil
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db import Database, take_turns

LOCK = 0x48595045
"""The number of PostgreSQL's advisory lock that an upgrade holds."""


class SchemaMismatch(Exception):
    """The database is not at the version that the code expects; the message says what to do."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Return the version that the code expects."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def known_versions() -> set[str]:
    """Return all versions that the code knows."""
    return {each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()}


async def current(db: Database) -> str | None:
    """Return the version that the database has; None for an empty one."""
    async with db.write() as tx:
        return await version_in(tx)


async def version_in(tx: AsyncConnection) -> str | None:
    """Return the version that the database has, as a transaction sees it."""
    return await tx.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())


async def migrate(db: Database) -> bool:
    """Upgrade the database, a copy of an SQLite file kept beside it; say whether it was needed."""
    version = await current(db)
    if version == head():
        return False
    if version is not None and db.file is not None:
        await _keep_copy(db, db.file.with_suffix(f".before-{head()}.db"))
    async with db.write() as tx:
        await take_turns(tx, LOCK)  # servers may start together
        await tx.run_sync(lambda c: command.upgrade(_config(c), "head"))
    return True


async def require_current(db: Database) -> None:
    """Raise SchemaMismatch unless the database is at the version that the code expects."""
    if (version := await current(db)) != head():
        raise SchemaMismatch(
            f"The database is at version {version}, this server needs {head()}: "
            "run `hyperdata migrate` first."
        )


async def _keep_copy(db: Database, copy: Path) -> None:
    assert db.file is not None
    async with db.write():  # nobody writes while the file is copied
        for suffix in ("", "-wal"):
            part, kept = (path.with_name(path.name + suffix) for path in (db.file, copy))
            kept.unlink(missing_ok=True)  # of an attempt before this one
            if part.exists():
                shutil.copyfile(part, kept)
