"""What a server's other clients notice of an export, and how soon one ends that is cancelled."""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from bench.exports.costs import ROOT
from bench.exports.database import Built
from tests.conftest import free_port

EVERY = 0.02
"""Seconds from one query to the next: a steady client, not one that takes all it can."""

IDLE_SECONDS = 6.0
LOOK_SECONDS = 0.25
SECONDS_TO_START = 60
PATIENCE = 60.0

PAGE = """{ room(roomId: "room_dyadvideo01_01") {
  continuousRatings(first: 100) { nodes { onset value } pageInfo { endCursor } } } }"""
CREATE = """mutation($key: String!) { exportCreate(input: { idempotencyKey: $key,
  experimentIds: ["exp_dyadvideo01", "exp_groupchat01", "exp_solorating01"],
  dataTypes: [CONTINUOUS_RATINGS], packaging: SINGLE_FILE, anonymization: REMOVE_IDENTIFIERS
  }) { export { id } userErrors { message } } }"""
STATE = "{ exports(first: 1) { nodes { status progress { completedRows } } } }"
CANCEL = """mutation($id: ID!) { exportCancel(id: $id) { userErrors { message } } }"""


@dataclass(frozen=True)
class Delays:
    """Milliseconds: how long answers took, and how late the server's loop was."""

    answers: list[float]
    loop: list[float]


@dataclass(frozen=True)
class Round:
    """A server without anything to do, and while it exports."""

    idle: Delays
    busy: Delays


@dataclass(frozen=True)
class Server:
    """A server that answers, and its process."""

    http: httpx2.Client
    process: int

    def ask(self, query: str, **variables: str) -> dict[str, Any]:
        asked = {"query": query, "variables": variables}
        answer = self.http.post("/graphql", json=asked).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def create(self) -> str:
        """Ask for an export of all ratings, not for one that is there; return its id."""
        made = self.ask(CREATE, key=uuid4().hex)["exportCreate"]
        assert not made["userErrors"], made
        export_id: str = made["export"]["id"]
        return export_id

    def newest(self) -> dict[str, Any]:
        """Return how the newest export stands."""
        [export] = self.ask(STATE)["exports"]["nodes"]
        state: dict[str, Any] = export
        return state

    def workers(self) -> list[int]:
        """Return the processes that the server has started."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process)], capture_output=True, text=True, check=False
        )
        return [int(each) for each in found.stdout.split()]

    def during(self, going_on: Callable[[], bool]) -> Delays:
        """Query at a steady rate while something goes on."""
        self.http.get("/delays")
        taken = []
        due = time.perf_counter()
        while going_on():
            due += EVERY
            start = time.perf_counter()
            self.ask(PAGE)
            taken.append((time.perf_counter() - start) * 1000)
            time.sleep(max(0.0, due - time.perf_counter()))
        return Delays(taken, self.http.get("/delays").json())


@contextmanager
def served(built: Built) -> Generator[Server]:
    """Serve a copy of some data: exports are noted in the database."""
    folder = built.folder / "served"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(built.file, folder)
    port = free_port()
    command = [sys.executable, "-m", "bench.exports.watched", str(port), str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    headers = {"X-API-Key": built.key}
    address = f"http://127.0.0.1:{port}"
    try:
        with httpx2.Client(base_url=address, headers=headers, timeout=PATIENCE) as http:
            _wait(lambda: _answers(http), SECONDS_TO_START)
            yield Server(http, process.pid)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def rounds(server: Server, count: int) -> Iterator[Round]:
    """Measure what a client notices, in turns of nothing to do and of an export."""
    server.during(_for_seconds(2))  # warm
    for _ in range(count):
        idle = server.during(_for_seconds(IDLE_SECONDS))
        server.create()
        watch = _Watch(server)
        busy = server.during(watch.running)
        assert watch.state["status"] == "COMPLETED", watch.state
        yield Round(idle, busy)


def cancellations(server: Server, count: int) -> Iterator[float]:
    """Yield the seconds from a cancellation's answer until the worker is gone and all is noted."""
    for _ in range(count):
        export = server.create()
        _wait(lambda: server.newest()["progress"]["completedRows"] > 0, PATIENCE)
        [worker] = server.workers()
        refused = server.ask(CANCEL, id=export)["exportCancel"]["userErrors"]
        assert not refused, refused
        start = time.perf_counter()
        _wait(partial(_is_gone, worker), PATIENCE)
        _wait(lambda: server.newest()["status"] == "CANCELED", PATIENCE)
        yield time.perf_counter() - start


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


class _Watch:
    """Looks at the newest export every quarter of a second, and remembers what it saw."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._looked = 0.0
        self.state: dict[str, Any] = {}

    def running(self) -> bool:
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self.state = self._server.newest()
        return self.state["status"] in {"CREATED", "RUNNING"}


def _for_seconds(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def _wait(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.002)


def _is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


def _answers(http: httpx2.Client) -> bool:
    try:
        return http.get("/delays").status_code == 200
    except httpx2.TransportError:
        return False
