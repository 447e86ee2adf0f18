"""Waiting for a while."""

import asyncio
from contextlib import suppress


async def comes(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for a while; tell whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
