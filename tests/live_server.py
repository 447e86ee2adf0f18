"""A server process that can be killed, over a room that can be followed."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

from server.api_keys import issue
from server.db import Database
from tests.conftest import answering, free_port
from tests.factories import Row, a_participant, a_room, a_user, an_experiment, save


class Server:
    """A server process that can be killed, and started again at the same port."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self._port = free_port()
        self._running = ExitStack()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        await asyncio.to_thread(self._start)

    async def kill(self) -> None:
        """Kill it: it has no time to tell anybody."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        self._running.close()

    def close(self) -> None:
        self._running.close()

    def _start(self) -> None:
        command = "serve", "--port", str(self._port), "--data-dir", str(self._folder)
        environment = {"HYPERDATA_DATABASE_URL": self._url, "HYPERDATA_EXPORT_WORKERS": "0"}
        running = answering(self._port, *command, environment=environment)
        self._process = self._running.enter_context(running)


class Lab:
    """A room that is going on, with four people, and a key of its owner's."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.experiment: Row
        self.room: Row
        self.people: list[Row] = []
        self.key = ""

    async def save(self) -> None:
        owner = a_user()
        self.experiment = an_experiment(owner)
        self.room = a_room(self.experiment, status="ACTIVE")
        self.people = [a_participant(self.room, status="ACTIVE") for _ in range(4)]
        await save(self.db, owner, self.experiment, self.room, *self.people)
        async with self.db.write() as tx:
            self.key = await issue(tx, owner.key, "test")
