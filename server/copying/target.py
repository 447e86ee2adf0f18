"""The database that is copied into: empty, or begun from the same source.

`copying_from` is a table that is there from the first row to the comparison. How far a copy came is
told by the rows themselves: those with keys come in the order of these, a batch a transaction, and
of other tables all rows come in one.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from server.copying.rows import count
from server.copying.tables import CopiedTable
from server.db import Database, take_turns
from server.errors import AlreadyThere

MARK = "copying_from"
LOCK = 0x434F5059
"""The number of PostgreSQL's advisory lock that each batch holds."""


async def begin(target: Database, source: URL, tables: Sequence[CopiedTable]) -> bool:
    """Make a database ready to be copied into; say whether that goes on with an earlier attempt.

    AlreadyThere if it holds anything that did not come from this source.
    """
    name = source.render_as_string(hide_password=True)
    async with target.write() as tx:
        await take_turns(tx, LOCK)
        if await tx.run_sync(_is_marked):
            begun = await tx.scalar(text(f"SELECT source FROM {MARK}"))  # noqa: S608 - our name
            if begun != name:
                raise AlreadyThere(
                    f"A copy of {begun} was begun into the target: finish that, or choose an "
                    "empty database."
                )
            return True
        for table in tables:
            if await count(tx, table):
                raise AlreadyThere(
                    f"The target holds data already, as in `{table.name}`: a copy overwrites "
                    "nothing. Choose an empty database."
                )
        await tx.execute(text(f"CREATE TABLE {MARK} (source TEXT NOT NULL)"))
        await tx.execute(text(f"INSERT INTO {MARK} VALUES (:source)"), {"source": name})  # noqa: S608 - our name
    return False


async def finish(target: Database) -> None:
    """Say that a copy is whole."""
    async with target.write() as tx:
        await tx.execute(text(f"DROP TABLE {MARK}"))


def _is_marked(tx: Connection) -> bool:
    return inspect(tx).has_table(MARK)


async def given_keys(source: AsyncConnection, table: CopiedTable) -> int:
    """Return the highest key that a table has ever given, as far as its database knows."""
    if source.dialect.name == "sqlite":
        found: Any = await source.scalar(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        )
        return found or 0
    sequence = await source.scalar(
        text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": f'"{table.name}"'}
    )
    if sequence is None:
        return 0
    found = (
        await source.execute(text(f"SELECT last_value, is_called FROM {sequence}"))  # noqa: S608 - as PostgreSQL calls it
    ).one()
    return found.last_value if found.is_called else 0


async def go_on_from(tx: AsyncConnection, table: CopiedTable, key: int) -> None:
    """Have a table give keys above one, and above all that are in it."""
    if tx.dialect.name == "sqlite":
        # only a table that never gives a key again has a row there, or takes one
        made = await tx.scalar(
            text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"),
            {"name": table.name},
        )
        if "AUTOINCREMENT" not in (made or ""):
            return
        await tx.execute(
            text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        )
        await tx.execute(
            text("INSERT INTO sqlite_sequence VALUES (:name, :key)"),
            {"name": table.name, "key": key},
        )
        return
    sequence = await tx.scalar(
        text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": f'"{table.name}"'}
    )
    if sequence is not None and key:
        await tx.execute(text("SELECT setval(:sequence, :key)"), {"sequence": sequence, "key": key})
