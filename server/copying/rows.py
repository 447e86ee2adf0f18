"""Rows out of either kind of database, and into either."""

import re
from collections.abc import AsyncIterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.copying.tables import CopiedTable
from server.errors import BadUserInput

Values = tuple[Any, ...]

AT_ONCE = 5_000
"""How many rows are in memory, and in a transaction."""

_MOST_VALUES = 30_000
"""SQLite takes 32,766 values in a statement."""

_SPACES = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')
_NUL = re.compile(r"\\u0000|\\ud[89a-f]", re.IGNORECASE)
_NO_SUCH_TEXT = ("22021", "22P05")


async def read(
    tx: AsyncConnection, table: CopiedTable, after: int = 0
) -> AsyncIterator[list[Values]]:
    """Yield a table's rows, those with a key in its order and from one on."""
    reading = _from_sqlite if tx.dialect.name == "sqlite" else _from_postgres
    async for rows in reading(tx, table, after):
        yield rows


async def _from_sqlite(
    tx: AsyncConnection, table: CopiedTable, after: int
) -> AsyncIterator[list[Values]]:
    statement = select(*table.clause.columns)
    if table.is_long:
        key = table.clause.columns["id"]
        statement = statement.where(key > after).order_by(key)
    found = await tx.stream(statement.execution_options(yield_per=AT_ONCE))
    async for rows in found.partitions():
        yield [tuple(row) for row in rows]


async def _from_postgres(
    tx: AsyncConnection, table: CopiedTable, after: int
) -> AsyncIterator[list[Values]]:
    """Read by a cursor past SQLAlchemy, which fetches fifty rows at a time."""
    shown = (f"{name}::text" if name in table.json else name for name in table.columns)
    statement = f'SELECT {", ".join(shown)} FROM "{table.name}"'  # noqa: S608 - names of ours
    if table.is_long:
        statement += f" WHERE id > {after} ORDER BY id"
    await tx.execute(select(1))  # which begins the transaction
    raw: Any = (await tx.get_raw_connection()).driver_connection
    cursor = await raw.cursor(statement)
    places = [at for at, name in enumerate(table.columns) if name in table.json]
    while rows := await cursor.fetch(AT_ONCE):
        yield [_compact(row, places) for row in rows] if places else [tuple(row) for row in rows]


def _compact(row: Sequence[Any], places: Sequence[int]) -> Values:
    """Leave out the spaces that PostgreSQL puts between the parts of a JSON document."""
    values = list(row)
    for place in places:
        if values[place] is not None:
            values[place] = _SPACES.sub(r"\1", values[place])
    return tuple(values)


async def write(tx: AsyncConnection, table: CopiedTable, rows: Sequence[Values]) -> None:
    """Insert rows; BadUserInput for a text that PostgreSQL cannot keep."""
    if tx.dialect.name == "sqlite":
        await _into_sqlite(tx, table, rows)
        return
    await tx.execute(select(1))  # which begins the transaction: COPY itself does not
    raw: Any = (await tx.get_raw_connection()).driver_connection
    try:
        await raw.copy_records_to_table(table.name, records=rows, columns=table.columns)
    except Exception as error:
        if getattr(error, "sqlstate", None) in _NO_SUCH_TEXT:
            raise _unkept(table, rows) from error
        raise


async def _into_sqlite(tx: AsyncConnection, table: CopiedTable, rows: Sequence[Values]) -> None:
    names = ", ".join(table.columns)
    one = f"({', '.join('?' * len(table.columns))})"
    head = f'INSERT INTO "{table.name}" ({names}) VALUES '  # noqa: S608 - names of ours
    at_once = _MOST_VALUES // len(table.columns)
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        values = tuple(chain.from_iterable(some))
        await tx.exec_driver_sql(head + ", ".join([one] * len(some)), values)


def _unkept(table: CopiedTable, rows: Sequence[Values]) -> BadUserInput:
    """Say which row holds what PostgreSQL has no text for."""
    for row in rows:
        for name, value in zip(table.columns, row, strict=True):
            if isinstance(value, str) and (
                "\0" in value or (name in table.json and _NUL.search(value))
            ):
                which = f"id {row[table.columns.index('id')]}" if table.is_long else "a row"
                return BadUserInput(
                    f"PostgreSQL cannot keep the character U+0000, or half of a character, that "
                    f"`{name}` holds in {which} of `{table.name}`: take it out there, and run the "
                    "same again, which goes on from there."
                )
    return BadUserInput(f"PostgreSQL cannot keep a text of `{table.name}`.")


async def count(tx: AsyncConnection, table: CopiedTable) -> int:
    """Return how many rows a table has."""
    found = await tx.scalar(select(func.count()).select_from(table.clause))
    return found or 0


async def highest(tx: AsyncConnection, table: CopiedTable) -> int:
    """Return the highest key in a table that has keys; 0 if it is empty."""
    found: int | None = await tx.scalar(select(func.max(table.clause.columns["id"])))
    return found or 0
