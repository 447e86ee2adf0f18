"""Writing to the store: a file is counted and hashed as it grows, and seen once it is complete."""

import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

Bytes = bytes | memoryview

_BUFFER = 8 << 20
"""Bytes of a part; a store that takes parts takes ten thousand of them."""


class StorageFailed(Exception):
    """The store did not take what was written."""


class Output:
    """A file that is being written."""

    def __init__(self, writer: Any) -> None:  # noqa: ANN401 - obstore gives its class no name
        self._writer = writer
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: Bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        with _storing():
            self._writer.write(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def output(url: str, key: str) -> Generator[Output]:
    """Write a file, which appears under its key when the block has ended, unless it raises."""
    with _storing():
        store: Any = from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)
        writer: Any = obstore.open_writer(store, key, buffer_size=_BUFFER, max_concurrency=2)
        writer.__enter__()
    try:
        yield Output(writer)
    except BaseException as error:
        writer.__exit__(type(error), error, error.__traceback__)
        raise
    with _storing():
        writer.__exit__(None, None, None)
        if isinstance(store, LocalStore):
            _settle(Path(str(store.prefix)), key)


@contextmanager
def _storing() -> Generator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageFailed from error


def _settle(root: Path, key: str) -> None:
    """Make the file and the folders it lies in outlive a loss of power: the store does not."""
    path = root / key
    for place in (path, *path.parents):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if place == root:
            return
