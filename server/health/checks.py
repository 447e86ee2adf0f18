"""What a server needs to do its work, asked for: each check returns what is wrong, in words."""

import asyncio
from collections.abc import Awaitable
from functools import cache
from secrets import token_hex

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from server.db import Database
from server.migrate import head, version_in
from server.records.users import User
from server.storage import PROBES, Storage

PATIENCE = 2.0
"""How long a check may take, in seconds."""

NOBODY = "There is no account, so nobody can enter: see `hyperdata users add --help`."

needed = cache(head)


async def database(db: Database) -> str | None:
    """Ask the database for anything."""
    async with db.read() as tx:
        await tx.execute(text("SELECT 1"))
    return None


async def schema(db: Database) -> str | None:
    """Compare the version of the database's schema with the one that the code expects."""
    async with db.read() as tx:
        version = await version_in(tx)
    if version == needed():
        return None
    return f"The database is at version {version}, this server needs {needed()}."


async def storage(store: Storage) -> str | None:
    """Write a small file, read it and delete it."""
    key, written = f"{PROBES}{token_hex(8)}", token_hex(8).encode()
    try:
        await store.put(key, written)
        read = b"".join([chunk async for chunk in store.stream(key)])
    finally:
        await store.delete(key)
    return None if read == written else "What was written is not what is read."


async def accounts(db: Database) -> str | None:
    """Ask whether there is anybody who could enter."""
    async with db.read() as tx:
        found = await tx.scalar(select(col(User.id)).limit(1))
    if found is not None:
        return None
    return NOBODY


async def made(check: Awaitable[str | None], patience: float | None = None) -> str | None:
    """Make a check; whatever it raises is what is wrong, by its kind alone."""
    patience = PATIENCE if patience is None else patience
    try:
        async with asyncio.timeout(patience):
            return await check
    except TimeoutError:
        return f"No answer within {patience:g} seconds."
    except DBAPIError as error:
        return f"The database refuses: {type(error.orig).__name__}."
    except Exception as error:
        return f"It fails: {type(error).__name__}."
