"""The use of API keys: counted apart from requests, in several servers; who guesses waits."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, text, update
from sqlmodel import col
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server.api_keys import PREFIX, Holder, holder_of, issue
from server.db import Database, metadata
from server.errors import Unauthenticated
from server.key_uses import MOST_ADDRESSES, KeyUses
from server.records.api_keys import ApiKey, ApiKeyAddress
from server.records.audit import AuditEntry
from server.timestamps import Timestamp, now
from tests.conftest import Api, answering, free_port, opened
from tests.factories import a_user, save

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { userId } }"
USED = "{ apiKeys { nodes { prefix useCount lastUsedAt lastAddress } } }"


async def noted(db: Database) -> list[tuple[Any, ...]]:
    columns = AuditEntry.action, AuditEntry.actor_id, AuditEntry.api_key, AuditEntry.address
    async with db.read() as tx:
        asked = select(*map(col, columns)).order_by(col(AuditEntry.id))
        return [tuple(row) for row in await tx.execute(asked)]


async def key_in(db: Database) -> tuple[str, Holder]:
    """Return a key of a new account's, and who holds it."""
    user = a_user()
    await save(db, user)
    async with db.write() as tx:
        key = await issue(tx, user.key, "test")
    return key, await holder_of(db, key)


async def flush(api: Api) -> None:
    await api.app.state.key_uses.flush()


def from_address(api: Api, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=api.app, client=(address, 1234))
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


async def post(http: httpx2.AsyncClient, key: str) -> httpx2.Response:
    return await http.post("/graphql", json={"query": VIEWER}, headers={"X-API-Key": key})


@pytest.fixture
async def guarded(tmp_path: Path, any_url: str) -> AsyncGenerator[Api]:
    """A server that lets three wrong keys come from an address in a minute."""
    async with opened(tmp_path, database_url=any_url, wrong_keys_a_minute=3) as api:
        yield api


async def test_requests_are_counted_and_written_down_together(any_api: Api) -> None:
    key, holder = await key_in(any_api.db)
    before = now()
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
        async with from_address(any_api, address) as http:
            assert (await post(http, key)).status_code == 200
    assert await noted(any_api.db) == []

    await flush(any_api)

    [used] = (await any_api.ask(USED, key))["apiKeys"]["nodes"]
    assert used["useCount"] == 3
    assert used["lastAddress"] == "192.0.2.1"
    async with any_api.db.read() as tx:
        last = await tx.scalar(select(col(ApiKey.last_used_at)))
    assert last is not None
    assert before <= last <= now()
    assert await noted(any_api.db) == [
        ("KEY_NEW_ADDRESS", holder.actor.user_id, key[:13], "192.0.2.1"),
        ("KEY_NEW_ADDRESS", holder.actor.user_id, key[:13], "192.0.2.2"),
    ]


async def test_an_address_is_new_to_a_key_only_once(any_api: Api) -> None:
    for _ in range(2):
        key, _holder = await key_in(any_api.db)
        for _ in range(2):
            assert (await any_api.post(VIEWER, key)).status_code == 200
            await flush(any_api)
    assert len(await noted(any_api.db)) == 2
    async with any_api.db.read() as tx:
        assert len((await tx.execute(select(col(ApiKeyAddress.address)))).all()) == 2


async def test_several_servers_add_to_the_count_and_the_latest_use_is_kept(any_api: Api) -> None:
    _, holder = await key_in(any_api.db)
    early = KeyUses(any_api.db, clock=lambda: Timestamp(1_000))
    late = KeyUses(any_api.db, clock=lambda: Timestamp(2_000))
    for _ in range(3):
        early.note(holder, "192.0.2.1")
        late.note(holder, None)
        late.note(holder, "192.0.2.2")

    await asyncio.gather(late.flush(), early.flush())

    async with any_api.db.read() as tx:
        columns = ApiKey.use_count, ApiKey.last_used_at, ApiKey.last_address
        used = (await tx.execute(select(*map(col, columns)))).one()
    assert tuple(used) == (9, 2_000, "192.0.2.2")


async def test_what_could_not_be_written_down_is_written_later(
    any_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, holder = await key_in(any_api.db)
    uses = KeyUses(any_api.db)
    uses.note(holder, "192.0.2.1")
    uses.note_refused("192.0.2.9")

    def gone() -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(any_api.db, "write", gone)
        with pytest.raises(OSError, match="full"):
            await uses.flush()
    uses.note(holder, "192.0.2.2")
    await uses.flush()

    async with any_api.db.read() as tx:
        assert await tx.scalar(select(col(ApiKey.use_count))) == 2
    assert [(entry[0], entry[3]) for entry in await noted(any_api.db)] == [
        ("KEY_NEW_ADDRESS", "192.0.2.1"),
        ("KEY_NEW_ADDRESS", "192.0.2.2"),
        ("KEY_REFUSED", "192.0.2.9"),
    ]


async def test_what_is_left_is_written_down_at_the_end(tmp_path: Path, any_url: str) -> None:
    async with opened(tmp_path, database_url=any_url) as api:
        key, _ = await key_in(api.db)
        assert (await api.post(VIEWER, key)).status_code == 200
    async with opened(tmp_path, database_url=any_url) as api, api.db.read() as tx:
        assert await tx.scalar(select(col(ApiKey.use_count))) == 1


async def test_uses_are_written_down_in_the_background(any_api: Api) -> None:
    _, holder = await key_in(any_api.db)
    uses = KeyUses(any_api.db, seconds=0.01)
    uses.start()
    uses.note(holder, None)
    async with asyncio.timeout(20):
        while True:
            async with any_api.db.read() as tx:
                if await tx.scalar(select(col(ApiKey.use_count))):
                    break
            await asyncio.sleep(0.01)
    await uses.stop()


async def test_a_flood_of_addresses_is_noted_in_part(any_api: Api) -> None:
    _, holder = await key_in(any_api.db)
    uses = KeyUses(any_api.db)
    for number in range(MOST_ADDRESSES + 20):
        uses.note(holder, f"2001:db8::{number}")
        uses.note_refused(f"2001:db8::{number}")

    await uses.flush()

    actions = [entry[0] for entry in await noted(any_api.db)]
    assert actions.count("KEY_NEW_ADDRESS") == actions.count("KEY_REFUSED") == MOST_ADDRESSES
    async with any_api.db.read() as tx:
        assert await tx.scalar(select(col(ApiKey.use_count))) == MOST_ADDRESSES + 20


async def test_who_sends_too_many_wrong_keys_must_wait(guarded: Api) -> None:
    key, _ = await key_in(guarded.db)
    revoked, _ = await key_in(guarded.db)
    async with guarded.db.write() as tx:
        this = update(ApiKey).where(col(ApiKey.prefix) == revoked[:13])
        await tx.execute(this.values(revoked_at=now()))
    async with from_address(guarded, "192.0.2.1") as lab, from_address(guarded, "192.0.2.2") as far:
        assert (await post(lab, key)).status_code == 200
        assert [(await post(lab, each)).status_code for each in ("x", f"{PREFIX}x", revoked)] == [
            401
        ] * 3

        answers = [await post(lab, each) for each in ("x", revoked)]

        for answer in answers:
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            [error] = answer.json()["errors"]
            assert error["extensions"] == {"code": "THROTTLED"}
        assert (await post(lab, key)).status_code == 200, "who is at work there is not locked out"
        other, _ = await key_in(guarded.db)
        assert (await post(lab, other)).status_code == 429, "whether a key is right is not told"
        assert (await post(far, other)).status_code == 200
        assert (await post(far, "x")).status_code == 401


async def test_refused_attempts_are_noted_once_a_minute_without_the_key(guarded: Api) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        async with from_address(guarded, address) as http:
            for _ in range(5):
                await post(http, f"{PREFIX}guess")
        await flush(guarded)

    assert await noted(guarded.db) == [
        ("KEY_REFUSED", None, None, "192.0.2.1"),
        ("KEY_REFUSED", None, None, "192.0.2.2"),
    ]
    async with guarded.db.read() as tx:
        asked = select(col(AuditEntry.allowed), col(AuditEntry.resource))
        assert [tuple(row) for row in await tx.execute(asked)] == [(False, None)] * 2


async def test_without_any_key_nobody_is_counted(guarded: Api) -> None:
    for _ in range(5):
        assert (await guarded.post(VIEWER, None)).status_code == 401
    assert (await guarded.post(VIEWER, "x")).status_code == 401


def environment(tmp_path: Path, **settings: str) -> dict[str, str]:
    return {"HYPERDATA_DATA_DIR": str(tmp_path), "HYPERDATA_EXPORT_WORKERS": "0", **settings}


async def closed_with(port: int, key: str) -> int:
    """Return what closes a socket that says a key."""
    address, protocols = f"ws://127.0.0.1:{port}/graphql", [Subprotocol("graphql-transport-ws")]
    async with connect(address, subprotocols=protocols) as opened:
        await opened.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": key}}))
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(opened.recv(), 20)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.mark.parametrize("trusted", [True, False])
async def test_sockets_wait_too_and_a_proxy_is_believed_only_if_it_is_trusted(
    tmp_path: Path, trusted: bool
) -> None:
    port = free_port()
    settings = {"HYPERDATA_WRONG_KEYS_A_MINUTE": "2"}
    if trusted:
        settings["HYPERDATA_TRUSTED_PROXIES"] = "127.0.0.1"
    with answering(
        port, "serve", "--port", str(port), environment=environment(tmp_path, **settings)
    ):
        assert [await closed_with(port, "x") for _ in range(3)] == [4403, 4403, 4429]
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            http.headers["X-Forwarded-For"] = "192.0.2.7"
            assert (await post(http, "x")).status_code == (401 if trusted else 429)


async def test_no_text_in_the_database_opens_anything(any_api: Api) -> None:
    keys = [(await key_in(any_api.db))[0] for _ in range(3)]
    for key in keys:
        assert (await any_api.post(VIEWER, key)).status_code == 200
    await flush(any_api)
    texts: set[str] = set()
    async with any_api.db.read() as tx:
        for table in metadata.sorted_tables:
            for row in await tx.execute(text(f'SELECT * FROM "{table.name}"')):
                texts |= {str(value) for value in row if value is not None}
    assert any(key[:13] in texts for key in keys)

    for found in texts | {f"{PREFIX}{found}" for found in texts}:
        with pytest.raises(Unauthenticated):
            await holder_of(any_api.db, found)
    assert not any(key in found for key in keys for found in texts)
