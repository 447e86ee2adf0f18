"""Somebody who reads, in a process of their own: who drives the server must not be in their way.

    python -m bench.reader URL KEY ROOM

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

_READ = """query($id: String!) { room(roomId: $id) { roomId
  participants(first: 10) { nodes { participantId } }
  continuousRatings(first: 50) { nodes { timestamp value } } } }"""
_PAUSE = 0.02
"""Seconds between an answer and the next question: some tens a second are asked."""
_WARM = 10
"""How many first answers do not count."""


@contextmanager
def reading(url: str, key: str, room: str) -> Generator[list[float]]:
    """Read until the block ends; the list then holds how long each answer took, the least first."""
    times: list[float] = []
    command = [sys.executable, "-m", "bench.reader", url, key, room]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield times
        finally:
            told, _ = process.communicate()
        times += sorted(json.loads(told))


def at(times: list[float], share: float) -> float:
    """Return what that share of them is not longer than."""
    return times[int(len(times) * share)]


def main() -> None:
    url, key, room = sys.argv[1:]
    over = threading.Event()
    times: list[float] = []

    def wait() -> None:
        sys.stdin.read()
        over.set()

    with httpx2.Client(base_url=url, headers={"X-API-Key": key}, timeout=120) as client:
        for _ in range(_WARM):
            _read(client, room)
        threading.Thread(target=wait, daemon=True).start()
        print("ready", flush=True)
        while not over.is_set():
            times.append(_read(client, room))
            time.sleep(_PAUSE)
    print(json.dumps(times))


def _read(client: httpx2.Client, room: str) -> float:
    began = time.perf_counter()
    answer = client.post("/graphql", json={"query": _READ, "variables": {"id": room}})
    assert answer.json()["data"]["room"] is not None
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
