"""How much another client notices of an export: the latency of its queries, against idle."""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.conftest import LiveServer, serving

SCALE = 27  # a little more than a million ratings
EVERY = 0.02
"""Seconds from one query to the next: a steady client, not one that takes all it can."""

PAGE = """{ room(roomId: "room_dyadvideo01_01") {
  continuousRatings(first: 100) { nodes { onset value } pageInfo { endCursor } } } }"""
CREATE = """mutation { exportCreate(input: {
  experimentIds: ["exp_dyadvideo01", "exp_solorating01"], dataTypes: [CONTINUOUS_RATINGS],
  packaging: SINGLE_FILE, anonymization: %s }) { export { id } userErrors { message } } }"""
STATE = """{ exports(first: 1) { nodes { status startedAt completedAt fileSize
  progress { completedRows } } } }"""


def ask(http: httpx2.Client, query: str) -> dict[str, Any]:
    answer = http.post("/graphql", json={"query": query}).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def latencies(http: httpx2.Client, going_on: Callable[[], bool]) -> list[float]:
    """Query at a steady rate; return each answer's milliseconds."""
    taken = []
    due = time.perf_counter()
    while going_on():
        due += EVERY
        start = time.perf_counter()
        ask(http, PAGE)
        taken.append((time.perf_counter() - start) * 1000)
        time.sleep(max(0.0, due - time.perf_counter()))
    return taken


def for_seconds(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def worker_memory(server: LiveServer) -> float:
    """Return the largest peak of the server's child processes, in MB."""
    children = subprocess.run(
        ["pgrep", "-P", str(server.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    peaks = [
        int(line.split()[1]) / 1000
        for child in children.stdout.split()
        for line in Path(f"/proc/{child}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return max(peaks)


class Watch:
    """Looks at the newest export every quarter of a second, and remembers what it saw."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http
        self._looked = 0.0
        self.export: dict[str, Any] = {}

    def running(self) -> bool:
        if time.monotonic() - self._looked > 0.25:
            self._looked = time.monotonic()
            [self.export] = ask(self._http, STATE)["exports"]["nodes"]
        return self.export["status"] in {"CREATED", "RUNNING"}


def rounds(server: LiveServer, count: int, anonymization: str) -> Iterator[tuple[float, float]]:
    headers = {"X-API-Key": server.keys["owner"]}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as http:
        latencies(http, for_seconds(2))  # warm
        for number in range(count):
            idle = latencies(http, for_seconds(6))
            start = time.monotonic()
            refused = ask(http, CREATE % anonymization)["exportCreate"]["userErrors"]
            assert not refused, refused
            watch = Watch(http)
            busy = latencies(http, watch.running)
            assert watch.export["status"] == "COMPLETED", watch.export
            seconds = time.monotonic() - start
            rows = watch.export["progress"]["completedRows"]
            print(
                f"round {number + 1}: {rows:,} rows in {seconds:.1f} s; "
                f"idle p50 {p(idle, 50):.2f} p99 {p(idle, 99):.2f} ms; "
                f"meanwhile p50 {p(busy, 50):.2f} p99 {p(busy, 99):.2f} ms"
            )
            yield p(busy, 50) / p(idle, 50), p(busy, 99) / p(idle, 99)
    print(f"worker's peak memory: {worker_memory(server):.0f} MB")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=int, default=SCALE)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--anonymization", default="REMOVE_IDENTIFIERS")
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        make = [sys.executable, "-m", "server", "demo", "--no-serve", "--data-dir", folder]
        subprocess.run([*make, "--scale", str(given.scale)], check=True)
        with serving(Path(folder)) as server:
            ratios = list(rounds(server, given.rounds, given.anonymization))
    for name, values in zip(("p50", "p99"), zip(*ratios, strict=True), strict=True):
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{name} while exporting / idle: median {middle:.2f} (from {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
