"""What a real server writes of what it does: lines of JSON, each with the id of its request."""

import asyncio
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.conftest import Api, answering, free_port, opened

pytestmark = pytest.mark.anyio

SECRETS = ("hst_live_", "192.0.2.99", "Mozilla", "exp_canary", "room_canary", "t0ken", "X-Reason")
"""What is sent below, and must be in no line."""


class Running:
    """A server that trusts the proxy that this test is, and its log."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    async def lines(self, id_: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the lines of a request, as soon as there are that many."""
        async with asyncio.timeout(20):
            while True:
                lines = [each for each in self.all() if each.get("request_id", "") == id_]
                if len(lines) >= count:
                    return lines
                await asyncio.sleep(0.02)

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def text(self) -> str:
        return self._log.read_text()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    folder, port = tmp_path_factory.mktemp("observed"), free_port()
    command = ("demo", "--port", str(port), "--data-dir", str(folder))
    settings = {"HYPERDATA_TRUSTED_PROXIES": "127.0.0.1", "HYPERDATA_SLOW_SECONDS": "0"}
    with (
        (folder / "log").open("wb") as log,
        answering(port, *command, environment=settings, log=log),
    ):
        yield Running(f"http://127.0.0.1:{port}", folder / "log")


@pytest.fixture
def headers(running: Running) -> dict[str, str]:
    keys = json.loads((running._log.parent / "demo-keys.json").read_text())
    return {"X-API-Key": keys["owner"], "User-Agent": "Mozilla", "X-Reason": "X-Reason of mine"} | {
        "X-Forwarded-For": "192.0.2.99"
    }


async def post(running: Running, headers: dict[str, str], query: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=running.url, timeout=30) as http:
        return await http.post("/graphql", json={"query": query}, headers=headers)


async def test_each_request_is_a_line_that_says_nothing_of_who_asks(
    running: Running, headers: dict[str, str]
) -> None:
    query = 'query Looking { experiment(experimentId: "exp_canary") { id } }'
    answers = [await post(running, headers, query) for _ in range(2)]  # each way
    wrong = await post(running, {"X-API-Key": "hst_live_wrong"}, query)
    async with httpx2.AsyncClient(base_url=running.url) as http:
        file = await http.get("/exports/77/download?token=t0ken", headers=headers)
        nothing = await http.get("/room_canary/../x")

    ids = [answer.headers["X-Request-ID"] for answer in (*answers, wrong, file, nothing)]
    assert len(set(ids)) == 5
    for answer in answers:
        [line] = [
            each
            for each in await running.lines(answer.headers["X-Request-ID"])
            if each["logger"] == "server.access"
        ]
        assert line.pop("timestamp").endswith("Z")
        assert 0 < line.pop("ms") < 60_000
        assert line == {
            "event": "request",
            "level": "info",
            "logger": "server.access",
            "request_id": answer.headers["X-Request-ID"],
            "method": "POST",
            "route": "/graphql",
            "status": 200,
            "operation": "Looking",
            "type": "query",
            "outcome": "OK",
        }
    [refused] = await running.lines(wrong.headers["X-Request-ID"])
    assert (refused["status"], "operation" in refused) == (401, False)
    [followed] = await running.lines(file.headers["X-Request-ID"])
    assert (followed["route"], followed["status"]) == (
        "/exports/{id:int}/download",
        file.status_code,
    )
    [lost] = await running.lines(nothing.headers["X-Request-ID"])
    assert (lost["route"], lost["status"]) == (None, 404)
    assert not [secret for secret in SECRETS if secret in running.text()]


async def test_what_is_refused_before_it_is_a_request_is_a_line_too(running: Running) -> None:
    address = urlsplit(running.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"GET / HTTP/1.1\r\nno header\r\n\r\n")
    status, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    writer.close()
    said = dict(header.split(": ", 1) for header in headers if header)

    [line] = await running.lines(said["x-request-id"])
    assert status == "HTTP/1.1 400 Bad Request"
    assert (line["event"], line["status"], line["outcome"]) == ("refused", 400, "BAD_REQUEST")


async def test_slow_operations_are_told_of_with_their_plan(
    running: Running, headers: dict[str, str]
) -> None:
    query = """query Slowly { experiments(filter: {name: {contains: "exp_canary"}}) { nodes {
        rooms { nodes { participants { totalCount } } } } } }"""
    answer = await post(running, headers, query)
    lines = await running.lines(answer.headers["X-Request-ID"], 2)

    [line] = [each for each in lines if each["event"] == "A slow operation"]
    assert (line["operation"], line["type"], line["outcome"]) == ("Slowly", "query", "OK")
    assert (line["level"], line["seconds"] > 0) == ("warning", True)
    assert line["loads"]["experiments"] == 1
    assert line["statement_count"] >= len(line["statements"]) > 0
    assert any("?" in each["sql"] for each in line["statements"])
    assert any(step.strip().startswith(("SEARCH", "SCAN")) for step in line["plan"])
    assert not [secret for secret in SECRETS if secret in running.text()]


async def test_operations_of_a_socket_have_ids_and_lines_of_their_own(
    running: Running, headers: dict[str, str]
) -> None:
    address, protocols = running.url.replace("http", "ws"), [Subprotocol("graphql-transport-ws")]
    async with connect(
        f"{address}/graphql", subprotocols=protocols, additional_headers=headers
    ) as socket:
        assert socket.response is not None
        id_ = socket.response.headers["X-Request-ID"]
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        for name, field in (("One", "viewer { name }"), ("Two", "nothing")):
            payload = {"query": f"query {name} {{ {field} }}"}
            await socket.send(json.dumps({"type": "subscribe", "id": name, "payload": payload}))
            while json.loads(await socket.recv())["type"] not in ("complete", "error"):
                pass

    [closed] = await running.lines(id_)
    assert (closed["event"], closed["method"], closed["status"]) == ("socket", "WEBSOCKET", 1000)
    told = {
        each["outcome"]: each
        for each in running.all()
        if each.get("request_id", "").startswith(f"{id_}.") and each["event"] == "operation"
    }
    assert told["OK"]["operation"] == "One"
    assert told["GRAPHQL_VALIDATION_FAILED"]["operation"] is None
    assert told["OK"]["request_id"] != told["GRAPHQL_VALIDATION_FAILED"]["request_id"]


@pytest.mark.parametrize("said", ["short", "x" * 65, "with space1", "line\tbreak", "ümlaut-12345"])
async def test_an_id_that_is_not_well_formed_is_not_taken(
    running: Running, headers: dict[str, str], said: str
) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    sent.append((b"X-Request-ID", said.encode("latin-1")))
    async with httpx2.AsyncClient(base_url=running.url) as http:
        answer = await http.get("/healthz", headers=sent)
    assert answer.headers["X-Request-ID"] != said
    assert len(answer.headers["X-Request-ID"]) == 16


async def test_a_trusted_proxy_gives_the_id_and_nobody_else_does(
    running: Running, headers: dict[str, str], api: Api
) -> None:
    given = {"X-Request-ID": "edge-0123.4567", "X-Forwarded-For": "192.0.2.7"}
    answer = await post(running, {**headers, **given}, "{ viewer { name } }")
    assert answer.headers["X-Request-ID"] == "edge-0123.4567"
    assert await running.lines("edge-0123.4567")
    assert "192.0.2.7" not in running.text()

    unbelieved = await api.http.get("/healthz", headers=given)
    assert unbelieved.headers["X-Request-ID"] != "edge-0123.4567"


async def test_what_fails_outside_of_graphql_is_masked_with_its_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("eve@example.org")

    monkeypatch.setattr("server.health.readiness.Readiness.found", fail)
    async with opened(tmp_path) as api:
        answer = await api.http.get("/readyz")

    assert answer.status_code == 500
    [error] = answer.json()["errors"]
    assert error["extensions"] == {
        "code": "INTERNAL",
        "requestId": answer.headers["X-Request-ID"],
    }
    assert answer.headers["X-Request-ID"] in caplog.text
    assert "eve@" not in answer.text + caplog.text
