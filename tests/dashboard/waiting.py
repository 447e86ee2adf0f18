"""A demo server whose exports wait until a test lets a worker at them; it can be restarted."""

import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import LiveServer, answering, free_port

NO_WORKERS = {"HYPERDATA_EXPORT_WORKERS": "0"}


class WaitingServer:
    """A server without workers, always at one port, over demo data of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "server", "demo", "--no-serve", "--data-dir", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        self.data_dir = folder
        self.keys: Mapping[str, str] = json.loads((folder / "demo-keys.json").read_text())
        self._port = free_port()
        self._running = ExitStack()

        self.live = self._start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @contextmanager
    def away(self) -> Generator[None]:
        """Be out of reach, until the block ends."""
        self.stop()
        try:
            yield
        finally:
            self.live = self._start()

    def stop(self) -> None:
        self._running.close()

    @contextmanager
    def working(self, **environment: str) -> Generator[None]:
        """Let another server with a worker at the exports, until the block ends."""
        with self._serving(free_port(), environment):
            yield

    def ask(self, who: str, query: str, **variables: Any) -> Any:
        """Return the data of a query that must succeed."""
        answer = httpx2.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables},
            headers={"X-API-Key": self.keys[who]},
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def _start(self) -> LiveServer:
        process = self._running.enter_context(self._serving(self._port, NO_WORKERS))
        return LiveServer(self.url, self.keys, self.data_dir, process)

    def _serving(self, port: int, environment: Mapping[str, str]) -> Any:
        command = ("serve", "--port", str(port), "--data-dir", str(self.data_dir))
        return answering(port, *command, environment=environment)
