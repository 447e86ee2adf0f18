"""Mixed reads of one PostgreSQL database by several server processes, against one."""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from bench.postgres import ROOMS, Filled, filled
from bench.sections import keep, number, spread, table
from tests.conftest import free_port

PROCESSES = 4
QUESTIONS = (
    '{ room(roomId: "room_%(room)s") { continuousRatings(first: 50) { totalCount nodes'
    " { id timestamp value componentId } } } }",
    '{ experiment(experimentId: "exp_1") { continuousRatings(first: 100, orderBy:'
    " [{field: TIMESTAMP, direction: DESC}]) { nodes { id value } } } }",
    "{ experiments { nodes { id name rooms(first: 5) { nodes { id participants { nodes { id"
    " continuousRatings(first: 5) { totalCount nodes { id value } } } } } } } } }",
    '{ room(roomId: "room_%(room)s") { participants { nodes { participantId'
    " ratingSeries(points: 100) { lines { count } } } } } }",
)


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.scaling", description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--clients", type=int, default=32)
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    given = options.parse_args()
    rates: dict[int, list[float]] = {1: [], PROCESSES: []}
    cpu: dict[int, list[float]] = {1: [], PROCESSES: []}
    with filled(given.rows) as database, ExitStack() as running:
        ports = [running.enter_context(_served(database)) for _ in range(PROCESSES)]
        for _ in range(given.rounds):
            for count in (1, PROCESSES):
                before = _postgres_seconds()
                rate = asyncio.run(_ask(database, ports[:count], given.clients, given.seconds))
                rates[count].append(rate)
                cpu[count].append((_postgres_seconds() - before) / given.seconds)
                print(f"{count} processes: {number(rate)} answers a second", flush=True)
    ratios = [many / one for one, many in zip(rates[1], rates[PROCESSES], strict=True)]
    lines = [
        [
            str(count),
            spread(rates[count]),
            "1" if count == 1 else spread(ratios),
            spread(cpu[count]),
        ]
        for count in rates
    ]
    text = f"{given.clients} clients, mixed reads, {os.cpu_count()} cores for all processes.\n\n"
    text += table(["server processes", "answers a second", "× one", "cores PostgreSQL used"], lines)
    print(text)
    if given.write:
        keep("Several server processes", text)


@contextmanager
def _served(database: Filled) -> Generator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--port", str(port), "--data-dir", folder],
            env={
                **os.environ,
                "HYPERDATA_DATABASE_URL": database.url,
                "HYPERDATA_EXPORT_WORKERS": "0",
                "HYPERDATA_ACCESS_LOG": "false",
            },
            stderr=(Path(folder) / "log").open("wb"),
        )
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    httpx2.get(f"http://127.0.0.1:{port}/healthz")
                    break
                except httpx2.TransportError:
                    assert time.monotonic() < until, "the server does not answer"
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()
            process.wait()


async def _ask(database: Filled, ports: Sequence[int], clients: int, seconds: float) -> float:
    """Return how many answers came a second; each client asks again as soon as it is answered."""
    until = time.monotonic() + seconds
    counts = await asyncio.gather(
        *(_client(database, ports[n % len(ports)], n, until) for n in range(clients))
    )
    return sum(counts) / seconds


async def _client(database: Filled, port: int, number_: int, until: float) -> int:
    drawn, answers = random.Random(number_), 0
    headers = {"X-API-Key": database.key, "Content-Type": "application/json"}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
        while time.monotonic() < until:
            question = drawn.choice(QUESTIONS) % {"room": drawn.randint(1, ROOMS)}
            answer = await http.post(
                "/graphql", content=json.dumps({"query": question}), timeout=60
            )
            assert b'"errors"' not in answer.content, answer.text[:500]
            answers += 1
    return answers


def _postgres_seconds() -> float:
    """Return the processor time that all of PostgreSQL's processes have used so far."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:  # it is gone by now
            continue
        if "(postgres" in name:
            fields = rest.split()
            ticks += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
