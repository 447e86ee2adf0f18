"""Putting the finished file into the store, where it appears whole or not at all."""

import errno
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError

from server.export.spool import Spool, StorageFailed, storing
from server.export.tables import Plan
from server.object_stores import PARTS_AT_ONCE, open_store, part_size
from server.settling import settle


def publish(file: Spool, plan: Plan) -> None:
    """Move a file to its key: by renaming it, where it lies on the same disk as the store."""
    url, key = plan.storage_url, plan.storage_key
    root = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
    with storing():
        file.settle()
        there = root is not None and _renamed(file.path, root / key)
    if not there:
        _put(file, plan)
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


def _put(file: Spool, plan: Plan) -> None:
    """Send a file in parts: of a large one, too, only a few are in memory."""
    try:
        store = open_store(plan.storage_url, plan.storage_endpoint)
        obstore.put(
            store,
            plan.storage_key,
            file.path,
            chunk_size=part_size(file.size),
            max_concurrency=PARTS_AT_ONCE,
        )
    except (BaseError, OSError) as error:
        raise StorageFailed from error
