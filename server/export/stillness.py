"""A moment in which nobody writes some tables, so that what is there is all that will be."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from server.db import Stored
from server.errors import Busy

LOCK_MILLISECONDS = 500
"""How long one attempt may hold up writers: less than PostgreSQL waits before it looks for a
deadlock (a second), so that of two who wait for each other, it is never the writer that fails."""

PATIENCE_SECONDS = 20.0

_LOCKED_BY_OTHERS = ("55P03", "40P01")


@asynccontextmanager
async def still(tx: AsyncConnection, models: Sequence[type[Stored]]) -> AsyncGenerator[None]:
    """Keep writers out of some tables during the block; Busy if they leave no moment for it.

    In a transaction that writes: who only reads, to foresee an export, needs no more than what is
    there. On SQLite that is all, for there is one writer. PostgreSQL hands
    out keys before their rows are committed, so that rows with lower keys than the highest may
    still appear: SHARE locks wait until whoever has written is done. They are given back at the
    end of the block, not of the transaction, by undoing to a savepoint.
    """
    options = await tx.run_sync(lambda connection: connection.get_execution_options())
    if tx.dialect.name != "postgresql" or options.get("postgresql_readonly"):
        yield
        return
    savepoint = await _locked(tx, models)
    try:
        yield
    finally:
        await savepoint.rollback()


async def _locked(tx: AsyncConnection, models: Sequence[type[Stored]]) -> AsyncTransaction:
    """Lock tables, in the order given; return what gives the locks back."""
    tables = ", ".join(f'"{model.table_name()}"' for model in models)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        savepoint = await tx.begin_nested()
        try:
            await tx.execute(text(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"))
            await tx.execute(text(f"LOCK TABLE {tables} IN SHARE MODE"))
        except DBAPIError as error:
            await savepoint.rollback()
            if getattr(error.orig, "sqlstate", None) not in _LOCKED_BY_OTHERS:
                raise
            if time.monotonic() > give_up_at:
                raise Busy(
                    "Data is being stored without a pause, so that there is no moment to export "
                    "from: try again in a minute."
                ) from error
        else:
            return savepoint
        await asyncio.sleep(LOCK_MILLISECONDS / 1000)  # for the writers who had to wait meanwhile
