"""Our server, which tells at `/delays` how late its event loop was since it was last asked.

    python -m bench.exports.watched PORT FOLDER

A task sleeps for ten milliseconds, again and again, and notes how many more it took. All else is as
shipped.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from server import serving
from server.app import create_app
from server.settings import Settings

SLEEP = 0.01

delays: list[float] = []
tasks: set[asyncio.Task[None]] = set()


async def watch() -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(SLEEP)
        delays.append(1000 * (time.perf_counter() - start - SLEEP))


def watched(settings: Settings) -> Any:
    app = create_app(settings)

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            tasks.add(asyncio.create_task(watch()))
        if scope["type"] == "http" and scope["path"] == "/delays":
            head = {"type": "http.response.start", "status": 200, "headers": []}
            await send(head)
            await send({"type": "http.response.body", "body": json.dumps(delays).encode()})
            delays.clear()
        else:
            await app(scope, receive, send)

    return asked


if __name__ == "__main__":
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    with patch.object(serving, "create_app", watched):
        serving.run(Settings(data_dir=folder), "127.0.0.1", port)
