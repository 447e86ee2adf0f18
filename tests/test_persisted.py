"""Persisted documents: known by an id, and, if an operator wants, the only ones."""

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.command import hyperdata
from tests.conftest import Api, opened
from tests.factories import a_user, save

pytestmark = pytest.mark.anyio

VIEWER = "query Who { viewer { name } }"
NAMED = "query One($id: String!) { experiment(experimentId: $id) { id } }"
HASH = f"sha256:{sha256(VIEWER.encode()).hexdigest()}"
DOCUMENTS = {"who": VIEWER, "one": NAMED}
ADA = {"viewer": {"name": "Ada"}}


def manifest(folder: Path, documents: object = DOCUMENTS) -> Path:
    file = folder / "documents.json"
    file.write_text(json.dumps(documents))
    return file


async def a_key(api: Api) -> str:
    owner = a_user(name="Ada")
    await save(api.db, owner)
    return await api.key_of(owner.key)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncGenerator[Api]:
    async with opened(tmp_path, documents_file=manifest(tmp_path)) as api:
        yield api


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncGenerator[Api]:
    """A server that executes persisted documents alone."""
    async with opened(tmp_path, documents_file=manifest(tmp_path), persisted_only=True) as api:
        yield api


async def sent(api: Api, key: str, **said: Any) -> dict[str, Any]:
    answer = await api.http.post("/graphql", json=said, headers={"X-API-Key": key})
    body: dict[str, Any] = answer.json()
    return body


async def got(api: Api, key: str, **said: str) -> dict[str, Any]:
    answer = await api.http.get("/graphql", params=said, headers={"X-API-Key": key})
    body: dict[str, Any] = answer.json()
    return body


async def over_a_socket(api: Api, key: str, **said: Any) -> dict[str, Any]:
    """Return what is answered to one operation, by graphql-transport-ws."""
    coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    going: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/graphql",
        "headers": [(b"host", b"test"), (b"x-api-key", key.encode())],
    }
    scope |= {
        "scheme": "ws",
        "query_string": b"",
        "subprotocols": ["graphql-transport-ws"],
        "root_path": "",
    }

    async def send(message: MutableMapping[str, Any]) -> None:
        await going.put(dict(message))

    def say(message: object) -> None:
        coming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    coming.put_nowait({"type": "websocket.connect"})
    serving = asyncio.ensure_future(api.app(scope, coming.get, send))
    say({"type": "connection_init"})
    say({"type": "subscribe", "id": "1", "payload": said})
    for _ in range(2):  # accepted, and acknowledged
        await going.get()
    answer: dict[str, Any] = json.loads((await going.get())["text"])
    coming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await serving
    return answer


async def test_a_document_is_known_by_the_hash_of_its_text_and_by_its_own_id(api: Api) -> None:
    key = await a_key(api)
    for id_ in (HASH, "who"):
        for _ in range(2):  # then as a document that was executed before
            assert (await sent(api, key, documentId=id_))["data"] == ADA
        assert (await got(api, key, documentId=id_))["data"] == ADA
        told = await over_a_socket(api, key, documentId=id_)
        assert (told["type"], told["payload"]["data"]) == ("next", ADA)
    variables = {"documentId": "x", "id": "exp_none"}  # a variable of that name means nothing
    assert (await sent(api, key, documentId="one", variables=variables))["data"]
    assert "data" in await got(api, key, documentId="one", variables=json.dumps(variables))
    assert (await sent(api, key, query=VIEWER))["data"] == ADA


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"documentId": "nothing"}, "PERSISTED_DOCUMENT_NOT_FOUND"),
        ({"documentId": f"sha256:{'0' * 64}"}, "PERSISTED_DOCUMENT_NOT_FOUND"),
        ({"documentId": "who", "query": VIEWER}, "BAD_USER_INPUT"),
        ({"documentId": 5}, "BAD_USER_INPUT"),
    ],
)
async def test_an_id_that_stands_for_nothing_is_refused(
    api: Api, said: dict[str, Any], code: str
) -> None:
    key = await a_key(api)
    answers = [await sent(api, key, **said)]
    if isinstance(said["documentId"], str):
        answers.append(await got(api, key, **said))
        told = await over_a_socket(api, key, **said)
        assert told["type"] == "error"
        answers.append({"errors": told["payload"]})
    for answer in answers:
        assert [each["extensions"]["code"] for each in answer["errors"]] == [code]
        assert not answer.get("data")


async def test_an_operator_may_allow_persisted_documents_alone(strict: Api) -> None:
    key = await a_key(strict)
    assert (await sent(strict, key, documentId=HASH))["data"] == ADA
    told = await over_a_socket(strict, key, query=VIEWER)
    answers = [await sent(strict, key, query=VIEWER), await got(strict, key, query=VIEWER)]
    answers += [await sent(strict, key, query="{ __schema { types { name } } }")]
    for answer in (*answers, {"errors": told["payload"]}):
        assert answer["errors"][0]["extensions"]["code"] == "PERSISTED_DOCUMENT_REQUIRED"
        assert not answer.get("data")


def checked(file: Path) -> "subprocess.CompletedProcess[str]":
    return hyperdata("documents", "check", file)


def test_documents_can_be_checked_before_they_are_used(tmp_path: Path) -> None:
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1}
    operations = [{"id": "a", "name": "Who", "type": "query", "body": VIEWER}]
    good = checked(manifest(tmp_path, apollo | {"operations": operations}))
    assert (good.returncode, good.stdout) == (0, "All 1 documents are valid.\n")

    many = "{ viewer { " + " ".join(f"a{i}: name" for i in range(300)) + " } }"
    wrong = {"typo": "{ viewer { nam } }", "text": "{", "large": many, "good": VIEWER}
    told = checked(manifest(tmp_path, wrong))
    assert told.returncode == 1
    assert [line.partition(":")[0] for line in told.stderr.splitlines()] == [
        "typo",
        "text",
        "large",
    ]


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"a": 5}'])
def test_a_file_that_holds_no_documents_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "documents.json").write_text(content)
    file = tmp_path / "documents.json"
    serving = hyperdata(
        *("serve", "--port", "1", "--data-dir", tmp_path),
        environment={"HYPERDATA_DOCUMENTS_FILE": str(file)},
    )
    for told in checked(file), serving:
        assert told.returncode == 1
        assert "documents.json" in told.stderr
        assert "Traceback" not in told.stderr
