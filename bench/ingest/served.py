"""Our server while records come in: how many a second, its memory, and what readers notice."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import orjson

from bench.ingest.samples import ROOM, batches, sent

WAYS: Mapping[str, str] = {
    "recordsIngest": "`recordsIngest`, two clients",
    "lines": "`POST /ingest`, one client",
}
_MUTATION = (
    "mutation($records: JSON!) { recordsIngest(input: {records: $records}) { acceptedCount } }"
)
_READ = """query($id: String!) { room(roomId: $id) { roomId
  participants(first: 10) { nodes { participantId } }
  continuousRatings(first: 50) { nodes { timestamp value } } } }"""
_IDLE_READS = 400


@dataclass(frozen=True)
class Served:
    """What was measured: rows a second, peaks in kB after a tenth and at the end, p99 in s."""

    rate: float
    peak_early: int
    peak_late: int
    idle_p99: float
    busy_p99: float


def measure(folder: Path, key: str, rows: int, way: str) -> Served:
    """Start a server on a folder, read from it, send it all rows while reading, and stop it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--port", str(port)],
        env={**os.environ, "HYPERDATA_DATA_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
    )
    url, headers = f"http://127.0.0.1:{port}", {"X-API-Key": key}
    try:
        with httpx2.Client(base_url=url, headers=headers, timeout=120) as client:
            _wait(client)
            send = _send_batches if way == "recordsIngest" else _send_lines
            send(url, headers, range(rows, rows + rows // 10))
            peak = _peak(process.pid)
            idle = sorted(_reads(client, _IDLE_READS))
            busy: list[float] = []
            over = threading.Event()
            reader = threading.Thread(target=_read_until, args=(url, headers, over, busy))
            reader.start()
            began = time.perf_counter()
            send(url, headers, range(rows))
            took = time.perf_counter() - began
            over.set()
            reader.join()
            busy.sort()
            return Served(rows / took, peak, _peak(process.pid), _p99(idle), _p99(busy))
    finally:
        process.terminate()
        process.wait(30)


def _send_batches(url: str, headers: Mapping[str, str], numbers: range) -> None:
    queue = iter(list(batches(len(numbers))))
    lock = threading.Lock()

    def client() -> None:
        with httpx2.Client(base_url=url, headers=headers, timeout=120) as http:
            while True:
                with lock:
                    if (batch := next(queue, None)) is None:
                        return
                records = [sent(numbers[each]) for each in batch]
                body = orjson.dumps({"query": _MUTATION, "variables": {"records": records}})
                kind = {"Content-Type": "application/json"}
                answer = http.post("/graphql", content=body, headers=kind).json()
                assert answer["data"]["recordsIngest"]["acceptedCount"] == len(records), answer

    clients = [threading.Thread(target=client) for _ in range(2)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()


def _send_lines(url: str, headers: Mapping[str, str], numbers: range) -> None:
    def lines() -> Iterator[bytes]:
        for batch in batches(len(numbers)):
            yield b"".join(orjson.dumps(sent(numbers[each])) + b"\n" for each in batch)

    kind = {**headers, "Content-Type": "application/x-ndjson"}
    answer = httpx2.post(f"{url}/ingest", content=lines(), headers=kind, timeout=600).json()
    assert answer["acceptedCount"] == len(numbers), answer


def _reads(client: httpx2.Client, count: int) -> Iterator[float]:
    for _ in range(count):
        began = time.perf_counter()
        answer = client.post("/graphql", json={"query": _READ, "variables": {"id": ROOM}})
        assert answer.json()["data"]["room"] is not None
        yield time.perf_counter() - began
        time.sleep(0.005)


def _read_until(
    url: str, headers: Mapping[str, str], over: threading.Event, times: list[float]
) -> None:
    with httpx2.Client(base_url=url, headers=headers, timeout=120) as client:
        while not over.is_set():
            times += _reads(client, 1)


def _p99(times: list[float]) -> float:
    return times[int(len(times) * 0.99)]


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])


def _wait(client: httpx2.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if client.get("/graphql").status_code < 500:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise RuntimeError("The server does not answer.")
