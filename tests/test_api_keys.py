"""API keys: who holds one is known, and nobody else; scopes and experiments narrow what it may."""

from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from server.api_keys import issue
from server.db import Database
from server.global_ids import global_id
from server.records import RecordType
from server.records.api_keys import ApiKey
from server.timestamps import Timestamp, now
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { userId name role scopes } }"


async def status_of(api: Api, **headers: str) -> int:
    answer = await api.http.post("/graphql", json={"query": VIEWER}, headers=headers)
    return answer.status_code


async def refused(api: Api, key: str | None) -> str:
    """Return why a key is refused, having checked that it is, as HTTP and GraphQL ask."""
    answer = await api.post(VIEWER, key)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/json"
    [error] = answer.json()["errors"]
    assert "data" not in answer.json()
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    message: str = error["message"]
    return message


async def change(api: Api, key: str, **values: Any) -> None:
    async with api.db.write() as tx:
        statement = update(ApiKey).where(col(ApiKey.prefix) == key[:13]).values(**values)
        assert (await tx.execute(statement)).rowcount == 1


async def test_the_holder_of_a_key_is_who_is_asking(api: Api) -> None:
    user = a_user(name="Ada", role="ADMINISTRATOR")
    await save(api.db, user)
    key = await api.key_of(user.key, "read:events", "export:data")

    viewer = (await api.ask(VIEWER, key))["viewer"]

    assert viewer == {
        "userId": user["user_id"],
        "name": "Ada",
        "role": "ADMINISTRATOR",
        "scopes": ["export:data", "read:events"],
    }


async def test_a_key_is_stored_only_as_a_hash(api: Api) -> None:
    user = a_user()
    await save(api.db, user)
    key = await api.key_of(user.key)

    async with api.db.read() as tx:
        [stored] = (await tx.execute(select(ApiKey.__table__))).mappings()  # type: ignore[attr-defined] # the table of a model

    assert key[:13] == stored["prefix"]
    assert not any(key[13:] in str(value) for value in stored.values())


async def test_a_key_is_taken_from_either_header(api: Api) -> None:
    user = a_user()
    await save(api.db, user)
    key = await api.key_of(user.key)

    for headers in (
        {"X-API-Key": key},
        {"x-api-key": f" {key} "},
        {"Authorization": f"Bearer {key}"},
        {"authorization": f"bearer  {key}"},
        {"X-API-Key": "", "Authorization": f"Bearer {key}"},
    ):
        assert await status_of(api, **headers) == 200, headers
    for headers in (
        {"Authorization": key},
        {"Authorization": f"Basic {key}"},
        {"Authorization": "Bearer"},
        {"Cookie": f"X-API-Key={key}"},
        {"X-API-Key": f"Bearer {key}"},
    ):
        assert await status_of(api, **headers) == 401, headers


async def test_without_a_key_nothing_is_shown_but_that_one_is_needed(api: Api) -> None:
    assert "X-API-Key" in await refused(api, None)
    for query in ("{ __schema { types { name } } }", "{ nonsense", "mutation { x }"):
        answer = await api.post(query, None)
        assert answer.status_code == 401
        assert "schema" not in answer.text
    assert (await api.http.get("/graphql")).status_code == 401
    for send in (api.http.put, api.http.delete, api.http.options):
        assert (await send("/graphql")).status_code == 405


async def test_a_mistyped_key_is_refused_without_asking_the_database(api: Api) -> None:
    user = a_user()
    await save(api.db, user)
    key = await api.key_of(user.key)
    other = "a" if key[20] != "a" else "b"
    wrong = [key[:-1], key + "a", key[:20] + other + key[21:], key.upper(), "hst_live_", "x"]

    for mistyped in [*wrong, key.replace("hst_live_", "hst_test_"), key[9:], "k" * 100_000]:
        assert "check that all of it is there" in await refused(api, mistyped)
    answer = await api.http.post(
        "/graphql", json={"query": VIEWER}, headers={b"x-api-key": "ключ".encode()}
    )
    assert answer.status_code == 401


async def test_a_well_formed_key_of_elsewhere_is_refused(api: Api, db: Any) -> None:
    user = a_user()
    await save(db, user)
    async with db.write() as tx:
        elsewhere = await issue(tx, user.key, "elsewhere")

    assert "unknown, expired or revoked" in await refused(api, elsewhere)


async def test_a_key_works_until_it_expires(api: Api) -> None:
    user = a_user()
    await save(api.db, user)
    key = await api.key_of(user.key)

    await change(api, key, expires_at=Timestamp(now() + 60_000))
    assert (await api.post(VIEWER, key)).status_code == 200
    await change(api, key, expires_at=now())
    assert "expired" in await refused(api, key)


async def test_a_revoked_key_is_refused_at_once(api: Api) -> None:
    user = a_user()
    await save(api.db, user)
    key, other = await api.key_of(user.key), await api.key_of(user.key)
    assert (await api.post(VIEWER, key)).status_code == 200

    await change(api, key, revoked_at=now())

    assert "revoked" in await refused(api, key)
    assert (await api.post(VIEWER, other)).status_code == 200


async def test_what_was_found_out_of_a_key_holds_no_longer_than_it_is_true(api: Api) -> None:
    """Who asks again is not looked up again, so nothing may be taken for true that is not."""
    user = a_user()
    await save(api.db, user)
    key, name = await api.key_of(user.key), "{ viewer { name } }"
    ends = Timestamp(now() + 60_000)
    await change(api, key, expires_at=ends)
    for _ in range(3):
        await api.ask(name, key)

    elsewhere = Database(api.db.url.render_as_string(hide_password=False))  # as another server has
    async with elsewhere.write() as tx:
        await tx.execute(update(ApiKey).values(scopes=["read:events"]))
    await elsewhere.close()
    assert (await api.ask(VIEWER, key))["viewer"]["scopes"] == ["read:events"]

    with (
        patch("server.known_holders.now", lambda: Timestamp(ends + 1)),
        patch("server.api_keys.now", lambda: Timestamp(ends + 1)),
    ):
        assert "expired" in await refused(api, key)
    assert (await api.post(VIEWER, key)).status_code == 200


@pytest.fixture
async def study(api: Api) -> list[Row]:
    """A user, two experiments of theirs, and in each a room, a person and a record of each type."""
    owner = a_user()
    rows: list[Row] = [owner]
    for name in ("mine", "other"):
        experiment = an_experiment(owner, experiment_id=name)
        room = a_room(experiment, room_id=f"room of {name}")
        person = a_participant(room)
        rows += [experiment, room, person, *(A_RECORD[kind](person) for kind in RecordType)]
    await save(api.db, *rows)
    return rows


@pytest.mark.parametrize("kind", RecordType)
async def test_each_type_needs_its_scope(api: Api, study: list[Row], kind: RecordType) -> None:
    scopes = {t.value.scope for t in RecordType} - {kind.value.scope}
    lacking = await api.key_of(study[0].key, "read:experiments", "read:participants", *scopes)
    having = await api.key_of(study[0].key, "read:experiments", kind.value.scope)
    name = kind.value.name
    at = '{ experiment(experimentId: "mine") { %s } }'
    queries = [
        at % f"{name} {{ nodes {{ id }} }}",
        at % f"{name}(first: 0) {{ totalCount }}",
        at % f"dataSummary(dataTypes: [{kind.name}]) {{ recordCount }}",
        at % f"rooms {{ nodes {{ {name} {{ nodes {{ id }} }} }} }}",
    ]

    for query in queries:
        code, message = await api.refusal(query, lacking)
        assert (code, f"`{kind.value.scope}`" in message) == ("FORBIDDEN", True), message
        await api.ask(query, having)
    [record] = [r for r in study if r.model is kind.value.model and r["room_key"] == study[2].key]
    node = f'{{ node(id: "{global_id(record.model.__name__, record.key)}") {{ id }} }}'
    assert (await api.ask(node, lacking))["node"] is None
    assert (await api.ask(node, having))["node"] is not None


async def test_available_data_tells_of_what_the_key_may_read(api: Api, study: list[Row]) -> None:
    key = await api.key_of(study[0].key, "read:participants", "read:experiments", "read:ratings")
    query = "{ experiments { nodes { participants { nodes { availableData } } } } }"

    [person, _] = [
        node["participants"]["nodes"][0]
        for node in (await api.ask(query, key))["experiments"]["nodes"]
    ]

    assert person["availableData"] == ["CONTINUOUS_RATINGS", "SPARSE_RATINGS"]


@pytest.mark.parametrize(
    "query",
    [
        "{ experiments { totalCount } }",
        '{ experiment(experimentId: "mine") { name } }',
        '{ room(roomId: "room of mine") { participants { totalCount } } }',
        '{ node(id: "%s") { ... on Participant { room { roomId } } } }',
        '{ node(id: "%s") { ... on Participant { experiment { name } } } }',
    ],
)
async def test_what_lies_above_the_data_needs_a_scope_too(
    api: Api, study: list[Row], query: str
) -> None:
    key = await api.key_of(study[0].key, "read:events", "read:participants")
    person = global_id("Participant", study[3].key)

    code, message = await api.refusal(query.replace("%s", person), key)

    assert (code, "`read:experiments`" in message) == ("FORBIDDEN", True)


@pytest.mark.parametrize("scope", ["read:*", "*"])
async def test_a_wildcard_allows_all_reading(api: Api, study: list[Row], scope: str) -> None:
    key = await api.key_of(study[0].key, scope)
    everything = " ".join(f"{t.value.name} {{ totalCount }}" for t in RecordType)

    data = await api.ask(
        f"{{ experiments {{ nodes {{ access {{ canExport }} {everything} }} }} }}", key
    )

    for node in data["experiments"]["nodes"]:
        assert node.pop("access") == {"canExport": scope == "*"}
        assert all(connection == {"totalCount": 1} for connection in node.values())


async def test_a_key_bound_to_an_experiment_shows_no_other(api: Api, study: list[Row]) -> None:
    key = await api.key_of(study[0].key)
    half = len(study) // 2
    mine, other = study[1 : half + 1], study[half + 1 :]
    await change(api, key, experiment_keys=[mine[0].key])
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    data = await api.ask("{ experiments { totalCount nodes { experimentId } } }", key)
    assert data["experiments"] == {"totalCount": 1, "nodes": [{"experimentId": "mine"}]}
    for rows, seen in ((mine, True), (other, False)):
        ids = [global_id(row.model.__name__, row.key) for row in rows]
        found = (await api.ask(nodes, key, ids=ids))["nodes"]
        assert [node is not None for node in found] == [seen] * len(rows)
    for query in (
        '{ it: experiment(experimentId: "other") { id } }',
        '{ it: room(roomId: "room of other") { id } }',
    ):
        assert await api.ask(query, key) == {"it": None}
    await change(api, key, experiment_keys=[])
    assert (await api.ask("{ experiments { totalCount } }", key))["experiments"]["totalCount"] == 0
