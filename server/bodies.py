"""The bodies of requests, as they come: whoever sends nothing for a while is cut off."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.requests import Request

from server.errors import ExpectedFailure

SILENT_SECONDS = 30
"""How long a sender may send nothing before they are cut off: others wait for their place."""


class TooSlow(ExpectedFailure):
    """Nothing came for a while."""

    code = "REQUEST_TIMEOUT"


async def chunks(request: Request, advice: str) -> AsyncGenerator[bytes]:
    """Yield the body as it comes; TooSlow, with advice, if nothing comes for a while."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise TooSlow(f"Nothing came for {SILENT_SECONDS} s. {advice}") from None
        if chunk is None:
            return
        yield chunk
