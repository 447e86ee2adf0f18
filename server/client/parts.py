"""A download that is not whole yet: `FILE.part`, and beside it `FILE.part.json`, what it is of.

Neither holds the API key or a link. What is in the part is hashed again when it is taken up, so
that the whole is proved without being read twice.
"""

import errno
import hashlib
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import orjson

from server.errors import ExpectedFailure

PART, STATE = ".part", ".part.json"

_PIECE = 1 << 20
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CannotWrite(ExpectedFailure):
    """The disk does not take the file."""

    code = "CANNOT_WRITE"


class NotThisPart(ExpectedFailure):
    """What was begun there is something else, or cannot be read."""

    code = "OTHER_PART"


@contextmanager
def written(path: Path) -> Generator[None]:
    """Turn what the disk refuses into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise CannotWrite(
                f"There is no space left for {path.name}: make room and run the same command "
                "again; it goes on where it stopped."
            ) from error
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise CannotWrite(
            f"{path} cannot be written ({why}): choose another place with --output."
        ) from error


@dataclass
class Begun:
    """What a part is of: the server, what was asked of it, and the export that came of it.

    `etag` names the bytes that the part has; `recipe` is the file whose export is repeated.
    """

    url: str
    input: Mapping[str, Any]
    recipe: str | None = None
    idempotency_key: str = field(default_factory=lambda: uuid4().hex)
    export_id: str | None = None
    etag: str | None = None

    def asks_the_same(self, other: "Begun") -> bool:
        return (self.url, self.input) == (other.url, other.input)


class Part:
    """The part of a file that will be `path`, or be named by the server if `folder` is given."""

    def __init__(self, path: Path, *, folder: Path | None = None) -> None:
        self.path = path
        self.folder = folder
        self._part = path.with_name(path.name + PART)
        self._state = path.with_name(path.name + STATE)
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    def begun(self) -> Begun | None:
        """Return what was begun here, None if nothing was."""
        try:
            return Begun(**orjson.loads(self._state.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, TypeError, orjson.JSONDecodeError) as error:
            raise NotThisPart(
                f"{self._state} cannot be read: delete it and {self._part.name} to begin anew."
            ) from error

    def note(self, begun: Begun) -> None:
        """Keep what was begun, so that it can be gone on with whatever happens."""
        draft = self._state.with_name(self._state.name + "~")
        with written(self._state):
            self._state.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(orjson.dumps(begun.__dict__, option=orjson.OPT_INDENT_2))
            draft.replace(self._state)

    def open(self) -> None:
        """Take up what is there."""
        with written(self._part):
            self._file = self._part.open("a+b", buffering=0)
            self._file.seek(0)
            while piece := self._file.read(_PIECE):
                self._hash.update(piece)
                self.size += len(piece)

    def write(self, data: bytes) -> None:
        """Append some bytes."""
        assert self._file is not None
        left = memoryview(data)
        with written(self.path):
            while left:
                done = self._file.write(left)
                self._hash.update(left[:done])
                self.size += done
                left = left[done:]

    def restart(self) -> None:
        """Let go of what is there."""
        assert self._file is not None
        with written(self.path):
            self._file.truncate(0)
        self._hash, self.size = hashlib.sha256(), 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def target(self, name: str) -> Path:
        """Return where the whole file will be, given what the server calls it."""
        return self.path if self.folder is None else self.folder / name

    def finish(self, name: str) -> Path:
        """Put the whole file in its place, and forget that it was a part; return where it is."""
        assert self._file is not None
        target = self.target(name)
        with written(target):
            os.fsync(self._file.fileno())
            self.close()
            self._part.replace(target)
            self._state.unlink(missing_ok=True)
        return target

    def forget(self) -> None:
        """Remove what was begun."""
        self.close()
        with written(self.path):
            self._part.unlink(missing_ok=True)
            self._state.unlink(missing_ok=True)


def part_of(resumed: Path) -> Part:
    """Return the part that a path means, be it that of the file, the part, or its state."""
    name = resumed.name
    for ending in (STATE, PART):
        name = name.removesuffix(ending)
    return Part(resumed.with_name(name), folder=_folder_of(resumed.with_name(name)))


def part_for(output: Path | None, asked: Begun) -> Part:
    """Return the part for an output: a file, or a folder for a file that the server will name."""
    if output is not None and not output.is_dir() and not str(output).endswith(os.sep):
        return Part(output)
    folder = output or Path()
    told = orjson.dumps([asked.url, asked.input], option=orjson.OPT_SORT_KEYS)
    number = hashlib.sha256(told).hexdigest()[:12]
    return Part(folder / f"{_UNNAMED}{number}", folder=folder)


_UNNAMED = "hyperdata-export-"


def _folder_of(path: Path) -> Path | None:
    return path.parent if path.name.startswith(_UNNAMED) else None
