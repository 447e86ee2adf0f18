"""Somebody who reads, in a process of their own: the one who sends must not be in their way.

    python -m bench.ingest.reader URL KEY

reads until the input ends, then writes how many seconds each answer took, as JSON.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx2

from bench.ingest.samples import ROOM

_READ = """query($id: String!) { room(roomId: $id) { roomId
  participants(first: 10) { nodes { participantId } }
  continuousRatings(first: 50) { nodes { timestamp value } } } }"""
_PAUSE = 0.005


@contextmanager
def reading(url: str, key: str) -> Generator[list[float]]:
    """Read until the block ends; the list then holds how many seconds each answer took."""
    times: list[float] = []
    command = [sys.executable, "-m", "bench.ingest.reader", url, key]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]  # pyright: ignore - options by name
        assert process.stdout.readline() == "ready\n"
        yield times
        times += json.loads(process.communicate()[0])


def p99(times: list[float]) -> float:
    """Return what one in a hundred is longer than."""
    return sorted(times)[int(len(times) * 0.99)]


def main() -> None:
    url, key = sys.argv[1:]
    over = threading.Event()
    times: list[float] = []
    with httpx2.Client(base_url=url, headers={"X-API-Key": key}, timeout=120) as client:
        _read(client)
        threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
        print("ready", flush=True)
        while not over.is_set():
            times.append(_read(client))
            time.sleep(_PAUSE)
    print(json.dumps(times))


def _read(client: httpx2.Client) -> float:
    began = time.perf_counter()
    answer = client.post("/graphql", json={"query": _READ, "variables": {"id": ROOM}})
    assert answer.json()["data"]["room"] is not None
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
