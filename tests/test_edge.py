"""What every answer says to browsers, by which name who may ask, how much, what is compressed."""

import gzip
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from server.edge.hosts import Hosts
from server.pages import STATIC
from server.settings import Settings
from tests.conftest import Api, opened
from tests.factories import Row, a_participant, a_room, a_user, an_experiment, save

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { name } }"
NAMES = (
    "{ experiments { nodes { rooms { nodes { participants(first: 500) { nodes { email } } } } } } }"
)
ASSET = max((STATIC / "assets").glob("*.js"), key=lambda path: path.stat().st_size)
ELSEWHERE = "https://lab.example.org"


async def owner_with_people(api: Api, people: int = 0) -> str:
    """Return the key of somebody in whose experiment so many took part."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    seated: list[Row] = [a_participant(room, email=f"{n:040}@x.org") for n in range(people)]
    await save(api.db, owner, experiment, room, *seated)
    return await api.key_of(owner.key)


def code_of(answer: httpx2.Response) -> str:
    assert answer.headers["content-type"] == "application/json"
    [error] = answer.json()["errors"]
    assert error["message"]
    code: str = error["extensions"]["code"]
    return code


async def wrong(*_arguments: object, **_named: object) -> None:
    raise ZeroDivisionError("secret")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/graphql", 401),
        ("GET", "/nowhere", 404),
        ("DELETE", "/ingest", 405),
        ("GET", "/graphiql", 200),
        ("GET", f"/static/assets/{ASSET.name}", 200),
        ("GET", "/auth/sign-in", 200),
        ("GET", "/auth/session", 401),
        ("GET", "/exports/1/download", 403),
        ("GET", "/", 200),
        ("GET", "/experiments/exp_1/rooms/room_1/data/events", 200),
        ("GET", "/settings", 404),
    ],
)
async def test_every_answer_tells_browsers_how_little_it_may_do(
    api: Api, method: str, path: str, status: int
) -> None:
    answer = await api.http.request(method, path)

    assert answer.status_code == status
    policy = dict(
        each.strip().partition(" ")[::2]
        for each in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy.get("script-src", "'self'") == "'self'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "cross-origin-resource-policy" in answer.headers
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers


async def test_what_breaks_says_so_in_json_and_nothing_else(api: Api) -> None:
    transport = httpx2.ASGITransport(app=api.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        with (
            patch("server.sign_in.pages.sign_in_page", wrong),
            patch("server.sign_in.routes.own_path", side_effect=ZeroDivisionError("secret")),
        ):
            answer = await http.get("/auth/sign-in")

    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_no_route_answers_is_said_in_json(api: Api) -> None:
    nowhere, refused = await api.http.get("/nowhere"), await api.http.get("/ingest")

    assert code_of(nowhere) == "NOT_FOUND"
    assert code_of(refused) == "METHOD_NOT_ALLOWED"
    assert refused.headers["allow"] == "POST"


async def test_browsers_are_told_to_stay_with_https(tmp_path: Path) -> None:
    async with opened(tmp_path / "one") as api:
        there = await api.http.get("https://test/nowhere")
    async with opened(tmp_path / "two", public_url="https://data.example.org") as api:
        behind = await api.http.get("/nowhere")

    for answer in there, behind:
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("settings", "ours", "others"),
    [
        (
            {},
            [
                *("localhost", "LocalHost:8000", "localhost.", "app.localhost", "127.0.0.1:1"),
                *("[::1]:80", "192.168.1.7:8000", "[2001:db8::1]"),
            ],
            [
                *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "::1"),
                *("localhost@evil.example", "evil.example#localhost", "localhost:x", "[::1"),
                *("localhost, a", "localhost a", "localhost/"),
            ],
        ),
        (
            {"allowed_hosts": "data.example.org, *.lab.example.org"},
            ["data.example.org", "data.example.org:443", "a.lab.example.org", "127.0.0.1"],
            ["lab.example.org", "xlab.example.org", "192.168.1.7", "a.data.example.org"],
        ),
        (
            {"public_url": "https://data.example.org:8443/"},
            ["data.example.org:8443", "data.example.org", "10.0.0.1"],
            ["example.org", "evil.example"],
        ),
        ({"allowed_hosts": "*"}, ["anything.example"], ["two hosts", ""]),
    ],
)
def test_a_server_answers_to_its_own_names(
    settings: dict[str, str], ours: list[str], others: list[str]
) -> None:
    allowed = [each.strip() for each in settings.get("allowed_hosts", "").split(",") if each]
    hosts = Hosts(allowed, settings.get("public_url"))

    assert [each for each in ours if each.encode() not in hosts] == []
    assert [each for each in others if each.encode() in hosts] == []


async def test_who_asks_by_another_name_is_refused(api: Api) -> None:
    key = await owner_with_people(api)
    headers = {"Host": "evil.example", "X-API-Key": key}
    answer = await api.http.post("/graphql", json={"query": VIEWER}, headers=headers)

    assert (answer.status_code, code_of(answer)) == (421, "UNKNOWN_HOST")
    assert "evil.example" not in answer.text


def preflight(api: Api, origin: str) -> Any:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    return api.http.options("/graphql", headers={"Origin": origin, **asked})


def told_of_origins(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "access-control" in name}


async def test_pages_of_listed_origins_may_ask_by_key(tmp_path: Path) -> None:
    async with opened(tmp_path, cors_origins=f"{ELSEWHERE}/, http://localhost:5173") as api:
        key = await owner_with_people(api)
        first = await preflight(api, ELSEWHERE)
        asked = {"Origin": ELSEWHERE, "X-API-Key": key}
        then = await api.http.post("/graphql", json={"query": VIEWER}, headers=asked)

    assert first.status_code == 204
    assert first.headers["access-control-allow-origin"] == ELSEWHERE
    assert "POST" in first.headers["access-control-allow-methods"]
    assert first.headers["access-control-allow-headers"] == "*, Authorization"
    assert then.json()["data"]
    assert then.headers["access-control-allow-origin"] == ELSEWHERE
    assert "X-Request-ID" in then.headers["access-control-expose-headers"]
    for answer in first, then:
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


async def test_pages_of_other_origins_are_told_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "listed", cors_origins=ELSEWHERE) as api:
        key = await owner_with_people(api)
        refused = await preflight(api, f"{ELSEWHERE}.evil.example")
        asked = {"Origin": "null", "X-API-Key": key}
        unread = await api.http.post("/graphql", json={"query": VIEWER}, headers=asked)
    async with opened(tmp_path / "none") as api:
        unlisted = await preflight(api, ELSEWHERE)

    assert (refused.status_code, code_of(refused)) == (403, "CORS_REFUSED")
    assert "Origin" in unread.headers["vary"]
    for answer in refused, unread, unlisted:
        assert told_of_origins(answer) == {}


async def test_any_origin_is_any_but_never_with_cookies(tmp_path: Path) -> None:
    async with opened(tmp_path, cors_origins="*") as api:
        answers = [
            await preflight(api, ELSEWHERE),
            await api.http.get("/nowhere", headers={"Origin": ELSEWHERE}),
        ]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_body_may_be_so_large_and_no_larger(tmp_path: Path) -> None:
    async with opened(tmp_path, body_max_bytes=1000) as api:
        key = await owner_with_people(api)
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        asked = b'{"query": "{ viewer { name } }"'

        async def chunks(size: int) -> Any:
            yield asked
            for _ in range(len(asked), size - 1, 1):
                yield b" "
            yield b"}"

        whole = [
            await api.http.post("/graphql", content=asked.ljust(size - 1) + b"}", headers=headers)
            for size in (1000, 1001)
        ]
        chunked = [
            await api.http.post("/graphql", content=chunks(size), headers=headers)
            for size in (1000, 1001)
        ]
        lines = await api.http.post(
            "/ingest",
            content=b"\n" * 2000,
            headers={**headers, "Content-Type": "application/x-ndjson"},
        )

    for fits, is_more in whole, chunked:
        assert fits.json()["data"]
        assert (is_more.status_code, code_of(is_more)) == (413, "PAYLOAD_TOO_LARGE")
        assert "1,000 bytes" in is_more.text
    assert lines.json()["sentCount"] == 0


async def raw(api: Api, query: str, headers: dict[str, str]) -> tuple[httpx2.Headers, bytes]:
    """Return an answer as it is sent."""
    asked = {"query": query}
    async with api.http.stream("POST", "/graphql", json=asked, headers=headers) as answer:
        return answer.headers, b"".join([each async for each in answer.aiter_raw()])


@pytest.fixture
async def unmetered(tmp_path: Path) -> AsyncGenerator[Api]:
    """A server that tells nobody what is left of a budget, which is never the same twice."""
    async with opened(tmp_path, budget=0) as api:
        yield api


async def test_large_json_is_compressed_where_it_tells_nobody_anything(unmetered: Api) -> None:
    key = {"X-API-Key": await owner_with_people(unmetered, 499)}

    plain, text = await raw(unmetered, NAMES, {**key, "Accept-Encoding": "identity"})
    headers, small = await raw(unmetered, NAMES, {**key, "Accept-Encoding": "br, gzip;q=0.5"})

    assert "content-encoding" not in plain
    assert len(text) > 16_384
    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept, Accept-Encoding")
    assert int(headers["content-length"]) == len(small) < len(text) / 3
    assert gzip.decompress(small) == text
    for taken in ({"Cookie": "a=b"}, {"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "gzipx"}):
        headers, as_it_is = await raw(unmetered, NAMES, {"Accept-Encoding": "gzip", **key, **taken})
        assert ("content-encoding" in headers, as_it_is) == (False, text)
    headers, _ = await raw(unmetered, VIEWER, {**key, "Accept-Encoding": "gzip"})
    assert "content-encoding" not in headers


async def test_very_large_json_is_compressed_too(tmp_path: Path) -> None:
    with patch("server.edge.compression.AT_ONCE", 0):
        async with opened(tmp_path) as api:
            key = {"X-API-Key": await owner_with_people(api, 499)}
            _, small = await raw(api, NAMES, {**key, "Accept-Encoding": "gzip"})
    assert len(gzip.decompress(small)) > 16_384


async def test_an_operator_may_have_nothing_compressed(tmp_path: Path) -> None:
    async with opened(tmp_path, compress_from_bytes=0) as api:
        key = {"X-API-Key": await owner_with_people(api, 499)}
        headers, _ = await raw(api, NAMES, {**key, "Accept-Encoding": "gzip"})
    assert "content-encoding" not in headers


async def test_what_pages_load_is_compressed_whole_and_known_again(api: Api) -> None:
    path = f"/static/assets/{ASSET.name}"
    small = await api.http.get(path, headers={"Accept-Encoding": "gzip"})
    plain = await api.http.get(path, headers={"Accept-Encoding": "identity"})
    again = await api.http.get(path, headers={"If-None-Match": small.headers["etag"]})
    part = await api.http.get(path, headers={"Range": "bytes=0-9", "Accept-Encoding": "gzip"})

    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content == ASSET.read_bytes()
    assert int(small.headers["content-length"]) < len(plain.content) / 3
    assert small.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert again.status_code == 304
    assert (part.status_code, part.content) == (206, plain.content[:10])


def test_the_settings_say_what_they_are_for() -> None:
    for name in ("allowed_hosts", "cors_origins", "body_max_bytes", "connections_max"):
        assert Settings.model_fields[name].description
