"""A copy from its beginning, or from where it was broken off, to the comparison of both sides."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from server.auditing.checking import check
from server.copying.canonical import print_of
from server.copying.rows import count, highest, read, write
from server.copying.tables import CopiedTable, copied_tables
from server.copying.target import LOCK, begin, finish, given_keys, go_on_from
from server.db import Database, take_turns
from server.errors import ExpectedFailure

Begin = Callable[[str, int], Callable[[int], object]]
"""Is told what begins, and of how many rows; returns what is told of each some more."""


class CopyDiffers(ExpectedFailure):
    """The copy is not what its source is."""

    code = "COPY_DIFFERS"


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: rows by table, where there are any, and whether it was gone on with."""

    rows: dict[str, int]
    entries: int
    resumed: bool


async def copy(source: Database, target: Database, watch: Begin) -> Copied:
    """Copy all rows, as they are at one moment, and compare both databases.

    AlreadyThere if the target holds others; CopyDiffers if what arrived is not what was sent.
    """
    tables = copied_tables()
    resumed = await begin(target, source.url, tables)
    async with source.read() as tx:
        total = sum([await count(tx, table) for table in tables if not table.is_derived])
        tell = watch("Copying", total)
        for table in tables:
            if not table.is_derived:
                await _copy(tx, table, target, tell)
        await _continue_keys(tx, tables, target)
        found = await _compared(tx, target, tables, watch("Comparing", 2 * total))
    checked = await check(target)
    if not checked.is_whole:
        raise CopyDiffers(
            f"The audit log of the copy does not fit together from entry {checked.wrong} on: does "
            "it in the source? `hyperdata audit verify` tells."
        )
    await finish(target)
    return Copied(found, checked.count, resumed)


async def _copy(
    source: AsyncConnection, table: CopiedTable, target: Database, tell: Callable[[int], object]
) -> None:
    """Copy what there is not yet of a table."""
    async with target.read() as tx:
        there = await count(tx, table)
        after = await highest(tx, table) if table.is_long else 0
    tell(there)
    if table.is_long:
        async for rows in read(source, table, after):
            async with target.write() as tx:
                await take_turns(tx, LOCK)
                await write(tx, table, rows)
            tell(len(rows))
    elif not there:
        async with target.write() as tx:
            await take_turns(tx, LOCK)
            async for rows in read(source, table):
                await write(tx, table, rows)
                tell(len(rows))


async def _continue_keys(
    source: AsyncConnection, tables: list[CopiedTable], target: Database
) -> None:
    """Have the target give no key that the source has given, be its row there or not."""
    async with target.write() as tx:
        for table in tables:
            if table.is_long:
                given = await given_keys(source, table)
                await go_on_from(tx, table, max(given, await highest(tx, table)))


async def _compared(
    source: AsyncConnection,
    target: Database,
    tables: list[CopiedTable],
    tell: Callable[[int], object],
) -> dict[str, int]:
    """Return how many rows each table has on both sides; CopyDiffers if they are not the same."""
    found: dict[str, int] = {}
    async with target.read() as tx:
        for table in tables:
            sent = await print_of(source, table, tell)
            arrived = await print_of(tx, table, tell)
            if sent != arrived:
                raise CopyDiffers(
                    f"`{table.name}` has {sent.rows:,} rows in the source and {arrived.rows:,} in "
                    "the copy, or others: was the source written to while it was copied? Stop its "
                    "servers, and copy into a new database."
                )
            found[table.name] = sent.rows
    return {name: rows for name, rows in found.items() if rows}
