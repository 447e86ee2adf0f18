"""Files from one store into another: what is there already, as long as it should be, stays."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from server.copying.running import Begin, CopyDiffers
from server.storage import Storage


@dataclass(frozen=True, slots=True)
class CopiedFiles:
    """How many files there are, and how many of them came just now, with how many bytes."""

    total: int
    came: int
    bytes: int


async def copy_files(source: Storage, target: Storage, watch: Begin) -> CopiedFiles:
    """Copy all files, and read back what came; CopyDiffers if that is not what was sent."""
    keys = await source.everything()
    tell = watch("Copying files", len(keys))
    came = copied = 0
    for key in keys:
        size = await source.size(key)
        if size is not None and size != await target.size(key):
            await _copy(source, target, key)
            came, copied = came + 1, copied + size
        tell(1)
    return CopiedFiles(len(keys), came, copied)


async def _copy(source: Storage, target: Storage, key: str) -> None:
    sent = hashlib.sha256()

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in source.stream(key):
            sent.update(piece)
            yield piece

    await target.put(key, pieces())
    arrived = hashlib.sha256()
    async for piece in target.stream(key):
        arrived.update(piece)
    if arrived.digest() != sent.digest():
        await target.delete(key)
        raise CopyDiffers("A file did not arrive as it was sent: look at the target's disk.")
