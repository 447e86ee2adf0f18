"""Putting the finished file into the store, where it appears whole or not at all."""

import errno
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from server.export.spool import Spool, StorageFailed, storing
from server.storage import settle


def publish(file: Spool, url: str, key: str) -> None:
    """Move a file to its key: by renaming it, where it lies on the same disk as the store."""
    root = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
    with storing():
        file.settle()
        there = root is not None and _renamed(file.path, root / key)
    if not there:
        _put(url, key, file.path)
    if root is not None:
        with storing():
            settle(root, root / key)


def _renamed(source: Path, target: Path) -> bool:
    """Rename a file; False if the two places are on different disks."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _put(url: str, key: str, path: Path) -> None:
    try:
        store: Any = from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)
        obstore.put(store, key, path)
    except (BaseError, OSError) as error:
        raise StorageFailed from error
