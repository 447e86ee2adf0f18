"""Surveys: small exports that are made and looked at, by a process of their own, and forgotten."""

import asyncio
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import orjson

from server.db import Database
from server.export.jobs import Planner
from server.export.recipe import Recipe
from server.export.workers import WorkerLost, WorkerProcess
from server.records.exports import Anonymization

COMMAND = (sys.executable, "-m", "server.export.surveyor")

SECONDS = 10.0
"""How long a survey may take, once the process is there."""

IDLE_SECONDS = 60.0
"""How long the process is kept when nobody asks for anything."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a small export was like; see `server.export.surveyor`."""

    bytes: int
    seconds: float
    files: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    hits: list[dict[str, Any]]


class Surveyor:
    """Makes surveys, one after another."""

    def __init__(self, db: Database, plan: Planner) -> None:
        self._url = db.url.render_as_string(hide_password=False)
        self._plan = plan
        self._process = WorkerProcess(COMMAND)
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def survey(self, recipe: Recipe) -> Survey | None:
        """Return what an export would be like; None if that takes too long, or cannot be told."""
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            try:
                process = await self._process.ready()
                async with asyncio.timeout(SECONDS):
                    return await _ask(process, await asyncio.to_thread(self._line, recipe))
            except (TimeoutError, WorkerLost, ConnectionError):
                await self._process.stop()
                return None
            except BaseException:
                await self._process.stop()
                raise
            finally:
                self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end)

    async def stop(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        async with self._turn:
            await self._process.stop()

    def _end(self) -> None:
        self._ending = asyncio.create_task(self.stop())

    def _line(self, recipe: Recipe) -> bytes:
        """Return what to say to the process. Called on a thread: to plan takes a while."""
        hidden = recipe.model_copy(update={"anonymization": Anonymization.REMOVE_IDENTIFIERS})

        async def plans() -> list[object]:
            db = Database(self._url)
            try:
                async with db.read() as tx:
                    return [await self._planned(tx, each) for each in (recipe, hidden)]
            finally:
                await db.close()

        plan, identified = asyncio.run(plans())
        return orjson.dumps({"job": "survey", "plan": plan, "identified": identified}) + b"\n"

    async def _planned(self, tx: Any, recipe: Recipe) -> object:  # noqa: ANN401 - a connection
        job: Any = SimpleNamespace(id=0, fence=0, recipe=recipe.model_dump(mode="json"))
        return await self._plan(tx, job, "survey")


async def _ask(process: Process, line: bytes) -> Survey | None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    await process.stdin.drain()
    answer = await process.stdout.readline()
    if not answer:
        raise WorkerLost("The process ended.")
    said = cast("dict[str, Any]", orjson.loads(answer)).get("survey")
    return None if said is None else Survey(**said)
