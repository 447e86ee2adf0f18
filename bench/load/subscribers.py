"""The subscribers: some on each socket, half of them follow exports, half the records of a room."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PER_SOCKET = 10

_EXPORT = """subscription($id: ID!) { exportProgress(id: $id) {
  status progress { percent completedRows } } }"""
_RECORDS = """subscription($room: String!) {
  recordsAdded(roomId: $room, dataType: CONTINUOUS_RATINGS) { count records { id } } }"""


@dataclass
class Followed:
    """What was told to the subscribers.

    streams  how many began, ended as they must, or otherwise
    records  how many records each follower of the room was told of
    closed   the codes with which sockets were closed
    """

    streams: Counter[str] = field(default_factory=Counter[str])
    records: dict[str, int] = field(default_factory=dict[str, int])
    messages: int = 0
    closed: Counter[int] = field(default_factory=Counter[int])


@dataclass
class Socket:
    """A socket with its subscribers; `an_export` names one that goes on."""

    number: int
    port: int
    key: str
    room: str
    an_export: Callable[[], Awaitable[str]]
    told: Followed

    async def run(self) -> None:
        address = f"ws://127.0.0.1:{self.port}/graphql"
        async with connect(
            address, subprotocols=["graphql-transport-ws"], compression=None, max_size=None
        ) as socket:
            await _say(socket, {"type": "connection_init", "payload": {"X-API-Key": self.key}})
            assert orjson.loads(await socket.recv())["type"] == "connection_ack"
            for n in range(PER_SOCKET):
                if n % 2:
                    await self._follow_records(socket, f"records {n}")
                else:
                    await self._follow_an_export(socket, f"export {n}")
            try:
                while True:
                    await self._hear(socket, orjson.loads(await socket.recv()))
            except ConnectionClosed as closed:
                self.told.closed[closed.rcvd.code if closed.rcvd else 1006] += 1

    async def _hear(self, socket: ClientConnection, said: dict[str, Any]) -> None:
        if said["type"] == "ping":
            await _say(socket, {"type": "pong"})
            return
        name = said["id"]
        if said["type"] == "complete":
            self.told.streams[f"{name.split()[0]}: complete"] += 1
            if name.startswith("export"):
                asyncio.get_running_loop().create_task(self._follow_an_export(socket, name))
            return
        self.told.messages += 1
        if said["type"] != "next" or said["payload"].get("errors"):
            self.told.streams[f"{name.split()[0]}: {orjson.dumps(said['payload'])[:200]!r}"] += 1
        elif name.startswith("records"):
            count = said["payload"]["data"]["recordsAdded"]["count"]
            self.told.records[f"{self.number} {name}"] += count
        elif (status := said["payload"]["data"]["exportProgress"]["status"]) in _OVER:
            self.told.streams[f"export: {status}"] += 1

    async def _follow_records(self, socket: ClientConnection, name: str) -> None:
        self.told.streams["records: begun"] += 1
        self.told.records[f"{self.number} {name}"] = 0
        await _subscribe(socket, name, _RECORDS, {"room": self.room})

    async def _follow_an_export(self, socket: ClientConnection, name: str) -> None:
        export = await self.an_export()
        self.told.streams["export: begun"] += 1
        try:
            await _subscribe(socket, name, _EXPORT, {"id": export})
        except ConnectionClosed:
            self.told.streams["export: begun"] -= 1


_OVER = ("COMPLETED", "FAILED", "CANCELED")


async def _subscribe(
    socket: ClientConnection, name: str, query: str, variables: dict[str, Any]
) -> None:
    payload = {"query": query, "variables": variables}
    await _say(socket, {"id": name, "type": "subscribe", "payload": payload})


async def _say(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(orjson.dumps(message).decode())
