"""An object store with S3's API for tests: a process of its own, and a way to it that can be shut.

object_store.bucket()      a new place, as HYPERDATA_STORAGE_URL says it
object_store.environment   what a process needs to know to reach it
with object_store.down():  every request is answered 503 meanwhile, as by S3 when it is busy
object_store.cuts          after how many bytes each of the next fetches of an export breaks off
"""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from unittest.mock import patch

import httpx2
import obstore
import pytest
from obstore.store import S3Store

REGION = "eu-central-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests",
    "AWS_REGION": REGION,
}

_BODY = b"<Error><Code>SlowDown</Code></Error>"
BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_BODY), _BODY)
)
START_SECONDS = 60
_PIECE = 1 << 16


@dataclass
class ObjectStore:
    """A running store. `endpoint` is the way that can be shut, `behind` the store itself.

    `fetches` are the requests by that way for files of exports.
    """

    endpoint: str
    behind: str
    refused: int = 0
    cuts: list[int] = field(default_factory=list)
    fetches: list[bytes] = field(default_factory=list)
    _shut: threading.Event = field(default_factory=threading.Event)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def environment(self) -> Mapping[str, str]:
        return {**CREDENTIALS, "HYPERDATA_STORAGE_ENDPOINT": self.endpoint}

    @property
    def is_down(self) -> bool:
        return self._shut.is_set()

    @contextmanager
    def down(self) -> Generator[None]:
        self._shut.set()
        try:
            yield
        finally:
            self._shut.clear()

    def bucket(self) -> str:
        """Return the address of a new place, below a folder of a new bucket."""
        name = f"bucket-{next(self._numbers)}"
        httpx2.put(
            f"{self.behind}/{name}",
            content=f"<CreateBucketConfiguration><LocationConstraint>{REGION}"
            "</LocationConstraint></CreateBucketConfiguration>",
        ).raise_for_status()
        return f"s3://{name}/data"

    def keys(self, place: str) -> list[str]:
        """Return the keys of the objects in a place, as we call them."""
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        found = httpx2.get(f"{self.behind}/{bucket}?list-type=2").raise_for_status().text
        return [key.removeprefix(f"{prefix}/") for key in re.findall("<Key>(.*?)</Key>", found)]

    def unfinished(self, place: str) -> list[str]:
        """Return the keys of uploads in parts that were neither finished nor taken back."""
        bucket = place.removeprefix("s3://").partition("/")[0]
        found = httpx2.get(f"{self.behind}/{bucket}?uploads").raise_for_status().text
        return re.findall("<Key>(.*?)</Key>", found)

    def read(self, place: str, key: str) -> bytes:
        store: Any = S3Store.from_url(
            place, endpoint=self.behind, client_options={"allow_http": True}
        )
        return bytes(obstore.get(store, key).bytes())

    def answer(self, client: socket.socket) -> None:
        """Pass on what comes by a connection, or answer that the store is busy."""
        with client, suppress(OSError):
            host, port = self.behind.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as store:
                left = _Left()
                threading.Thread(target=_pass_on, args=(store, client, left), daemon=True).start()
                while request := client.recv(_PIECE):
                    if self.is_down:
                        self.refused += 1
                        client.sendall(BUSY)
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(_PIECE):  # what it is still sending
                            pass
                        return
                    if re.match(rb"GET \S*/exports/", request):
                        self.fetches.append(request)
                        left.bytes = self.cuts.pop(0) if self.cuts else None
                    store.sendall(request)


@dataclass
class _Left:
    """How much of an answer may still be passed on; None for all of it."""

    bytes: int | None = None


def _pass_on(source: socket.socket, target: socket.socket, left: _Left) -> None:
    with suppress(OSError):
        while left.bytes != 0 and (piece := source.recv(_PIECE)):
            if left.bytes is not None:
                piece = piece[: left.bytes]
                left.bytes -= len(piece)
            target.sendall(piece)
    for side in (source, target):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


@contextmanager
def storing_objects() -> Generator[ObjectStore]:
    """Run an object store until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    behind = f"http://127.0.0.1:{port}"
    environment = {k: v for k, v in os.environ.items() if k != "COVERAGE_PROCESS_CONFIG"}
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    try:
        _wait_for(behind, process)
        store = ObjectStore(f"http://127.0.0.1:{listening.getsockname()[1]}", behind)
        threading.Thread(target=_accept, args=(listening, store), daemon=True).start()
        yield store
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        process.terminate()
        process.wait(30)


def _accept(listening: socket.socket, store: ObjectStore) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=store.answer, args=(client,), daemon=True).start()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "the store ended before it answered"
        assert time.monotonic() < deadline, "the store does not answer"
        with suppress(httpx2.TransportError):
            httpx2.get(f"{url}/moto-api/")
            return
        time.sleep(0.05)


@pytest.fixture(scope="session")
def object_store() -> Generator[ObjectStore]:
    """One store for all tests, known to this process's environment as an operator would tell it."""
    with storing_objects() as store, patch.dict(os.environ, CREDENTIALS):
        yield store
