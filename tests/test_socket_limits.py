"""What a socket may hold of the server, and that it lets go of it: however it ends."""

import asyncio
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server.endpoint import sockets
from server.global_ids import type_and_key
from server.records.exports import Export, ExportStatus
from server.wire import SocketProtocol
from tests.conftest import Api, opened
from tests.factories import (
    Row,
    a_continuous_rating,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    save,
)
from tests.job_queue import until_true
from tests.served_here import Served, served
from tests.test_open_sockets import a_running_export
from tests.test_sockets import (
    PROGRESS,
    SECONDS,
    a_socket,
    ask,
    closing_code,
    enter,
    hear,
    name_of_viewer,
    say,
)

pytestmark = pytest.mark.anyio

ADDED = """subscription ($room: String!, $after: String) {
  recordsAdded(roomId: $room, dataType: CONTINUOUS_RATINGS, after: $after) {
    cursor records { id participantId timestamp ... on ContinuousRating { ratingId value } } } }"""


AT_LENGTH = ADDED.replace("{ id", "{ " + " ".join(f"again{n}: id" for n in range(40)) + " id")
"""Asks for two megabytes of each thousand records: the system alone holds several of them."""


class Impatient(SocketProtocol):
    """Gives a client little time, so that a test need not wait."""

    stalled_seconds = 0.3
    last_seconds = 3


class Lab:
    """A server with bounds that are soon reached, and a room with much to tell."""

    def __init__(self, api: Api, at: Served, owner: Row, room: Row, key: str) -> None:
        self.api, self.at, self.owner, self.room, self.key = api, at, owner, room, key

    @property
    def following(self) -> int:
        """How many operations the server tells of exports or records."""
        services = self.api.app.state.services
        followers = *services.hub._followers.values(), *services.pulse._followers.values()
        return sum(len(each) for each in followers)

    async def finish(self, export: str) -> None:
        found = type_and_key(export)
        assert found is not None
        ended = update(Export).where(col(Export.id) == found[1])
        async with self.api.db.write() as tx:
            await tx.execute(ended.values(status=ExportStatus.CANCELED, seq=99))


@pytest.fixture
async def lab(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Lab]:
    monkeypatch.setattr(sockets, "INIT_SECONDS", 0.2)
    shutil.copyfile(migrated_file, tmp_path / "hyperdata.db")
    async with opened(tmp_path, sockets_per_key=2, operations_per_socket=10) as api:
        owner = a_user(name="Ada")
        experiment = an_experiment(owner)
        room = a_room(experiment, status="ACTIVE")
        await save(api.db, owner, experiment, room)
        async with served(api, Impatient, send_buffer=1 << 16) as at:
            yield Lab(api, at, owner, room, await api.key_of(owner.key))


async def test_who_does_not_say_who_they_are_is_not_waited_for(lab: Lab) -> None:
    async with a_socket(lab.at) as socket:
        await say(socket, {"type": "ping"})
        assert await hear(socket) == {"type": "pong"}
        assert await closing_code(socket) == 4408


async def test_a_message_has_a_size(lab: Lab) -> None:
    async with a_socket(lab.at) as socket:
        await enter(socket, {"X-API-Key": lab.key})
        await ask(socket, "1", "{ viewer { name } }" + " " * (1 << 20))
        assert await closing_code(socket) == 1009


async def test_a_key_has_so_many_sockets(lab: Lab) -> None:
    other = a_user()
    await save(lab.api.db, other)
    mine = {"X-API-Key": lab.key}
    async with a_socket(lab.at) as first:
        await enter(first, mine)
        async with a_socket(lab.at) as second:
            await enter(second, mine)
            async with a_socket(lab.at) as third:
                await say(third, {"type": "connection_init", "payload": mine})
                assert await closing_code(third) == 4429
            async with a_socket(lab.at) as theirs:
                await enter(theirs, {"X-API-Key": await lab.api.key_of(other.key)})
        async with a_socket(lab.at) as third:
            await enter(third, mine)
            assert await name_of_viewer(third) == await name_of_viewer(first) == "Ada"


async def test_a_socket_carries_so_many_operations(lab: Lab) -> None:
    export = await a_running_export(lab.api.db, lab.owner)
    async with a_socket(lab.at) as socket:
        await enter(socket, {"X-API-Key": lab.key})
        for n in range(10):
            await ask(socket, str(n), PROGRESS, id=export)
            assert (await hear(socket))["type"] == "next"
        await ask(socket, "one more", PROGRESS, id=export)
        refused = await hear(socket)
        assert (refused["id"], refused["type"]) == ("one more", "error")
        assert refused["payload"][0]["extensions"] == {"code": "THROTTLED"}
        await say(socket, {"id": "0", "type": "complete"})
        assert await name_of_viewer(socket, "0") == "Ada"
        await ask(socket, "1", "{ viewer { name } }")
        assert await closing_code(socket) == 4409  # of that id is one already


@pytest.mark.parametrize("end", ["each is ended", "each ends", "closed", "cut"])
async def test_nothing_is_left_of_what_is_over(lab: Lab, end: str) -> None:
    export = await a_running_export(lab.api.db, lab.owner)
    await asyncio.sleep(0)
    before = len(asyncio.all_tasks())
    async with a_socket(lab.at) as socket:
        await enter(socket, {"X-API-Key": lab.key})
        for n in range(5):
            await ask(socket, f"export {n}", PROGRESS, id=export)
            await ask(socket, f"room {n}", ADDED, room=lab.room["room_id"])
        for _ in range(10):
            assert (await hear(socket))["type"] == "next"
        assert lab.following == 10
        match end:
            case "each is ended":
                for n in range(5):
                    await say(socket, {"id": f"export {n}", "type": "complete"})
                    await say(socket, {"id": f"room {n}", "type": "complete"})
                await until_true(lambda: lab.following == 0)
                assert await name_of_viewer(socket, "room 1") == "Ada"
            case "each ends":
                await lab.finish(export)
                ends = [await hear(socket) for _ in range(10)]
                assert sum(each["type"] == "complete" for each in ends) == 5
                assert lab.following == 5
            case "cut":
                socket.transport.abort()
            case _:
                pass
    await until_true(lambda: lab.following == 0)
    await until_true(lambda: not lab.at.protocols)
    await until_true(lambda: len(asyncio.all_tasks()) <= before)


@asynccontextmanager
async def a_narrow_socket(at: Served) -> AsyncGenerator[ClientConnection]:
    """Open a socket of which the system holds little: what is not read, the server notices soon."""
    with socket.socket() as narrow:
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        narrow.setblocking(False)
        host, _, port = at.url.removeprefix("http://").partition(":")
        await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
        address = at.url.replace("http", "ws", 1) + "/graphql"
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(
            address,
            sock=narrow,
            subprotocols=protocols,
            max_queue=1,
            max_size=1 << 23,
            ping_interval=None,
        ) as opened_:
            yield opened_


async def a_long_story(lab: Lab, narrow: ClientConnection) -> None:
    """Have a socket told of 10,000 samples at once, at length."""
    person = a_participant(lab.room)
    await save(lab.api.db, person)
    await enter(narrow, {"X-API-Key": lab.key})
    await ask(narrow, "1", AT_LENGTH, room=lab.room["room_id"])
    assert (await hear(narrow))["type"] == "next"
    samples = [a_continuous_rating(person) for _ in range(10_000)]
    for sample in samples:
        del sample["id"]
    await save(lab.api.db, *samples)


@pytest.mark.parametrize("reads", [True, False])
async def test_who_takes_nothing_holds_little_and_not_for_long(lab: Lab, reads: bool) -> None:
    async with a_narrow_socket(lab.at) as narrow:
        await a_long_story(lab, narrow)
        [protocol] = lab.at.protocols
        held = 0

        def is_let_go() -> bool:
            nonlocal held
            held = max(held, protocol.transport.get_write_buffer_size())
            return lab.following == 0

        await until_true(is_let_go)
        assert 1 << 16 < held < 1 << 22  # the mark, and the message that went past it
        async with a_socket(lab.at) as other:
            await enter(other, {"X-API-Key": lab.key})
            assert await name_of_viewer(other) == "Ada"
        if reads:
            while (code := await next_or_code(narrow)) is None:
                pass
            assert code == 1013
        await until_true(lambda: protocol not in lab.at.protocols)
        narrow.transport.abort()


async def next_or_code(narrow: ClientConnection) -> int | None:
    """Take a message, or return what the socket was closed with."""
    try:
        await asyncio.wait_for(narrow.recv(), SECONDS)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else -1
    return None


async def test_who_reads_slowly_is_told_all(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "stalled_seconds", 20)
    async with a_narrow_socket(lab.at) as narrow:
        await a_long_story(lab, narrow)
        told = 0
        while told < 10_000:
            await asyncio.sleep(0.02)
            told += len((await hear(narrow))["payload"]["data"]["recordsAdded"]["records"])
        assert told == 10_000


async def test_pings_that_nobody_hears_the_answers_of_fill_no_memory(lab: Lab) -> None:
    async with a_narrow_socket(lab.at) as narrow:
        await enter(narrow, {"X-API-Key": lab.key})
        [protocol] = lab.at.protocols
        ping = bytes([0x89, 0xFD, 0, 0, 0, 0]) + b"x" * 125  # masked by zeros
        held = 0
        narrow.transport.pause_reading()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while protocol in lab.at.protocols:
                    if narrow.transport.get_write_buffer_size() < 1 << 16:
                        narrow.transport.write(ping * 100)
                    await asyncio.sleep(0)
                    held = max(held, protocol.transport.get_write_buffer_size())
        assert 1 << 16 < held < 1 << 19
        narrow.transport.abort()
