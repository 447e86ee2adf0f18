"""The server that is attacked, and somebody beside who goes on asking."""

import json
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.abuse.wire import Answer, request
from tests.abuse.wire import exchange as raw_exchange
from tests.conftest import answering, free_port

VIEWER = "{ viewer { name } }"

IMPATIENT = {
    "HYPERDATA_HEADER_SECONDS": "0.5",
    "HYPERDATA_BODY_SECONDS": "0.5",
    "HYPERDATA_UNREAD_SECONDS": "1",
    "HYPERDATA_CONNECTIONS_MAX": "200",
}
"""Slow clients are cut off as quickly as the rest is refused."""


class Bystander(threading.Thread):
    """Asks again and again, over a connection of their own, and notes how long each answer took."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        self._url, self._key = url, key
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._answered: list[tuple[float, float]] = []
        self._failed: list[str] = []

    def run(self) -> None:
        with httpx2.Client(base_url=self._url, headers={"X-API-Key": self._key}) as http:
            while not self._over.is_set():
                begun = time.monotonic()
                try:
                    answer = http.post("/graphql", json={"query": VIEWER})
                    failure = "" if "data" in answer.json() else answer.text
                except httpx2.TransportError as error:
                    failure = repr(error)
                with self._lock:
                    self._answered.append((begun, time.monotonic() - begun))
                    if failure:
                        self._failed.append(failure)
                self._over.wait(0.05)

    def waited(self, since: float) -> float:
        """Return the longest that an answer took since a moment, up to one asked for after now."""
        now = time.monotonic()
        while True:
            with self._lock:
                assert not self._failed, self._failed
                times = [took for begun, took in self._answered if begun + took >= since]
                if self._answered and self._answered[-1][0] >= now:
                    return max(times)
            time.sleep(0.01)
            assert time.monotonic() < now + 30, "nobody beside is answered"

    def end(self) -> None:
        self._over.set()
        self.join()


@dataclass
class Target:
    """A server process over demo data.

    begun_with  how much memory it had, in bytes, before anybody attacked it
    """

    port: int
    keys: Mapping[str, str]
    folder: Path
    pid: int
    begun_with: int = 0
    found: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def peak(self) -> int:
        """The most memory that it has had, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [line] = [each for each in status.splitlines() if each.startswith("VmHWM")]
        return int(line.split()[1]) * 1024

    def exchange(self, *pieces: bytes, pause: float = 0, until_closed: bool = False) -> Answer:
        return raw_exchange(self.port, *pieces, pause=pause, until_closed=until_closed)

    def send(self, method: str, target: str, *headers: str, body: bytes | None = None) -> Answer:
        """Send a request with the key of an owner of experiments."""
        said = [f"Host: {self.host}", f"X-API-Key: {self.keys['owner']}", *headers]
        return self.exchange(request(method, target, said, body))

    def post(self, body: bytes, kind: str = "application/json", *headers: str) -> Answer:
        """Post a body to the API."""
        return self.send("POST", "/graphql", f"Content-Type: {kind}", *headers, body=body)

    def ask(self, query: str, **variables: Any) -> Answer:
        """Ask the API."""
        return self.post(json.dumps({"query": query, "variables": variables}).encode())

    def data(self, query: str, **variables: Any) -> Any:
        """Return the data of a query that must succeed."""
        answer = self.ask(query, **variables)
        said = json.loads(answer.body)
        assert "errors" not in said, said
        return said["data"]


@contextmanager
def attacked(folder: Path) -> Generator[tuple[Target, Bystander]]:
    """Run a server, and somebody who asks beside, until the block ends."""
    port = free_port()
    command = ("demo", "--port", str(port), "--data-dir", str(folder))
    with answering(port, *command, environment=IMPATIENT) as process:
        keys = json.loads((folder / "demo-keys.json").read_text())
        target = Target(port, keys, folder, process.pid)
        bystander = Bystander(target.url, keys["owner"])
        bystander.start()
        try:
            bystander.waited(0)
            target.begun_with = target.peak
            yield target, bystander
        finally:
            bystander.end()
