"""graphql-transport-ws by raw frames: who is let in, what is answered, what closes a socket."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server.api_keys import issue
from server.db import Database
from server.records.api_keys import ApiKey
from server.records.users import User
from server.timestamps import now
from tests.conftest import LiveServer
from tests.factories import a_user, save

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { name } }"
PROGRESS = "subscription($id: ID!) { exportProgress(id: $id) { id status } }"
SECONDS = 20


class HasAddress(Protocol):
    @property
    def url(self) -> str: ...


@asynccontextmanager
async def a_socket(live: HasAddress, **headers: str) -> AsyncGenerator[ClientConnection]:
    address = live.url.replace("http", "ws", 1) + "/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(
        address, subprotocols=protocols, additional_headers=headers, open_timeout=SECONDS
    ) as socket:
        assert socket.subprotocol == "graphql-transport-ws"
        yield socket


async def say(socket: ClientConnection, message: object) -> None:
    await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    frame = await asyncio.wait_for(socket.recv(), SECONDS)
    assert isinstance(frame, str), "the protocol asks for text frames"
    message: dict[str, Any] = json.loads(frame)
    return message


async def closing_code(socket: ClientConnection) -> int:
    return (await closing_reason(socket, most=1))[0]


async def closing_reason(socket: ClientConnection, most: int = 100) -> tuple[int, str]:
    """Return why the server closes a socket, passing over some messages that come before."""
    closed: ConnectionClosed | None = None
    for _ in range(most):
        try:
            await asyncio.wait_for(socket.recv(), SECONDS)
        except ConnectionClosed as failure:
            closed = failure
            break
    assert closed is not None, "it stays open"
    assert closed.rcvd is not None
    return closed.rcvd.code, closed.rcvd.reason


async def ask(socket: ClientConnection, id_: str, query: object, **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await say(socket, {"id": id_, "type": "subscribe", "payload": payload})


async def enter(socket: ClientConnection, payload: object) -> None:
    await say(socket, {"type": "connection_init", "payload": payload})
    assert (await hear(socket))["type"] == "connection_ack"


async def name_of_viewer(socket: ClientConnection, id_: str = "1") -> str:
    await ask(socket, id_, VIEWER)
    answer = await hear(socket)
    assert (answer["id"], answer["type"]) == (id_, "next")
    assert list(answer["payload"]) == ["data", "extensions"]
    assert await hear(socket) == {"id": id_, "type": "complete"}
    name: str = answer["payload"]["data"]["viewer"]["name"]
    return name


@pytest.fixture
async def db(live: LiveServer) -> AsyncGenerator[Database]:
    """The database that the server has open."""
    database = Database(f"sqlite+aiosqlite:///{live.data_dir}/hyperdata.db")
    yield database
    await database.close()


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "X-Api-Key", "Authorization"])
async def test_the_key_may_come_with_the_first_message(live: LiveServer, name: str) -> None:
    bearer = "Bearer " if name == "Authorization" else ""
    async with a_socket(live) as socket:
        await enter(socket, {name: bearer + live.keys["owner"]})
        assert await name_of_viewer(socket)


@pytest.mark.parametrize("first", [{}, {"payload": {}}, {"payload": None}])
async def test_the_key_may_come_with_the_handshake(live: LiveServer, first: Any) -> None:
    async with a_socket(live, **{"X-API-Key": live.keys["owner"]}) as socket:
        await say(socket, {"type": "connection_init", **first})
        assert (await hear(socket))["type"] == "connection_ack"
        assert await name_of_viewer(socket)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"X-API-Key": "hst_live_wrong"},
        {"X-API-Key": 5},
        {"X-API-Key": ["x"]},
        {"Authorization": {}},
        {"headers": None},
    ],
)
async def test_without_a_key_nobody_is_let_in(live: LiveServer, payload: Any) -> None:
    async with a_socket(live) as socket:
        await say(socket, {"type": "connection_init", "payload": payload})
        assert await closing_code(socket) == 4403


async def test_a_key_in_the_handshake_does_not_save_a_wrong_one_in_the_message(
    live: LiveServer,
) -> None:
    async with a_socket(live, **{"X-API-Key": live.keys["owner"]}) as socket:
        await say(socket, {"type": "connection_init", "payload": {"X-API-Key": "wrong"}})
        assert await closing_code(socket) == 4403


async def test_nothing_is_answered_before_the_key(live: LiveServer) -> None:
    async with a_socket(live, **{"X-API-Key": live.keys["owner"]}) as socket:
        await ask(socket, "1", VIEWER)
        assert await closing_code(socket) == 4401


@pytest.mark.parametrize(
    ("message", "code"),
    [
        *((message, 4400) for message in ("{", "5", "null", "[]", '"x"', "{}", b"{}", "NaN")),
        ({"type": "nothing"}, 4400),
        ({"type": 5}, 4400),
        ({"type": []}, 4400),
        ({"type": None}, 4400),
        ({"type": "subscribe"}, 4400),
        ({"type": "subscribe", "id": [], "payload": {"query": VIEWER}}, 4400),
        ({"type": "subscribe", "id": 5, "payload": {"query": VIEWER}}, 4400),
        ({"type": "subscribe", "id": "", "payload": {"query": VIEWER}}, 4400),
        ({"type": "subscribe", "id": "x" * 256, "payload": {"query": VIEWER}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": VIEWER, "extensions": 5}}, 4400),
        ({"type": "x" * 500}, 4400),
        ({"type": "connection_ack"}, 4400),
        ({"type": "ping", "payload": 5}, 4400),
        ({"type": "pong", "payload": "x"}, 4400),
        ({"type": "connection_init", "payload": []}, 4400),
        ({"type": "subscribe", "id": "1", "payload": None}, 4400),
        ({"type": "subscribe", "id": "1", "payload": []}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": 5}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": VIEWER, "variables": []}}, 4400),
        ({"type": "complete"}, 4400),
        ({"type": "complete", "id": {}}, 4400),
        ({"type": "connection_init"}, 4429),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_message_that_is_none_closes_the_socket(
    live: LiveServer, message: Any, code: int
) -> None:
    async with a_socket(live) as socket:
        await enter(socket, {"X-API-Key": live.keys["owner"]})
        await say(socket, message)
        assert await closing_code(socket) == code


async def test_another_protocol_is_not_spoken(live: LiveServer) -> None:
    address = live.url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=[Subprotocol("graphql-ws")]) as socket:
        assert await closing_code(socket) == 4406


async def test_with_a_key_a_page_of_another_site_is_let_in(live: LiveServer) -> None:
    async with a_socket(live, Origin="https://elsewhere.example") as socket:
        await enter(socket, {"X-API-Key": live.keys["owner"]})
        assert await name_of_viewer(socket)


async def test_a_socket_answers_pings_and_ignores_what_is_over(live: LiveServer) -> None:
    async with a_socket(live) as socket:
        await say(socket, {"type": "ping"})
        assert await hear(socket) == {"type": "pong"}
        await enter(socket, {"X-API-Key": live.keys["owner"]})
        await say(socket, {"type": "complete", "id": "never was"})
        await say(socket, {"type": "pong", "payload": {}})
        await say(socket, {"type": "ping", "payload": None})
        assert await hear(socket) == {"type": "pong"}
        await say(socket, {"type": "ping", "payload": {"sent": 5}})
        assert await hear(socket) == {"type": "pong", "payload": {"sent": 5}}


@pytest.mark.parametrize("id_", ["RXhwb3J0Ojk5OTk5OQ", "x", "RXZlbnQ6MQ", ""])
async def test_an_unknown_export_is_an_error_and_the_socket_goes_on(
    live: LiveServer, id_: str
) -> None:
    async with a_socket(live) as socket:
        await enter(socket, {"X-API-Key": live.keys["owner"]})
        await ask(socket, "1", PROGRESS, id=id_)
        answer = await hear(socket)
        [error] = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
        assert error["extensions"] == {"code": "NOT_FOUND"}
        if answer["type"] != "error":
            assert await hear(socket) == {"id": "1", "type": "complete"}
        assert await name_of_viewer(socket)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ experiments(first: -1) { totalCount } }", "BAD_USER_INPUT"),
        ("query a { viewer { name } } query b { viewer { name } }", "GRAPHQL_VALIDATION_FAILED"),
        (PROGRESS, "BAD_USER_INPUT"),
        ("{ viewer { name", "GRAPHQL_PARSE_FAILED"),
        ("fragment f on Viewer { name }", "BAD_USER_INPUT"),
        ("", "BAD_USER_INPUT"),
    ],
)
async def test_errors_have_codes_and_the_socket_goes_on(
    live: LiveServer, query: str, code: str
) -> None:
    async with a_socket(live) as socket:
        await enter(socket, {"X-API-Key": live.keys["owner"]})
        await ask(socket, "1", query)
        answer = await hear(socket)
        was_executed = answer["type"] == "next"
        assert was_executed == query.startswith("{ experiments")
        [error] = answer["payload"]["errors"] if was_executed else answer["payload"]
        assert error["extensions"]["code"] == code
        assert error["message"]
        if was_executed:
            assert await hear(socket) == {"id": "1", "type": "complete"}
        assert await name_of_viewer(socket, "1")


async def test_each_operation_of_a_socket_sees_what_is_new(live: LiveServer, db: Database) -> None:
    user = a_user(id=None, user_id="usr_fresh", name="Before")
    await save(db, user)
    async with db.write() as tx:
        mine = col(User.user_id) == "usr_fresh"
        key = (await tx.execute(select(col(User.id)).where(mine))).scalar_one()
        assert key is not None
        secret = await issue(tx, key, "test")
    async with a_socket(live) as socket:
        await enter(socket, {"X-API-Key": secret})
        assert await name_of_viewer(socket) == "Before"
        async with db.write() as tx:
            await tx.execute(update(User).where(mine).values(name="After"))
        assert await name_of_viewer(socket) == "After"

        async with db.write() as tx:
            await tx.execute(
                update(ApiKey).where(col(ApiKey.user_key) == key).values(revoked_at=now())
            )
        await ask(socket, "3", VIEWER)
        assert await closing_code(socket) == 4403
