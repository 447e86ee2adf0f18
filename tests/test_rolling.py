"""Several processes at one port: all of them are replaced without a request that is lost."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.command import hyperdata, into
from tests.conftest import answering, free_port
from tests.faults.service import Service
from tests.postgres import Server as Postgres
from tests.test_crash import children, is_alive

NUMBER = 2
QUERY = {"query": "{ viewer { name } }"}


class Clients:
    """Some who ask all the time, each on a connection that it keeps, or on a new one each time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._over = threading.Event()
        self.answered = 0
        self.failures: list[object] = []
        self._threads = [threading.Thread(target=self._ask, args=[kept]) for kept in (True, False)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for_more(self) -> None:
        before = self.answered
        wait_until(lambda: self.answered >= before + 20)

    def _ask(self, kept: bool) -> None:
        headers = {"X-API-Key": self._service.key, "Connection": "keep-alive" if kept else "close"}
        with httpx2.Client(headers=headers, timeout=60) as http:
            while not self._over.is_set():
                try:
                    answer = http.post(f"{self._service.url}/graphql", json=QUERY)
                except httpx2.TransportError as error:
                    self.failures.append(error)
                    continue
                if answer.status_code != 200:
                    self.failures.append(answer.text)
                self.answered += 1


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _serving(process: "subprocess.Popen[bytes]") -> set[int]:
    return set(children(process.pid))


def test_all_processes_are_replaced_and_no_request_is_lost(
    tmp_path: Path, postgres_url: str
) -> None:
    service = Service(tmp_path, postgres_url)
    command = ("serve", "--port", str(service.port), "--workers", str(NUMBER))
    environment = {
        "HYPERDATA_DATA_DIR": str(tmp_path),
        "HYPERDATA_DATABASE_URL": postgres_url,
        "HYPERDATA_EXPORT_WORKERS": "0",
    }
    with answering(service.port, *command, environment=environment) as supervisor:
        wait_until(lambda: len(_serving(supervisor)) == NUMBER)
        first = _serving(supervisor)
        with Clients(service) as clients:
            clients.wait_for_more()
            supervisor.send_signal(signal.SIGHUP)
            wait_until(lambda: not any(map(is_alive, first)))
            clients.wait_for_more()
        assert clients.failures == []

        second = _serving(supervisor)
        assert len(second) == NUMBER
        lost, stays = second
        os.kill(lost, signal.SIGKILL)
        wait_until(lambda: len(_serving(supervisor) - {lost}) == NUMBER)
        assert stays in _serving(supervisor)
        assert 'hyperdata_http_requests_total{method="POST",route="/graphql",status="200"}' in (
            httpx2.get(f"{service.url}/metrics").text
        )
        left = _serving(supervisor)
        supervisor.kill()  # it has no time to tell them
        wait_until(lambda: not any(map(is_alive, left)))


def test_a_file_is_served_by_one_process(tmp_path: Path) -> None:
    refused = hyperdata("serve", "--workers", "2", "--data-dir", tmp_path)
    assert refused.returncode == 1
    assert "Several processes need PostgreSQL" in refused.stderr


def test_nothing_starts_on_a_database_of_another_version(
    postgres: Postgres, tmp_path: Path
) -> None:
    environment = into(postgres.new(), tmp_path)
    for command in (("worker",), ("serve", "--workers", "2", "--port", str(free_port()))):
        refused = hyperdata(*command, environment=environment)
        assert refused.returncode in (1, 3)
        assert "run `hyperdata migrate` first" in refused.stderr
