"""Sockets that browsers open with their cookie, and sockets whose holder may no longer ask."""

import asyncio
from collections.abc import AsyncGenerator
from secrets import token_hex
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from server.api_keys import issue
from server.db import Database
from server.global_ids import global_id
from server.records.api_keys import ApiKey
from server.records.exports import Export, ExportedExperiment, ExportStatus
from server.records.sessions import BrowserSession
from server.records.users import User
from server.timestamps import now
from tests.browsing import CHANGE, COOKIE, printed_link
from tests.conftest import LiveServer
from tests.factories import Row, a_user, save
from tests.job_queue import ELSEWHERE
from tests.promises import promised
from tests.test_sockets import (
    PROGRESS,
    a_socket,
    ask,
    closing_code,
    enter,
    hear,
    name_of_viewer,
    say,
)

pytestmark = [pytest.mark.anyio, pytest.mark.promised]

WITHIN = promised(1)
"""Seconds in which a socket must be closed."""


@pytest.fixture
async def db(live: LiveServer) -> AsyncGenerator[Database]:
    """The database that the server has open."""
    database = Database(f"sqlite+aiosqlite:///{live.data_dir}/hyperdata.db")
    yield database
    await database.close()


@pytest.fixture
async def user(db: Database) -> Row:
    saved = a_user(id=None, user_id=f"usr_{token_hex(4)}")
    await save(db, saved)
    async with db.read() as tx:
        found = await tx.execute(select(col(User.id)).where(col(User.user_id) == saved["user_id"]))
        saved["id"] = found.scalar_one()
    return saved


async def key_of(db: Database, user: Row) -> str:
    async with db.write() as tx:
        return await issue(tx, user.key, "test")


async def cookie_of(live: LiveServer, user: Row) -> str:
    """Sign in by the link that the command prints; return the cookie as a browser sends it."""
    link = await asyncio.to_thread(printed_link, live.data_dir, user["user_id"], live.url)
    async with httpx2.AsyncClient(base_url=live.url) as http:
        token = {"token": link.partition("token=")[2]}
        answer = await http.post("/auth/link", data=token, headers={"Origin": live.url})
        assert answer.status_code == 303
        return f"{COOKIE}={http.cookies[COOKIE]}"


async def change(db: Database, table: Any, clause: Any, **values: Any) -> None:
    async with db.write() as tx:
        assert (await tx.execute(update(table).where(clause).values(**values))).rowcount == 1


async def a_running_export(db: Database, user: Row, experiment_key: int | None = None) -> str:
    """Save an export of a user's that a worker elsewhere is writing; return its global id."""
    running = {
        "status": ExportStatus.RUNNING,
        "created_at": now(),
        "format": "CSV",
        "packaging": "ZIP",
        "anonymization": "KEEP",
        "requested_by_key": user.key,
        "recipe": {},
        "worker": ELSEWHERE,
        "lease_until": now() + 600_000,
    }
    async with db.write() as tx:
        key = await tx.scalar(insert(Export).values(**running).returning(col(Export.id)))
        assert key is not None
        if experiment_key is not None:
            drawn = {"export_key": key, "experiment_key": experiment_key}
            await tx.execute(insert(ExportedExperiment).values(**drawn))
    return global_id("Export", key)


async def test_a_page_of_ours_enters_with_the_cookie_and_changes_things(
    live: LiveServer, user: Row
) -> None:
    cookie = await cookie_of(live, user)
    for ours in ({"Origin": live.url}, {"Sec-Fetch-Site": "same-origin"}):
        async with a_socket(live, Cookie=cookie, **ours) as socket:
            await enter(socket, {})
            assert await name_of_viewer(socket) == user["name"]
            await ask(socket, "2", CHANGE)
            assert (await hear(socket))["payload"]["data"]["exportCancel"]


@pytest.mark.parametrize(
    "theirs",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
async def test_a_page_of_another_site_does_not_enter_with_the_cookie(
    live: LiveServer, user: Row, theirs: dict[str, str]
) -> None:
    async with a_socket(live, Cookie=await cookie_of(live, user), **theirs) as socket:
        await say(socket, {"type": "connection_init", "payload": {}})
        assert await closing_code(socket) == 4403


async def test_with_a_key_the_cookie_does_not_count(
    live: LiveServer, db: Database, user: Row
) -> None:
    cookie = await cookie_of(live, user)
    evil = {"Origin": "https://evil.example", "Cookie": cookie}
    async with a_socket(live, **evil) as socket:
        await enter(socket, {"X-API-Key": live.keys["owner"]})
        assert await name_of_viewer(socket) != user["name"]
    async with a_socket(live, Origin=live.url, Cookie=cookie) as socket:
        await say(socket, {"type": "connection_init", "payload": {"X-API-Key": "wrong"}})
        assert await closing_code(socket) == 4403
    async with a_socket(live, Origin=live.url, Cookie=cookie) as socket:
        key = await key_of(db, user)
        await enter(socket, {"X-API-Key": key})
        await change(db, ApiKey, col(ApiKey.prefix) == key[:13], revoked_at=now())
        assert await asyncio.wait_for(closing_code(socket), WITHIN) == 4403


@pytest.mark.parametrize("lost", ["revoked", "expired", "closed"])
async def test_a_key_that_is_lost_closes_what_it_has_opened(
    live: LiveServer, db: Database, user: Row, lost: str
) -> None:
    key = await key_of(db, user)
    export = await a_running_export(db, user)
    async with a_socket(live) as socket:
        await enter(socket, {"X-API-Key": key})
        await ask(socket, "1", PROGRESS, id=export)
        assert (await hear(socket))["payload"]["data"]["exportProgress"]["status"]
        if lost == "closed":
            await change(db, User, col(User.id) == user.key, disabled_at=now())
        else:
            field = "revoked_at" if lost == "revoked" else "expires_at"
            await change(db, ApiKey, col(ApiKey.user_key) == user.key, **{field: now()})
        assert await asyncio.wait_for(closing_code(socket), WITHIN) == 4403


@pytest.mark.parametrize("lost", ["signed out", "expired", "closed"])
async def test_a_session_that_is_over_closes_what_it_has_opened(
    live: LiveServer, db: Database, user: Row, lost: str
) -> None:
    cookie = await cookie_of(live, user)
    async with a_socket(live, Cookie=cookie, Origin=live.url) as socket:
        await enter(socket, {})
        if lost == "signed out":
            headers = {"Cookie": cookie, "Origin": live.url}
            async with httpx2.AsyncClient(base_url=live.url) as http:
                done = await http.post("/auth/sign-out", headers=headers)
                assert done.status_code == 303
        elif lost == "closed":
            await change(db, User, col(User.id) == user.key, disabled_at=now())
        else:
            mine = col(BrowserSession.user_key) == user.key
            await change(db, BrowserSession, mine, expires_at=now())
        assert await asyncio.wait_for(closing_code(socket), WITHIN) == 4403


async def test_an_export_that_one_may_see_no_more_is_told_of_no_more(
    live: LiveServer, db: Database, user: Row
) -> None:
    key = await key_of(db, user)
    export = await a_running_export(db, user, experiment_key=1)
    async with a_socket(live) as socket:
        await enter(socket, {"X-API-Key": key})
        await ask(socket, "1", PROGRESS, id=export)
        assert (await hear(socket))["payload"]["data"]["exportProgress"]["status"]
        mine = col(ApiKey.user_key) == user.key
        await change(db, ApiKey, mine, experiment_keys=[2])
        answer = await hear(socket)
        errors = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
        assert [error["extensions"] for error in errors] == [{"code": "NOT_FOUND"}]
        assert (await hear(socket)) == {"id": "1", "type": "complete"}
        assert await name_of_viewer(socket, "2") == user["name"]
