"""ZIP, written forwards only: the same members always give the same bytes.

A small member is held back until it is known, so that its header says everything; a large one is
written as it comes and described behind itself, with 64-bit sizes, as it may outgrow 4 GiB.
"""

import hashlib
import struct
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from isal import isal_zlib as _isal_zlib

from server.export.spool import Bytes

isal_zlib: Any = _isal_zlib  # typed, but not whole

HELD = 1 << 20
"""Bytes of a compressed member that are held back."""

_BLOCK = 1 << 18
"""Bytes that are compressed at a time: what comes out may depend on it."""

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

    name: str
    offset: int
    crc: int
    compressed: int
    size: int
    sha256: str
    streamed: bool


class MemberFile:
    """A member that is being written.

    What is put in is compressed in blocks of one size, and anew from each pause on, so that the
    bytes are the same however it came and whether or not the writer changed at a pause.
    """

    def __init__(self, write: Callable[[Bytes], object], name: str, offset: int) -> None:
        self._write = write
        self._name = name
        self._offset = offset
        self._deflate = _compressor()
        self._hash = hashlib.sha256()
        self._crc = 0
        self._block = bytearray()
        self._held: list[bytes] | None = []
        self._compressed = 0
        self.size = 0

    def write(self, data: Bytes) -> None:
        self._account(data)
        rest = memoryview(data)
        while len(self._block) + len(rest) >= _BLOCK:
            free = _BLOCK - len(self._block)
            self._block += rest[:free]
            rest = rest[free:]
            self._put(self._deflate.compress(self._block))
            self._block = bytearray()
        self._block += rest

    def pause(self) -> bool:
        """Write out all that was put in; say whether another process could go on from here."""
        self._put(self._deflate.compress(self._block) + self._deflate.flush(isal_zlib.Z_FULL_FLUSH))
        self._block = bytearray()
        self._deflate = _compressor()
        return self._held is None

    def go_on(self, written: Iterable[bytes]) -> None:
        """Take up a member that was paused, given the file from where the member begins."""
        header = len(_local_header(self._begun()))
        inflate = isal_zlib.decompressobj(_RAW)
        self._held = None
        for chunk in written:
            data, header = chunk[header:], max(0, header - len(chunk))
            self._compressed += len(data)
            self._account(inflate.decompress(data))

    def close(self) -> Member:
        self._put(self._deflate.compress(self._block) + self._deflate.flush())
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
            sizes = (member.compressed, member.size)
            self._write(struct.pack("<4sIQQ", b"PK\7\10", member.crc, *sizes))
        else:
            self._write(_local_header(member) + b"".join(self._held))
        return member

    def _account(self, data: Bytes) -> None:
        self.size += len(data)
        self._crc = isal_zlib.crc32(data, self._crc)
        self._hash.update(data)

    def _begun(self) -> Member:
        return Member(self._name, self._offset, 0, 0, 0, "", streamed=True)

    def _put(self, data: bytes) -> None:
        if not data:
            return
        self._compressed += len(data)
        if self._held is None:
            self._write(data)
            return
        self._held.append(data)
        if self._compressed > HELD:
            self._write(_local_header(self._begun()) + b"".join(self._held))
            self._held = None


class ZipWriter:
    """An archive that is being written, to what only takes more; perhaps from some place on."""

    def __init__(
        self, write: Callable[[Bytes], object], size: int = 0, members: Iterable[Member] = ()
    ) -> None:
        self._put = write
        self._size = size
        self.members = list(members)

    @contextmanager
    def member(
        self, name: str, at: int | None = None, written: Iterable[bytes] = ()
    ) -> Generator[MemberFile]:
        """Write a member; what was written is among `members` when the block has ended.

        One that was paused is gone on with: `at` is where it begins, `written` what is there.
        """
        self.begun = self._size if at is None else at
        file = MemberFile(self._write, name, self.begun)
        if at is not None:
            file.go_on(written)
        yield file
        self.members.append(file.close())

    def close(self) -> None:
        """Write the list of members, which makes it an archive."""
        start = self._size
        for member in self.members:
            self._write(_central_header(member))
        self._write(_end(len(self.members), self._size - start, start))

    def _write(self, data: Bytes) -> None:
        self._put(data)
        self._size += len(data)


def _compressor() -> Any:  # noqa: ANN401 - typed, but not whole
    return isal_zlib.compressobj(_LEVEL, _DEFLATE, _RAW)


def _local_header(member: Member) -> bytes:
    if member.streamed:
        extra = struct.pack("<HHQQ", 1, 16, 0, 0)
        version, flags, crc, sizes = _ZIP64, _UTF8 | _SIZES_BEHIND, 0, (_U32, _U32)
    else:
        extra = b""
        version, flags, crc, sizes = _PLAIN, _UTF8, member.crc, (member.compressed, member.size)
    name = member.name.encode()
    lengths = (len(name), len(extra))
    fields = (b"PK\3\4", version, flags, _DEFLATE, 0, _DAY, crc, *sizes, *lengths)
    return struct.pack("<4sHHHHHIIIHH", *fields) + name + extra


def _central_header(member: Member) -> bytes:
    wide = member.streamed or member.offset >= _U32
    version = _ZIP64 if wide else _PLAIN
    flags = _UTF8 | (_SIZES_BEHIND if member.streamed else 0)
    places = (member.size, member.compressed, member.offset)
    extra = struct.pack("<HHQQQ", 1, 24, *places) if wide else b""
    size, compressed, offset = (_U32, _U32, _U32) if wide else places
    name = member.name.encode()
    made_by = 3 << 8 | version  # on Unix, so that files get sensible rights
    return (
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            *(b"PK\1\2", made_by, version, flags, _DEFLATE, 0, _DAY, member.crc),
            *(compressed, size, len(name), len(extra), 0, 0, 0, _UNIX_FILE, offset),
        )
        + name
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
