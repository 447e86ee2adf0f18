"""Our server over a folder, started for as long as it is measured."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2

_PATIENCE = 120.0


@contextmanager
def serving(folder: Path) -> Generator[tuple[str, int]]:
    """Serve the data of a folder until the block ends; return the address, and the process's id."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--port", str(port)],
        env={**os.environ, "HYPERDATA_DATA_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait(url: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/graphql").status_code < 500:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise RuntimeError("The server does not answer.")
