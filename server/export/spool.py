"""The file of an export while it is written: on local disk, and gone on with after a crash.

    7/work/data         what was written so far
    7/work/state.json   how much of it is certain, and what a writer needs to go on from there

A checkpoint first brings the data to disk, then says so: after a crash, what lies behind the last
checkpoint is cut off and written again. A lock tells whether another process, perhaps one that
was taken for dead, still writes here: then the export is written from its beginning elsewhere.
"""

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import orjson

Bytes = bytes | memoryview
State = dict[str, Any]

CHUNK = 1 << 20
"""Bytes read at a time."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StorageFailed(Exception):
    """What was written could not be kept."""


class StorageFull(StorageFailed):
    """There is no space left for what was written."""


@dataclass(frozen=True)
class Job:
    """What is written, by which attempt, and how often that makes it certain.

    identity  of what is written: only a file of the same is gone on with
    attempt   tells attempts apart, for those who ask whether one got anywhere
    seconds   from one checkpoint to the next, at least
    """

    identity: str
    attempt: str
    seconds: float


class Spool:
    """A file that is being written; `state` is what its last checkpoint noted, if it is gone on."""

    def __init__(self, folder: Path, file: IO[bytes], job: "Job") -> None:
        self._folder = folder
        self._file = file
        self._job = job
        self._noted = time.monotonic()
        self._hash = hashlib.sha256()
        self.path = folder / "data"
        self.size = 0
        self.state: State = {}
        self._go_on()

    def write(self, data: Bytes) -> None:
        """Add to the file."""
        with storing():
            self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def checkpoint(self, state: Callable[[], State]) -> None:
        """Make all that was written certain, if that was not just done."""
        if time.monotonic() - self._noted < self._job.seconds:
            return
        note = {
            "identity": self._job.identity,
            "attempt": self._job.attempt,
            "size": self.size,
            "state": state(),
        }
        draft = self._folder / "draft.json"
        with storing():
            self.settle()
            with draft.open("wb") as file:
                file.write(orjson.dumps(note))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._folder / "state.json")
        self._noted = time.monotonic()

    def settle(self) -> None:
        """Bring all that was written to disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def read(self, start: int) -> Iterator[bytes]:
        """Read what was written, from some place on."""
        self._file.flush()
        with self.path.open("rb") as file:
            file.seek(start)
            while chunk := file.read(CHUNK):
                yield chunk

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def _go_on(self) -> None:
        """Take up what an earlier attempt at the same made certain; else begin anew."""
        note = _noted(self._folder)
        is_ours = note.get("identity") == self._job.identity
        if not is_ours or note["size"] > self._file.seek(0, os.SEEK_END):
            self._file.seek(0)
            (self._folder / "state.json").unlink(missing_ok=True)
        else:
            self.size, self.state = note["size"], note["state"]
            self._file.seek(self.size)
        self._file.truncate()
        if self.size:
            for chunk in self.read(0):
                self._hash.update(chunk)


def _noted(folder: Path) -> State:
    try:
        note: State = orjson.loads((folder / "state.json").read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return note


@contextmanager
def spool(folder: Path, job: Job) -> Generator[Spool]:
    """Write the file of an export, which nobody else does meanwhile."""
    with ExitStack() as stack:
        with storing():
            place = _locked(folder / "work", stack) or _locked(folder / uuid4().hex, stack)
            assert place is not None
            handle = os.open(place / "data", os.O_RDWR | os.O_CREAT, 0o600)
            file = stack.enter_context(os.fdopen(handle, "r+b"))
            opened = Spool(place, file, job)
        yield opened


def _locked(folder: Path, stack: ExitStack) -> Path | None:
    """Return a folder that is now ours, until the stack is closed; None if it is another's."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    stack.callback(os.close, handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return folder


@contextmanager
def storing() -> Generator[None]:
    """Turn errors of the disk into ours."""
    try:
        yield
    except OSError as error:
        raise (StorageFull if error.errno in _FULL else StorageFailed) from error
