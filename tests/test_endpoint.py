"""GraphQL over HTTP: what is answered to requests of every kind, and what is never said."""

import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from server.logs import ACCESS
from server.resolvers.listings import PageWithin
from tests.conftest import Api
from tests.factories import a_participant, a_room, a_user, an_experiment, save

pytestmark = pytest.mark.anyio

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
VIEWER = "{ viewer { name } }"
CANCEL = 'mutation { exportCancel(id: "x") { userErrors { code } } }'


@pytest.fixture
async def key(api: Api) -> str:
    owner = a_user(name="Ada")
    experiment = an_experiment(owner)
    room = a_room(experiment)
    await save(api.db, owner, experiment, room, a_participant(room, email="eve@example.org"))
    return await api.key_of(owner.key)


async def posted(
    api: Api, key: str, body: str | bytes, kind: str = JSON, **headers: str
) -> httpx2.Response:
    sent = {"X-API-Key": key, "Content-Type": kind, **headers}
    return await api.http.post("/graphql", content=body, headers=sent)


async def asked(api: Api, key: str, query: str, accept: str, **fields: Any) -> httpx2.Response:
    body = json.dumps({"query": query, **fields})
    return await posted(api, key, body, JSON, Accept=accept)


async def got(api: Api, key: str, **parameters: str) -> httpx2.Response:
    return await api.http.get("/graphql", params=parameters, headers={"X-API-Key": key})


def code_of(answer: httpx2.Response) -> str:
    """Return the first code of an answer that holds errors, each with a code, and no data."""
    body = answer.json()
    error, *_ = body["errors"]
    assert "data" not in body
    assert all(each["extensions"]["code"] for each in body["errors"])
    assert error["message"]
    code: str = error["extensions"]["code"]
    return code


async def test_a_query_may_be_sent_by_get(api: Api, key: str) -> None:
    query = "query($id: String!) { experiment(experimentId: $id) { id } }"

    plain = await got(api, key, query=VIEWER)
    full = await got(api, key, query=query, variables='{"id": "x"}', extensions="{}")

    assert plain.json()["data"] == {"viewer": {"name": "Ada"}}
    assert full.json()["data"] == {"experiment": None}
    assert plain.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        *((None, JSON), ("", JSON), ("*/*", JSON), ("application/*", JSON), (JSON, JSON)),
        (f"{JSON};charset=UTF-8", JSON),
        *((GRAPHQL, GRAPHQL), (f"{GRAPHQL}, {JSON}", GRAPHQL), (f"{JSON}, {GRAPHQL}", GRAPHQL)),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),  # as Apollo Client
        (f"{JSON}, {GRAPHQL};q=0.5", JSON),
        (f"{GRAPHQL};q=0, */*;q=0.1", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{JSON}, */*", JSON),
        (f"{GRAPHQL}, application/graphql+json, {JSON}, text/event-stream", GRAPHQL),  # as urql
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),  # as browsers
        (f"{GRAPHQL.upper()} ; Q=1.000 , x", GRAPHQL),
        (f"{GRAPHQL};q=7, {JSON};q=0.1", JSON),
    ],
)
async def test_who_asks_chooses_the_media_type(
    api: Api, key: str, accept: str | None, media: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    if accept is None:
        del api.http.headers["Accept"]
    answer = await posted(api, key, json.dumps({"query": VIEWER}), JSON, **headers)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"viewer": {"name": "Ada"}}
    assert answer.headers["Content-Type"].partition(";")[0] == media
    assert answer.headers["Vary"] == "Accept"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "accept",
    [
        *("text/html", "text/event-stream", "application/xml", "x", "*/*;q=0", "image/*"),
        f"{JSON};q=0, {GRAPHQL};q=0.000",
        f"{JSON};charset=utf-16",
    ],
)
async def test_who_takes_neither_is_told_so(api: Api, key: str, accept: str) -> None:
    answer = await asked(api, key, VIEWER, accept)
    assert (answer.status_code, code_of(answer)) == (406, "NOT_ACCEPTABLE")
    assert answer.headers["Content-Type"] == JSON


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"query": CANCEL}, 405, "METHOD_NOT_ALLOWED"),
        (
            {"query": f"query a {VIEWER} {CANCEL.replace('mutation', 'mutation b')}"}
            | {"operationName": "b"},
            405,
            "METHOD_NOT_ALLOWED",
        ),
        ({"query": 'subscription { exportProgress(id: "x") { id } }'}, 400, "BAD_USER_INPUT"),
        ({"query": VIEWER, "variables": "{"}, 400, "BAD_USER_INPUT"),
        ({"query": VIEWER, "variables": "[]"}, 400, "BAD_USER_INPUT"),
        ({"query": VIEWER, "extensions": "5"}, 400, "BAD_USER_INPUT"),
        ({"query": ""}, 400, "BAD_USER_INPUT"),
        ({}, 400, "BAD_USER_INPUT"),
    ],
)
async def test_a_get_that_cannot_be_answered_is_refused(
    api: Api, key: str, parameters: dict[str, str], status: int, code: str
) -> None:
    answer = await got(api, key, **parameters)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize("address", ["query=%7Bviewer%ED%A0%80%7D", "query=%FF", "query=a&query=b"])
async def test_an_address_that_could_mean_anything_is_refused(
    api: Api, key: str, address: str
) -> None:
    answer = await api.http.get(f"/graphql?{address}", headers={"X-API-Key": key})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_page_of_another_site_has_nothing_asked_by_get(
    api: Api, key: str, site: str
) -> None:
    """With a cookie it would be asked in the name of whoever looks at the page."""
    headers = {"Sec-Fetch-Site": site}
    answer = await api.http.get("/graphql", params={"query": VIEWER}, headers=headers)
    assert (answer.status_code, code_of(answer)) == (403, "CSRF_REFUSED")
    keyed = {**headers, "X-API-Key": key}
    assert (
        await api.http.get("/graphql", params={"query": VIEWER}, headers=keyed)
    ).status_code == 200


@pytest.mark.parametrize("send", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_another_method_is_refused_and_told_which_would_do(
    api: Api, key: str, send: str
) -> None:
    answer = await api.http.request(send, "/graphql", headers={"X-API-Key": key})
    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "null", "5", '"x"', "true", "NaN", "{}", "[" * 100_000),
        *('{"query": 5}', '{"query": null}', '{"query": ""}', '{"query": [], "variables": {}}'),
        *(b'{"query": "\xff"}', "\ufeff{}", '{"query": "\\ud800"}', b"\x1f\x8b\x08", b"\0"),
        f'{{"query": "{VIEWER}", "variables": {{"n": NaN}}}}',
        json.dumps({"query": VIEWER, "variables": []}),
        json.dumps({"query": VIEWER, "operationName": 5}),
        json.dumps({"query": VIEWER, "extensions": 5}),
        f'{{"query": "{VIEWER}", "variables": {{"n": {"1" * 10_000}}}}}',
        json.dumps({"query": VIEWER}).encode("utf-16"),
    ],
    ids=lambda body: repr(body)[:30],
)
async def test_a_body_that_is_no_request_is_refused(api: Api, key: str, body: str | bytes) -> None:
    for media in (JSON, GRAPHQL):
        answer = await posted(api, key, body, JSON, Accept=media)
        assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")
        assert answer.headers["Content-Type"].startswith(media)
        assert len(answer.content) < 300


async def test_several_requests_at_once_are_refused(api: Api, key: str) -> None:
    answer = await posted(api, key, json.dumps([{"query": VIEWER}]))
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert "one request at a time" in answer.text


async def test_what_is_to_be_watched_is_shown_to_the_websocket(api: Api, key: str) -> None:
    query = 'subscription { exportProgress(id: "x") { id } }'
    answer = await asked(api, key, query, "text/event-stream, application/json;q=0.1")
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert "graphql-transport-ws" in answer.text


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        *((kind, {}) for kind in ("text/plain", "application/graphql", "x", "", "text/json")),
        ("multipart/form-data; boundary=x", {}),
        ("application/x-www-form-urlencoded", {}),
        (f"{JSON}; charset=utf-16", {}),
        (f"{JSON}; charset=latin1", {}),
        *((JSON, {"Content-Encoding": how}) for how in ("gzip", "br", "identity, gzip")),
    ],
)
async def test_a_body_of_another_type_is_refused(
    api: Api, key: str, kind: str, others: dict[str, str]
) -> None:
    answer = await posted(api, key, json.dumps({"query": VIEWER}), kind, **others)
    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_body_that_is_too_large_is_refused(api: Api, key: str, is_told: bool) -> None:
    async def body() -> AsyncGenerator[bytes]:
        for _ in range(5):
            yield b" " * (1 << 20)

    headers = {"X-API-Key": key, "Content-Type": JSON}
    if is_told:
        headers["Content-Length"] = str(5 << 20)
    answer = await api.http.post("/graphql", content=body(), headers=headers)
    assert (answer.status_code, code_of(answer)) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ viewer { name }", "GRAPHQL_PARSE_FAILED"),
        ("{ a" * 5000, "GRAPHQL_PARSE_FAILED"),
        ('{ experiment(experimentId: "\\ud800") { id } }', "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ experiment { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ experiment(experimentId: 5) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($a: Nothing) { node(id: $a) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ node(id: "x") { ... on User { name } } }', "GRAPHQL_VALIDATION_FAILED"),
        (f"query a {VIEWER} query b {VIEWER}", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment f on Viewer { name }", "BAD_USER_INPUT"),
        ("query($a: String!) { experiment(experimentId: $a) { id } }", "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_be_executed_is_refused_with_a_code(
    api: Api, key: str, query: str, code: str
) -> None:
    """By the older media type 200 says that the server was reached."""
    for accept, status in ((JSON, 200), (GRAPHQL, 400)):
        answer = await asked(api, key, query, accept)
        assert (answer.status_code, code_of(answer)) == (status, code)


async def test_an_operation_that_is_not_there_is_not_executed(api: Api, key: str) -> None:
    for accept, status in ((JSON, 200), (GRAPHQL, 400)):
        answer = await asked(api, key, VIEWER, accept, operationName="x")
        assert (answer.status_code, code_of(answer)) == (status, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ experiments(first: -1) { totalCount } }", "BAD_USER_INPUT"),
        ('{ experiments(after: "x") { totalCount } }', "INVALID_CURSOR"),
    ],
)
async def test_what_was_executed_is_answered_with_its_errors(
    api: Api, key: str, query: str, code: str
) -> None:
    for accept in (JSON, GRAPHQL):
        answer = await asked(api, key, query, accept)
        body = answer.json()
        assert (answer.status_code, body["data"]) == (200, None)
        assert [error["extensions"]["code"] for error in body["errors"]] == [code]
        assert body["errors"][0]["path"] == ["experiments"]


async def test_of_several_operations_the_named_one_is_run(api: Api, key: str) -> None:
    document = "query a { viewer { name } } query b { viewer { role } }"
    body = json.dumps({"query": document, "operationName": "b"})
    answer = await posted(api, key, body, "application/json; charset=utf-8")
    assert answer.json()["data"] == {"viewer": {"role": "RESEARCHER"}}


@pytest.mark.parametrize("failure", [ValueError, KeyError, AssertionError, RecursionError])
async def test_a_bug_is_masked_and_found_again_by_its_number(
    api: Api,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: type[Exception],
) -> None:
    async def fail(*_: object) -> None:
        raise failure("eve@example.org is not a number")

    monkeypatch.setattr(PageWithin, "load", fail)
    caplog.set_level(logging.INFO)

    answer = await api.post(
        "{ viewer { name } experiments { nodes { rooms { totalCount } } } }", key
    )

    [error] = answer.json()["errors"]
    incident = answer.headers["X-Request-ID"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": incident}
    assert error["path"] == ["experiments", "nodes", 0, "rooms"]
    assert error["message"].endswith(f"incident {incident}.")
    [logged] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert incident in logged.getMessage()
    assert f"{failure.__name__} at batches.py:" in logged.getMessage()
    for text in (answer.text, caplog.text):
        assert "eve@" not in text
        assert "not a number" not in text
        assert "Traceback" not in text


async def test_a_bug_of_the_database_tells_nothing_of_the_data(
    api: Api, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with api.db.write() as tx:
        await tx.exec_driver_sql("UPDATE experiment SET roles = 'eve@example.org'")

    answer = await api.post("{ experiments { nodes { name roles } } }", key)

    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "eve@" not in answer.text + caplog.text


async def test_what_a_client_does_wrong_is_not_logged(
    api: Api, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for query in ("{", "{ nothing }", "{ experiments(first: -1) { totalCount } }"):
        assert (await api.post(query, key)).status_code == 200
    await api.post(VIEWER, "hst_live_wrong")
    assert [
        r
        for r in caplog.records
        if r.name.startswith(("server", "strawberry")) and r.name != ACCESS
    ] == []


async def test_answers_hold_numbers_of_any_size(api: Api, key: str) -> None:
    query = "query($n: Int) { experiments(first: $n) { totalCount } }"
    numbers: list[Any] = [2**31, -(2**31) - 1, 2**53, 2**64, 2**100, 1.5, "1", True]
    for n in numbers:
        [error, *_] = (await api.post(query, key, n=n)).json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
