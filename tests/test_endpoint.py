"""GraphQL over HTTP: what is answered to requests of every kind, and what is never said."""

import json
import logging
from typing import Any

import httpx2
import pytest

from server.logs import ACCESS
from server.resolvers.listings import PageWithin
from tests.conftest import Api
from tests.factories import a_participant, a_room, a_user, an_experiment, save

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { name } }"
CANCEL = 'mutation { exportCancel(id: "x") { userErrors { code } } }'


@pytest.fixture
async def key(api: Api) -> str:
    owner = a_user(name="Ada")
    experiment = an_experiment(owner)
    room = a_room(experiment)
    await save(api.db, owner, experiment, room, a_participant(room, email="eve@example.org"))
    return await api.key_of(owner.key)


async def posted(api: Api, key: str, body: str | bytes, kind: str) -> httpx2.Response:
    headers = {"X-API-Key": key, "Content-Type": kind}
    return await api.http.post("/graphql", content=body, headers=headers)


async def got(api: Api, key: str, **parameters: str) -> httpx2.Response:
    return await api.http.get("/graphql", params=parameters, headers={"X-API-Key": key})


def code_of(answer: httpx2.Response) -> str:
    """Return the first code of an answer that holds errors, each with a code, and no data."""
    body = answer.json()
    error, *_ = body["errors"]
    assert not body.get("data")
    assert all(each["extensions"]["code"] for each in body["errors"])
    assert error["message"]
    code: str = error["extensions"]["code"]
    return code


async def test_a_query_may_be_sent_by_get(api: Api, key: str) -> None:
    query = "query($id: String!) { experiment(experimentId: $id) { id } }"

    plain = await got(api, key, query=VIEWER)
    full = await got(api, key, query=query, variables='{"id": "x"}', extensions="{}")

    assert plain.json() == {"data": {"viewer": {"name": "Ada"}}}
    assert full.json() == {"data": {"experiment": None}}
    assert plain.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": CANCEL},
        {"query": f"query a {VIEWER} {CANCEL.replace('mutation', 'mutation b')}"}
        | {"operationName": "b"},
        {"query": 'subscription { exportProgress(id: "x") { id } }'},
        {"query": VIEWER, "variables": "{"},
        {"query": VIEWER, "variables": "[]"},
        {"query": VIEWER, "extensions": "5"},
        {"query": VIEWER, "operationName": "x"},
        {"query": ""},
        {},
    ],
)
async def test_a_get_that_cannot_be_answered_is_refused(
    api: Api, key: str, parameters: dict[str, str]
) -> None:
    answer = await got(api, key, **parameters)
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("send", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_refused_and_told_which_would_do(
    api: Api, key: str, send: str
) -> None:
    answer = await api.http.request(send, "/graphql", headers={"X-API-Key": key})
    assert (answer.status_code, code_of(answer)) == (405, "BAD_USER_INPUT")
    assert answer.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "null", "5", '"x"', "true", "NaN", "{}", "[" * 100_000),
        *('{"query": 5}', '{"query": null}', '{"query": ""}', '{"query": [], "variables": {}}'),
        *(b'{"query": "\xff"}', "\ufeff{}", '{"query": "\\ud800"}', b"\x1f\x8b\x08", b"\0"),
        json.dumps({"query": VIEWER, "variables": []}),
        json.dumps({"query": VIEWER, "operationName": "x"}),
        json.dumps({"query": VIEWER, "extensions": 5}),
        json.dumps([{"query": VIEWER}]),
        json.dumps({"query": "fragment f on Viewer { name }"}),
        json.dumps({"query": 'subscription { exportProgress(id: "x") { id } }'}),
        f'{{"query": "{VIEWER}", "variables": {{"n": {"1" * 10_000}}}}}',
        json.dumps({"query": VIEWER}).encode("utf-16"),
    ],
    ids=lambda body: repr(body)[:30],
)
async def test_a_body_that_is_no_request_is_refused(api: Api, key: str, body: str | bytes) -> None:
    answer = await posted(api, key, body, "application/json")
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert len(answer.content) < 300


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/graphql", "multipart/form-data; boundary=x", "x", ""]
)
async def test_a_body_of_another_type_is_refused(api: Api, key: str, kind: str) -> None:
    answer = await posted(api, key, json.dumps({"query": VIEWER}), kind)
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")


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
        ("query($a: String!) { experiment(experimentId: $a) { id } }", "BAD_USER_INPUT"),
        ("{ experiments(first: -1) { totalCount } }", "BAD_USER_INPUT"),
        ('{ experiments(after: "x") { totalCount } }', "INVALID_CURSOR"),
    ],
)
async def test_every_error_has_a_code(api: Api, key: str, query: str, code: str) -> None:
    answer = await api.post(query, key)
    assert (answer.status_code, code_of(answer)) == (200, code)


async def test_of_several_operations_the_named_one_is_run(api: Api, key: str) -> None:
    document = "query a { viewer { name } } query b { viewer { role } }"
    body = json.dumps({"query": document, "operationName": "b"})
    answer = await posted(api, key, body, "application/json; charset=utf-8")
    assert answer.json() == {"data": {"viewer": {"role": "RESEARCHER"}}}


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

    assert code_of(answer) == "INTERNAL"
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
        answer = await api.post(query, key, n=n)
        assert code_of(answer) == "BAD_USER_INPUT"
