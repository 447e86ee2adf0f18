"""The servers that are compared: how each is started, asked, and like ours or not."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.reading.asked import EXPERIMENT, PERSON
from bench.reading.database import Built
from bench.reading.load import Request, answer_to, request
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


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    kind: Kind
    port: int
    headers: Mapping[str, str]

    def asking(self, question: str, after: str | None = None) -> Request:
        """Return the request of a question, such as `Q1`."""
        variables: dict[str, Any] = dict(VARIABLES[question])
        if after is not None:
            variables["after"] = after
        body = {"query": self.kind.documents[question], "variables": variables}
        return request(self.port, self.kind.path, json.dumps(body).encode(), dict(self.headers))


def _ours(port: int, built: Built) -> list[str]:
    serve = [sys.executable, "-m", "server", "serve", "--port", str(port)]
    return [*serve, "--data-dir", str(built.folder)]


def _uvicorn(name: str, *options: str) -> Callable[[int, Built], list[str]]:
    def command(port: int, _built: Built) -> list[str]:
        start = [str(ENVS / name / "bin" / "python"), "-m", "uvicorn", "app:app"]
        fastest = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        return [*start, *fastest, "--log-level", "warning", "--port", str(port), *options]

    return command


def _python_peer(name: str, title: str) -> Kind:
    return Kind(name, title, _uvicorn(name), PEERS / name)


OURS = Kind("ours", "ours", _ours, tells_depth=True)
KINDS = [
    OURS,
    Kind("plain", "ours, fast path off", _ours, environment={"HYPERDATA_FAST_PATH": "0"}),
    _python_peer("orm", "Strawberry + SQLModel ORM"),
    Kind("floor", "floor: sqlite3, orjson", _uvicorn("floor"), PEERS / "floor", tells_depth=True),
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
    with log.open("wb") as said:
        process = subprocess.Popen(
            kind.command(port, built),
            cwd=kind.folder,
            env={**os.environ, **given},
            stdout=said,
            stderr=said,
        )
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not _listens(port):
            assert process.poll() is None, f"{kind.name} ended: see {log}"
            assert time.monotonic() < deadline, f"{kind.name} does not answer: see {log}"
            time.sleep(0.05)
        yield Running(kind, port, {"X-API-Key": built.key})
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
