"""Our server while records come in: how many a second, its memory, and what readers notice."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import orjson

from bench.ingest.samples import ROOM, batches, sent
from bench.reader import at, reading
from bench.serving import serving

WAYS: Mapping[str, str] = {
    "recordsIngest": "`recordsIngest`, two clients",
    "lines": "`POST /ingest`, one client",
}
_MUTATION = (
    "mutation($records: JSON!) { recordsIngest(input: {records: $records}) { acceptedCount } }"
)
_IDLE_SECONDS = 4


@dataclass(frozen=True)
class Served:
    """What was measured: rows a second, peaks in kB after a tenth and at the end, p99 in s."""

    rate: float
    peak_early: int
    peak_late: int
    idle_p99: float
    busy_p99: float


def measure(folder: Path, key: str, rows: int, way: str) -> Served:
    """Start a server on a folder, read from it, send it all rows while reading, and stop it.

    What is sent is ready on disk, as the rows of Core's insert are in memory: only the server is
    to be measured.
    """
    say = _SAID[way]
    ready = _ready(folder / "early", say, range(rows, rows + rows // 10))
    all_ready = _ready(folder / "all", say, range(rows))
    with serving(folder) as (url, pid):
        headers = {"X-API-Key": key}
        send = _send_batches if way == "recordsIngest" else _send_lines
        send(url, headers, ready)
        peak = _peak(pid)
        with reading(url, key, ROOM) as idle:
            time.sleep(_IDLE_SECONDS)
        with reading(url, key, ROOM) as busy:
            began = time.perf_counter()
            send(url, headers, all_ready)
            took = time.perf_counter() - began
        return Served(rows / took, peak, _peak(pid), at(idle, 0.99), at(busy, 0.99))


def _lines(records: list[dict[str, object]]) -> bytes:
    return b"".join(orjson.dumps(each) + b"\n" for each in records)


def _operation(records: list[dict[str, object]]) -> bytes:
    return orjson.dumps({"query": _MUTATION, "variables": {"records": records}})


_SAID: Mapping[str, Callable[[list[dict[str, object]]], bytes]] = {
    "recordsIngest": _operation,
    "lines": _lines,
}


def _ready(
    folder: Path, say: Callable[[list[dict[str, object]]], bytes], numbers: range
) -> list[Path]:
    """Write what is to be sent, a file for each batch."""
    folder.mkdir()
    files: list[Path] = []
    for batch in batches(len(numbers)):
        files.append(folder / str(len(files)))
        files[-1].write_bytes(say([sent(numbers[each]) for each in batch]))
    return files


def _send_batches(url: str, headers: Mapping[str, str], files: list[Path]) -> None:
    queue = iter(files)
    lock = threading.Lock()

    def client() -> None:
        with httpx2.Client(base_url=url, headers=headers, timeout=120) as http:
            while True:
                with lock:
                    if (file := next(queue, None)) is None:
                        return
                kind = {"Content-Type": "application/json"}
                answer = http.post("/graphql", content=file.read_bytes(), headers=kind).json()
                assert answer["data"]["recordsIngest"]["acceptedCount"], answer

    clients = [threading.Thread(target=client) for _ in range(2)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()


def _send_lines(url: str, headers: Mapping[str, str], files: list[Path]) -> None:
    def lines() -> Iterator[bytes]:
        for file in files:
            yield file.read_bytes()

    kind = {**headers, "Content-Type": "application/x-ndjson"}
    answer = httpx2.post(f"{url}/ingest", content=lines(), headers=kind, timeout=600).json()
    assert answer["acceptedCount"] == answer["sentCount"], answer


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])
