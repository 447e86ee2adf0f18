"""Dropping what an experiment has in a partition of its own: at once, however much it is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.partitions.tables import own_of
from server.records import RecordType
from server.records.tallies import Tally

LOCK_MILLISECONDS = 200
"""How long readers may be held up by one attempt to have a table alone."""

AGAIN_SECONDS = 2.0
"""How long they are then left in peace."""

_LOCKED_BY_OTHERS = ("55P03", "40P01")

_CHANGED = text("""INSERT INTO revision (experiment_key, number) VALUES (:key, 1)
    ON CONFLICT (experiment_key) DO UPDATE SET number = revision.number + 1""")


class Held(Exception):
    """Somebody reads, or writes, what is to be taken alone: try again in AGAIN_SECONDS."""


@asynccontextmanager
async def alone(tx: AsyncConnection, *tables: str) -> AsyncGenerator[None]:
    """Have tables alone from here to the end of the transaction; Held if others have them.

    Of partitioned tables, not their partitions. What others hold meanwhile is waited for briefly,
    for whoever comes later waits behind us.
    """
    try:
        async with tx.begin_nested():
            await tx.execute(text(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"))
            for table in tables:
                await tx.execute(text(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE"))
            yield
            await tx.execute(text("SET LOCAL lock_timeout = 0"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _LOCKED_BY_OTHERS:
            raise Held from error
        raise


async def drop(tx: AsyncConnection, record_type: RecordType, experiment_key: int) -> int:
    """Drop an experiment's own partition, and its tallies; return how many rows it had.

    Held if somebody reads the table just then. No trigger is called: its work is done here.
    """
    name = record_type.value.model.table_name()
    own = own_of(record_type, experiment_key)
    which = (
        col(Tally.experiment_key) == experiment_key,
        col(Tally.data_type) == record_type.name,
    )
    async with alone(tx, name, own):
        gone = await tx.scalar(select(func.sum(col(Tally.record_count))).where(*which))
        await tx.execute(text(f"DROP TABLE {own}"))
    await tx.execute(delete(Tally).where(*which))
    await tx.execute(_CHANGED, {"key": experiment_key})
    return int(gone or 0)
