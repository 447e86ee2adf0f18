"""Several servers and workers of one PostgreSQL, each of which can be killed, or held still."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.faults.service import Service

LEASE = 2.0
"""Seconds after which a process that is silent is taken for dead."""


class Fleet:
    """The processes; all servers have the same key, and none of them writes exports.

    The last server is two processes at one port.
    """

    def __init__(self, folder: Path, url: str, servers: int, workers: int, **settings: str) -> None:
        first = Service(folder, url)
        others = [Service(folder, url, first.key) for _ in range(servers - 1)]
        self.services = [first, *others]
        self._environment = {
            **os.environ,
            "HYPERDATA_DATA_DIR": str(folder),
            "HYPERDATA_DATABASE_URL": url,
            "HYPERDATA_EXPORT_WORKERS": "0",
            "HYPERDATA_LEASE_SECONDS": str(LEASE),
            "HYPERDATA_CHECKPOINT_SECONDS": "0.05",
            "HYPERDATA_ACCESS_LOG": "0",
            **settings,
        }
        self._servers: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._number = workers

    @contextmanager
    def up(self) -> Iterator["Fleet"]:
        try:
            self._servers = [self._serve(each) for each in self.services]
            self.workers = [self._work() for _ in range(self._number)]
            for service in self.services:
                answers(service)
            yield self
        finally:
            for process in (*self._servers, *self.workers):
                process.terminate()
            ended = [each.wait(60) for each in (*self._servers, *self.workers)]
        assert ended == [*(-signal.SIGTERM for _ in self._servers), *(0 for _ in self.workers)]

    def kill_server(self, number: int) -> None:
        """Kill a server, and start another one at its place."""
        _kill(self._servers[number])
        self._servers[number] = self._serve(self.services[number])

    def kill_worker(self, number: int) -> None:
        """Kill a worker, and start another one."""
        _kill(self.workers[number])
        self.workers[number] = self._work()

    @contextmanager
    def worker_held_still(self, number: int) -> Iterator[None]:
        self.workers[number].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.workers[number].send_signal(signal.SIGCONT)

    def _serve(self, service: Service) -> "subprocess.Popen[bytes]":
        number = "2" if service is self.services[-1] else "1"
        port = str(service.port)
        return start(self._environment, "serve", "--port", port, "--workers", number)

    def _work(self) -> "subprocess.Popen[bytes]":
        return start(self._environment, "worker", "--exports", "2")


def start(environment: Mapping[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    """Run a command of the server's."""
    return subprocess.Popen([sys.executable, "-m", "server", *arguments], env=environment)


def answers(service: Service, seconds: float = 60) -> None:
    """Wait until a server is ready."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if httpx2.get(f"{service.url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.05)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
