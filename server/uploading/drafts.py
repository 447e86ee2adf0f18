"""A file while it comes in: on local disk, under a name that says where it is to be stored.

    uploads/17-9f86d081884c7d65.webm   of recording 17, for recordings/17-9f86d081884c7d65.webm

It is locked while it is written. It stays until it is known whether the recording has it, so that
what a crash leaves, here and in the store, is found by name and swept away.
"""

import asyncio
import fcntl
import hashlib
import logging
import os
import secrets
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.errors import Busy
from server.records import RecordType
from server.records.recordings import Recording
from server.records.sealed import SealedRecord
from server.storage import Storage

log = logging.getLogger(__name__)


class Draft:
    """A file that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sha256 = hashlib.sha256()
        self.undecided = False
        """Whether it may be in the store, and the recording's: then it must stay."""

        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "wb")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    @property
    def storage_key(self) -> str:
        return storage_key(self.path)

    def write(self, data: bytes | bytearray) -> None:
        self._file.write(data)
        self.sha256.update(data)

    def settle(self) -> None:
        """Bring all that was written to disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Delete it, unless it must stay."""
        self._file.close()
        if not self.undecided:
            self.path.unlink(missing_ok=True)


@contextmanager
def drafting(folder: Path, recording_key: int, suffix: str) -> Generator[Draft]:
    """Open a file that is gone when the block ends, unless it must stay."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = Draft(folder / f"{recording_key}-{secrets.token_hex(8)}.{suffix}")
    try:
        yield draft
    finally:
        draft.close()


def storage_key(path: Path) -> str:
    """Return where the file of a draft is to be stored."""
    return f"recordings/{path.name}"


async def sweep(folder: Path, db: Database, storage: Storage) -> None:
    """Delete what was broken off by a crash, here and in the store: later, if that is away."""
    try:
        await _sweep(folder, db, storage)
    except Busy:
        log.warning("Uploads that were broken off are left until the next start")


async def _sweep(folder: Path, db: Database, storage: Storage) -> None:
    async for path, recording in _left(folder):
        key = storage_key(path)
        async with db.read() as tx:
            kept = await tx.scalar(
                select(col(Recording.id)).where(
                    col(Recording.id) == recording, col(Recording.storage_key) == key
                )
            )
            sealed = await tx.scalar(
                select(col(SealedRecord.id)).where(
                    col(SealedRecord.data_type) == RecordType.RECORDINGS.name,
                    col(SealedRecord.record_key) == recording,
                    col(SealedRecord.content).contains(key, autoescape=True),
                )
            )
        if kept is None and sealed is None:
            await storage.delete(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _left(folder: Path) -> AsyncIterator[tuple[Path, int]]:
    for path in await asyncio.to_thread(lambda: sorted(folder.glob("*-*.*"))):
        recording = path.name.partition("-")[0]
        if recording.isdecimal() and await asyncio.to_thread(_is_left, path):
            yield path, int(recording)


def _is_left(path: Path) -> bool:
    """Say whether nobody, of another server on this folder, is writing a file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True
