"""ZIP, written forwards only: the same members always give the same bytes.

A small member is held back until it is known, so that its header says everything; a large one is
written as it comes and described behind itself, with 64-bit sizes, as it may outgrow 4 GiB.
"""

import hashlib
import struct
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from isal import isal_zlib as _isal_zlib

from server.export.store import Bytes

isal_zlib: Any = _isal_zlib  # typed, but not whole

HELD = 1 << 20
"""Bytes of a compressed member that are held back."""

_LEVEL = 2
_DEFLATE, _RAW = 8, -15
_DAY = 33  # 1980-01-01, the earliest there is
_UTF8, _SIZES_BEHIND = 1 << 11, 1 << 3
_PLAIN, _ZIP64 = 20, 45  # versions of the format
_UNIX_FILE = 0o100644 << 16
_U16, _U32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True)
class Member:
    """A member that is complete; `size` and `sha256` are of what was put in."""

    name: bytes
    offset: int
    crc: int
    compressed: int
    size: int
    sha256: str
    streamed: bool


class MemberFile:
    """A member that is being written."""

    def __init__(self, write: Callable[[Bytes], object], name: str, offset: int) -> None:
        self._write = write
        self._name = name.encode()
        self._offset = offset
        self._deflate = isal_zlib.compressobj(_LEVEL, _DEFLATE, _RAW)
        self._hash = hashlib.sha256()
        self._crc = 0
        self._held: list[bytes] | None = []
        self._compressed = 0
        self.size = 0

    def write(self, data: Bytes) -> None:
        self.size += len(data)
        self._crc = isal_zlib.crc32(data, self._crc)
        self._hash.update(data)
        self._put(self._deflate.compress(data))

    def close(self) -> Member:
        self._put(self._deflate.flush())
        member = Member(
            self._name,
            self._offset,
            self._crc,
            self._compressed,
            self.size,
            self._hash.hexdigest(),
            streamed=self._held is None,
        )
        if self._held is None:
            sizes = (self._crc, self._compressed, self.size)
            self._write(struct.pack("<4sIQQ", b"PK\7\x08", *sizes))
        else:
            self._write(_local_header(member) + b"".join(self._held))
        return member

    def _put(self, data: bytes) -> None:
        self._compressed += len(data)
        if self._held is None:
            self._write(data)
            return
        self._held.append(data)
        if self._compressed > HELD:
            begun = Member(self._name, self._offset, 0, 0, 0, "", streamed=True)
            self._write(_local_header(begun) + b"".join(self._held))
            self._held = None


class ZipWriter:
    """An archive that is being written, from some place on, to what only takes more."""

    def __init__(self, write: Callable[[Bytes], object], start: int = 0) -> None:
        self._put = write
        self._size = start
        self._members: list[Member] = []

    @contextmanager
    def member(self, name: str) -> Generator[MemberFile]:
        """Write a member; what was written is among `members` when the block has ended."""
        file = MemberFile(self._write, name, self._size)
        yield file
        self._members.append(file.close())

    @property
    def last(self) -> Member:
        return self._members[-1]

    def close(self) -> None:
        """Write the list of members, which makes it an archive."""
        start = self._size
        for member in self._members:
            self._write(_central_header(member))
        self._write(_end(len(self._members), self._size - start, start))

    def _write(self, data: Bytes) -> None:
        self._put(data)
        self._size += len(data)


def _local_header(member: Member) -> bytes:
    if member.streamed:
        extra = struct.pack("<HHQQ", 1, 16, 0, 0)
        version, flags, crc, sizes = _ZIP64, _UTF8 | _SIZES_BEHIND, 0, (_U32, _U32)
    else:
        extra = b""
        version, flags, crc, sizes = _PLAIN, _UTF8, member.crc, (member.compressed, member.size)
    lengths = (len(member.name), len(extra))
    fields = (b"PK\3\4", version, flags, _DEFLATE, 0, _DAY, crc, *sizes, *lengths)
    return struct.pack("<4sHHHHHIIIHH", *fields) + member.name + extra


def _central_header(member: Member) -> bytes:
    wide = member.streamed or member.offset >= _U32
    version = _ZIP64 if wide else _PLAIN
    flags = _UTF8 | (_SIZES_BEHIND if member.streamed else 0)
    places = (member.size, member.compressed, member.offset)
    extra = struct.pack("<HHQQQ", 1, 24, *places) if wide else b""
    size, compressed, offset = (_U32, _U32, _U32) if wide else places
    made_by = 3 << 8 | version  # on Unix, so that files get sensible rights
    return (
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            *(b"PK\1\2", made_by, version, flags, _DEFLATE, 0, _DAY, member.crc),
            *(compressed, size, len(member.name), len(extra), 0, 0, 0, _UNIX_FILE, offset),
        )
        + member.name
        + extra
    )


def _end(count: int, size: int, start: int) -> bytes:
    wide = b""
    if count >= _U16 or start + size >= _U32:
        record = (b"PK\6\6", 44, 3 << 8 | _ZIP64, _ZIP64, 0, 0, count, count, size, start)
        wide = struct.pack("<4sQHHIIQQQQ", *record)
        wide += struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
    narrow = (min(count, _U16), min(count, _U16), min(size, _U32), min(start, _U32))
    return wide + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, *narrow, 0)
