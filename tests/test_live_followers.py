"""Many who follow a room, over websockets: each gets each record once, whatever breaks."""

import asyncio
import json
import shutil
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from server.arrivals import take_rooms
from server.db import Database
from server.records.continuous_ratings import ContinuousRating
from tests.factories import (
    Row,
    a_continuous_rating,
    save,
)
from tests.job_queue import until_true
from tests.live_server import Lab, Server
from tests.postgres import Server as Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]

ADDED = """subscription ($room: String!, $after: String) {
  recordsAdded(roomId: $room, dataType: CONTINUOUS_RATINGS, after: $after) {
    cursor records { id participantId timestamp ... on ContinuousRating { ratingId value } } } }"""
PROTOCOL = Subprotocol("graphql-transport-ws")
HERTZ = 10
CHANCE = Random(4)


class Follower:
    """Somebody who keeps the last cursor, and goes on from there whenever the connection breaks."""

    def __init__(self, server: Server, lab: Lab) -> None:
        self._address = server.address.replace("http", "ws") + "/graphql"
        self._lab = lab
        self._socket: ClientConnection | None = None
        self.cursor: str | None = None
        self.told: list[str] = []
        self.connections = 0
        self.started = asyncio.Event()

    async def follow(self, last: "asyncio.Future[str]") -> None:
        """Follow until a record comes whose id is set by then."""
        while not self._is_told(last):
            with suppress(OSError, WebSocketException):
                async with connect(
                    self._address, subprotocols=[PROTOCOL], open_timeout=30
                ) as self._socket:
                    self.connections += 1
                    await self._listen(self._socket, last)

    def drop(self) -> None:
        """Cut the connection, without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _listen(self, socket: ClientConnection, last: "asyncio.Future[str]") -> None:
        await self._say(socket, type="connection_init", payload={"X-API-Key": self._lab.key})
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        variables = {"room": self._lab.room["room_id"], "after": self.cursor}
        asked = {"query": ADDED, "variables": variables}
        await self._say(socket, id="1", type="subscribe", payload=asked)
        while not self._is_told(last):
            message = json.loads(await socket.recv())
            if message["type"] == "ping":
                continue
            batch = message["payload"]["data"]["recordsAdded"]
            self.told += [record["ratingId"] for record in batch["records"]]
            self.cursor = batch["cursor"]
            self.started.set()

    def _is_told(self, last: "asyncio.Future[str]") -> bool:
        return last.done() and last.result() in self.told

    @staticmethod
    async def _say(socket: ClientConnection, **message: Any) -> None:
        await socket.send(json.dumps(message))


class Writer:
    """Stores samples of some participants, a row each at once, ten times a second."""

    def __init__(self, db: Database, people: Sequence[Row]) -> None:
        self._db, self._people = db, people
        self.written: list[str] = []

    async def write(self, seconds: float) -> None:
        for _ in range(round(seconds * HERTZ)):
            await asyncio.gather(self._one(), asyncio.sleep(1 / HERTZ))

    async def _one(self) -> None:
        rows = [a_continuous_rating(person) for person in self._people]
        async with self._db.write() as tx:
            await take_rooms(tx, [row["room_key"] for row in rows])
            values = [{k: v for k, v in row.items() if k != "id"} for row in rows]
            await tx.execute(insert(ContinuousRating), values)
            await asyncio.sleep(CHANCE.uniform(0, 0.02))  # others may have later keys by now
        self.written += [row["rating_id"] for row in rows]


async def all_is_told(
    folder: Path, url: str, *, followers: int, writers: int, seconds: float
) -> None:
    """Have followers follow a room of four, and lose their connections, and the server."""
    db = Database(url)
    lab = Lab(db)
    await lab.save()
    people = lab.people
    server = Server(folder, url)
    last: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    try:
        await server.start()
        all_ = [Follower(server, lab) for _ in range(followers)]
        following = [asyncio.create_task(each.follow(last)) for each in all_]
        await asyncio.gather(*(each.started.wait() for each in all_))

        each_of = [people[n::writers] for n in range(writers)]
        writing = [Writer(db, some) for some in each_of]
        written = [asyncio.create_task(writer.write(seconds)) for writer in writing]
        for each in all_:
            await asyncio.sleep(seconds / 3 / followers)
            each.drop()
        await until_true(lambda: all(each.connections > 1 for each in all_))
        await server.kill()
        await server.start()
        await asyncio.gather(*written)

        end = a_continuous_rating(people[0])
        del end["id"]
        await save(db, end)
        last.set_result(end["rating_id"])
        await asyncio.wait_for(asyncio.gather(*following), 60)
    finally:
        server.close()
        await db.close()
    expected = {end["rating_id"]}.union(*(writer.written for writer in writing))
    assert len(expected) == round(seconds * HERTZ) * len(people) + 1
    for each in all_:
        assert len(each.told) == len(expected)
        assert set(each.told) == expected
        assert each.told == all_[0].told  # in one order
        assert each.connections >= 3


async def test_two_hundred_followers_get_every_record_once(
    tmp_path: Path, migrated_file: Path
) -> None:
    shutil.copyfile(migrated_file, tmp_path / "hyperdata.db")
    url = f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db"
    await all_is_told(tmp_path, url, followers=200, writers=1, seconds=8)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Generator[str]:
    with postgres.lent() as url:
        yield url


async def test_so_they_do_of_several_writers(tmp_path: Path, postgres_url: str) -> None:
    await all_is_told(tmp_path, postgres_url, followers=20, writers=4, seconds=5)
