"""What tests run against: databases of their own, the server in this process, or a real one."""

import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch
from zlib import crc32

import httpx2
import pytest
from coverage import Coverage
from hypothesis import is_hypothesis_test
from starlette.applications import Starlette

from server.api_keys import issue
from server.app import create_app
from server.db import Database
from server.settings import Settings
from server.statements import Prepared
from tests.demo_data import filled
from tests.factories import Row, a_user, save
from tests.studies import Study
from tests.warm_worker import Worker, working

pytest_plugins = ("tests.postgres", "tests.object_store")


def pytest_collection_finish() -> None:
    """Let the collector look no more at what is loaded: it stays to the end."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Leave what runs the same lines again out of what is measured, with its processes.

    Measuring almost doubles the time of a test. So it is not done to property tests, to others
    that say so, and on SQLite to those that run on both databases. Of all others, the processes of
    every second one are left out: what they are alone to run is less than one in a hundred lines.
    """
    measured = Coverage.current()
    with patch.dict(os.environ):
        if _repeats(item) or crc32(item.nodeid.encode()) % 2:
            os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
        if measured is None or not _repeats(item):
            return (yield)
        measured.stop()
        try:
            return (yield)
        finally:
            measured.start()


def _repeats(item: pytest.Item) -> bool:
    if is_hypothesis_test(getattr(item, "obj", None)) or item.get_closest_marker("repeats"):
        return True
    varied = getattr(item, "callspec", None)
    return varied is not None and "sqlite" in varied.params.values()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def db(tmp_path: Path, migrated_file: Path) -> AsyncGenerator[Database]:
    """An empty database, migrated."""
    shutil.copyfile(migrated_file, tmp_path / "test.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    yield database
    await database.close()


@pytest.fixture
async def user(db: Database) -> Row:
    """A saved user."""
    saved = a_user()
    await save(db, saved)
    return saved


@dataclass
class Api:
    """The server in this process, over a database of the test's own, asked over HTTP."""

    app: Starlette
    http: httpx2.AsyncClient
    keys: dict[int, str] = field(default_factory=dict)

    @property
    def db(self) -> Database:
        database: Database = self.app.state.db
        return database

    async def key_of(self, user_key: int, *scopes: str) -> str:
        """Return an API key of a user."""
        async with self.db.write() as tx:
            return await issue(tx, user_key, "test", scopes or ("*",))

    async def post(self, query: str, key: str | None, **variables: Any) -> httpx2.Response:
        headers = {} if key is None else {"X-API-Key": key}
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=headers)

    async def ask(self, query: str, key: str, **variables: Any) -> dict[str, Any]:
        """Return the data of a query that must succeed."""
        answer = (await self.post(query, key, **variables)).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def refusal(self, query: str, key: str | None, **variables: Any) -> tuple[str, str]:
        """Return the code and the message of a query that must fail."""
        [error, *_] = (await self.post(query, key, **variables)).json()["errors"]
        return error["extensions"]["code"], error["message"]

    @contextmanager
    def counting(self) -> Generator[list[str]]:
        """Collect the statements that readers send meanwhile, but for the look-up of the key."""
        statements: list[str] = []

        fetch = self.db.fetch

        async def noted(prepared: Prepared, *arguments: Any, **options: Any) -> Any:
            if "api_key" not in prepared.text:
                statements.append(prepared.text)
            return await fetch(prepared, *arguments, **options)

        with patch.object(self.db, "fetch", noted):
            yield statements


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncGenerator[Api]:
    """Run the server in this process, without export workers, and without chores unless told."""
    settings = {"allowed_hosts": "test", "chores": False, **settings}
    app = create_app(Settings(data_dir=folder, export_workers=0, **settings))
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        yield Api(app, http)


@pytest.fixture
async def api(tmp_path: Path, migrated_file: Path) -> AsyncGenerator[Api]:
    """The server in this process, without export workers."""
    shutil.copyfile(migrated_file, tmp_path / "hyperdata.db")
    async with opened(tmp_path) as api:
        yield api


@pytest.fixture
async def any_api(tmp_path: Path, any_url: str) -> AsyncGenerator[Api]:
    """The server in this process, over either kind of database."""
    async with opened(tmp_path, database_url=any_url) as api:
        yield api


@dataclass(frozen=True)
class LiveServer:
    """A real server process over demo data."""

    url: str
    keys: Mapping[str, str]
    data_dir: Path
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def answering(
    port: int,
    *command: str,
    seconds: float = 60,
    environment: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
    program: Sequence[str] = (sys.executable, "-m", "server"),
) -> Generator["subprocess.Popen[bytes]"]:
    """Run a command of the server's, from when it answers at a port until the block ends."""
    process = subprocess.Popen(
        [*program, *command], env={**os.environ, **(environment or {})}, stderr=log
    )
    try:
        deadline = time.monotonic() + seconds
        while not _answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None, "the server ended before it answered"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def serving(data_dir: Path, *arguments: str, seconds: float = 60) -> Generator[LiveServer]:
    """Run `hyperdata demo` on a folder, from when it answers until the block ends."""
    port = free_port()
    command = ("demo", "--port", str(port), "--data-dir", str(data_dir), *arguments)
    with answering(port, *command, seconds=seconds) as process:
        keys = json.loads((data_dir / "demo-keys.json").read_text())
        yield LiveServer(f"http://127.0.0.1:{port}", keys, data_dir, process)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/graphql").status_code == 401
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Generator[LiveServer]:
    """One real server for all tests that do not disturb it."""
    with serving(tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of demo data, for tests that only look."""
    folder = tmp_path_factory.mktemp("demo")
    filled(folder)
    return folder


@pytest.fixture(scope="session")
def worker() -> Generator[Worker]:
    """One warm export worker for all tests that do not disturb it."""
    with working() as warm:
        yield warm


@pytest.fixture
async def study(db: Database) -> Study:
    """Two experiments with records of every type, saved."""
    made = Study()
    await made.save(db)
    return made
