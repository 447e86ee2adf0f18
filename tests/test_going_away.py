"""A server that is told to stop while it is followed: sockets hear of it, work goes on later."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import LiveServer, serving
from tests.test_crash import CREATE, LOOK, WHOLE
from tests.test_sockets import PROGRESS, a_socket, ask, closing_reason, enter, hear

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]


async def asked(server: LiveServer, query: str, **variables: Any) -> dict[str, Any]:
    async with httpx2.AsyncClient(headers={"X-API-Key": server.keys["owner"]}, timeout=30) as http:
        body = {"query": query, "variables": variables}
        answer = await http.post(f"{server.url}/graphql", json=body)
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_sockets_are_told_and_exports_go_on_at_the_next_start(
    demo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(demo, folder)
    with serving(folder) as server:
        created = await asked(server, CREATE, input={**WHOLE, "format": "JSON"})
        export = created["exportCreate"]["export"]["id"]
        async with a_socket(server) as watching, a_socket(server) as silent:
            await enter(watching, {"X-API-Key": server.keys["owner"]})
            await ask(watching, "1", PROGRESS, id=export)
            while await status(watching) != "RUNNING":
                pass
            began = time.monotonic()
            server.process.terminate()
            code, reason = await closing_reason(watching)
            assert (code, "connect again" in reason) == (1001, True)
            assert (await closing_reason(silent))[0] == 1001
            await asyncio.to_thread(server.process.wait, 30)
            assert time.monotonic() - began < 10  # what it may take before it is killed
    with serving(folder) as again:
        async with a_socket(again) as watching:
            await enter(watching, {"X-API-Key": again.keys["owner"]})
            await ask(watching, "1", PROGRESS, id=export)
            while await status(watching) != "COMPLETED":
                pass
        found = await asked(again, LOOK, id=export)
        ledger = found["export"]["manifest"]["ledger"]
        assert all(each["selected"] == each["written"] for each in ledger)


async def status(socket: Any) -> str:
    said: str = (await hear(socket))["payload"]["data"]["exportProgress"]["status"]
    return said
