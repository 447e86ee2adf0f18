"""Lines of NDJSON, read as records while they come in, however they are cut into chunks."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import orjson

from server.ingest.refusals import Refusal, Unreadable
from server.ingest.sorting import Batch, read_batch
from server.records.quarantine import RefusalCode

LONGEST_LINE = 1024 * 1024
"""Bytes that a line may have."""

KEPT_TEXT = 10_000
"""Characters that are kept of a line that is no record."""

BATCH_BYTES = 4 * 1024 * 1024
"""After so many bytes of lines they are stored, if there are not as many as a batch holds yet."""

_NOT_JSON = Refusal(RefusalCode.NOT_JSON, "The line is not JSON: send one object a line, in UTF-8.")
_TOO_LONG = Refusal(
    RefusalCode.TOO_LARGE,
    f"A line may have at most {LONGEST_LINE:,} bytes: this one is not stored, and only its first "
    f"{KEPT_TEXT:,} characters are in quarantine.",
)


async def batches(chunks: AsyncIterable[bytes], most: int) -> AsyncGenerator[Batch]:
    """Yield the records of lines as they are read, some thousands at a time.

    The next are being read while one is put away: the database writes in a thread of its own.
    """
    async with aclosing(_batches(chunks, most)) as read:

        async def following() -> Batch | None:
            return await anext(read, None)

        coming = asyncio.create_task(following())
        try:
            while (batch := await coming) is not None:
                coming = asyncio.create_task(following())
                yield batch
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _batches(chunks: AsyncIterable[bytes], most: int) -> AsyncGenerator[Batch]:
    async with aclosing(_records(chunks, most)) as some:
        async for records in some:
            yield await read_batch(records)


async def _records(chunks: AsyncIterable[bytes], most: int) -> AsyncGenerator[list[object]]:
    """Yield what lines hold, some thousands at a time; empty ones are passed over."""
    batch: list[object] = []
    size = 0
    async for line in _lines(chunks):
        if not line.strip():
            continue
        batch.append(_record(line))
        size += len(line)
        if len(batch) == most or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Yield lines, of those that are too long no more than tells so."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        for line in lines:
            yield line
        rest = rest[: LONGEST_LINE + 1]
    yield rest


def _record(line: bytes) -> object:
    if len(line) > LONGEST_LINE:
        return Unreadable(_kept(line), _TOO_LONG)
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return Unreadable(_kept(line), _NOT_JSON)


def _kept(line: bytes) -> str:
    return line[: 4 * KEPT_TEXT].decode(errors="replace")[:KEPT_TEXT]
