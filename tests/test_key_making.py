"""Making and revoking API keys by the API: never more than the key in use allows."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import col

from server.access import Actor
from server.errors import ExpectedFailure
from server.global_ids import global_id
from server.records.api_keys import SCOPES, ApiKey
from server.records.audit import AuditEntry
from server.records.users import User, UserRole
from server.resolvers.api_keys import _allowed
from server.timestamps import Timestamp, now
from tests.conftest import Api, opened
from tests.factories import Row, a_grant, a_user, an_experiment, save

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { userId scopes } }"
CREATE = """mutation($input: ApiKeyInput!) { apiKeyCreate(input: $input) {
  apiKey { id name description prefix scopes expiresAt revokedAt useCount
    experiments { experimentId } }
  secret env userErrors { field message code } } }"""
REVOKE = """mutation($id: ID!) { apiKeyRevoke(id: $id) {
  apiKey { prefix revokedAt } userErrors { field message code } } }"""
LIST = "{ apiKeys { totalCount nodes { id name prefix } } }"


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


async def create(api: Api, key: str, **changes: Any) -> dict[str, Any]:
    asked = {"name": "analysis", "scopes": ["read:events"], **changes}
    made: dict[str, Any] = (await api.ask(CREATE, key, input=asked))["apiKeyCreate"]
    return made


async def refusal(api: Api, key: str, **changes: Any) -> tuple[str, str, list[str] | None]:
    """Return why no key is made, having checked that none is."""
    before = await number_of_keys(api)
    made = await create(api, key, **changes)
    [error] = made.pop("userErrors")
    assert set(made.values()) == {None}
    assert await number_of_keys(api) == before
    return error["code"], error["message"], error["field"]


async def number_of_keys(api: Api) -> int:
    async with api.db.read() as tx:
        return len((await tx.execute(select(col(ApiKey.id)))).all())


async def noted(api: Api) -> list[tuple[Any, ...]]:
    """Return what the audit log tells, but for addresses that are new."""
    columns = AuditEntry.action, AuditEntry.actor_id, AuditEntry.api_key, AuditEntry.resource
    async with api.db.read() as tx:
        asked = select(*map(col, columns), col(AuditEntry.experiment_id)).order_by(
            col(AuditEntry.id)
        )
        return [tuple(row) for row in await tx.execute(asked) if row[0] != "KEY_NEW_ADDRESS"]


@pytest.fixture
async def owner(api: Api) -> Row:
    user = a_user()
    mine, other = (an_experiment(user, experiment_id=name) for name in ("mine", "other"))
    stranger = a_user()
    hidden = an_experiment(stranger, experiment_id="hidden")
    await save(api.db, user, stranger, mine, other, hidden)
    return user


async def test_a_key_is_made_shown_once_and_works(api: Api, owner: Row) -> None:
    key = await api.key_of(owner.key)

    made = await create(api, key, description=" For R. ", expiry="SEVEN_DAYS")

    secret = made["secret"]
    assert made["env"] == f"HYPERDATA_URL=http://test\nHYPERDATA_API_KEY={secret}\n"
    shown = made["apiKey"]
    assert secret.startswith(shown["prefix"])
    assert (shown["name"], shown["description"]) == ("analysis", "For R.")
    assert (shown["revokedAt"], shown["useCount"], shown["experiments"]) == (None, 0, None)
    assert await api.ask(VIEWER, secret) == {
        "viewer": {"userId": owner["user_id"], "scopes": ["read:events"]}
    }
    listed = (await api.post(LIST, key)).text
    assert secret not in listed
    assert shown["prefix"] in listed
    assert await noted(api) == [("KEY_CREATE", owner["user_id"], key[:13], secret[:13], None)]


@pytest.mark.parametrize(
    ("expiry", "days"),
    [("SEVEN_DAYS", 7), ("THIRTY_DAYS", 30), ("NINETY_DAYS", 90), ("ONE_YEAR", 365)],
)
async def test_a_key_ends_when_it_was_said(api: Api, owner: Row, expiry: str, days: int) -> None:
    key = await api.key_of(owner.key)
    before = now()

    made = await create(api, key, expiry=expiry)

    async with api.db.read() as tx:
        this = select(col(ApiKey.expires_at)).where(col(ApiKey.prefix) == made["secret"][:13])
        ends_at = await tx.scalar(this)
    assert ends_at is not None
    assert before <= ends_at - days * 86_400_000 <= now()
    assert (await create(api, key, expiry="NEVER"))["apiKey"]["expiresAt"] is None


async def test_only_a_key_with_the_scope_sees_makes_and_revokes_keys(api: Api, owner: Row) -> None:
    everything_else = [scope for scope in SCOPES if scope not in ("*", "admin:api_keys")]
    key = await api.key_of(owner.key, *everything_else)
    other = (await create(api, await api.key_of(owner.key)))["apiKey"]["id"]

    code, message, _ = await refusal(api, key)
    assert (code, "`admin:api_keys`" in message) == ("FORBIDDEN", True)
    [error] = (await api.ask(REVOKE, key, id=other))["apiKeyRevoke"]["userErrors"]
    assert error["code"] == "FORBIDDEN"
    assert (await api.refusal(LIST, key))[0] == "FORBIDDEN"
    assert await api.ask(f'{{ node(id: "{other}") {{ id }} }}', key) == {"node": None}


async def test_a_key_makes_none_that_allows_more(api: Api, owner: Row) -> None:
    key = await api.key_of(
        owner.key, "admin:api_keys", "read:events", "read:experiments", "export:data"
    )

    for scopes in (["*"], ["read:*"], ["read:events", "read:chat"], ["write:events"]):
        code, message, field = await refusal(api, key, scopes=scopes)
        assert (code, field) == ("FORBIDDEN", ["input", "scopes"])
        assert all(f"`{scope}`" in message for scope in scopes if scope != "read:events")
        assert "`read:events`" not in message
    made = await create(api, key, scopes=["export:data", "read:events", "read:events"])
    assert made["apiKey"]["scopes"] == ["read:events", "export:data"]
    wide = await api.key_of(owner.key, "admin:api_keys", "read:*")
    assert (await create(api, wide, scopes=["read:*"]))["secret"]
    assert (await create(api, wide, scopes=["read:chat"]))["secret"]


@given(held=st.sets(st.sampled_from(list(SCOPES))), asked=st.sets(st.sampled_from(list(SCOPES))))
async def test_whatever_a_new_key_may_the_key_in_use_may_too(
    held: set[str], asked: set[str]
) -> None:
    actor = Actor(1, UserRole.RESEARCHER, None, frozenset(held))
    try:
        allowed = _allowed(actor, sorted(asked))
    except ExpectedFailure:
        assert not asked or not all(map(actor.may, asked))
        return
    new = Actor(1, UserRole.RESEARCHER, None, frozenset(allowed))
    assert set(allowed) == asked
    assert all(actor.may(scope) for scope in SCOPES if new.may(scope))


async def test_a_key_makes_none_that_works_longer(api: Api, owner: Row) -> None:
    key = await api.key_of(owner.key)
    async with api.db.write() as tx:
        ends = update(ApiKey).where(col(ApiKey.prefix) == key[:13])
        await tx.execute(ends.values(expires_at=Timestamp(now() + 20 * 86_400_000)))

    for expiry in ("THIRTY_DAYS", "NEVER"):
        code, message, field = await refusal(api, key, expiry=expiry)
        assert (code, field) == ("FORBIDDEN", ["input", "expiry"])
        assert "shorter" in message
    assert (await create(api, key, expiry="SEVEN_DAYS"))["secret"]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"scopes": ["read:event"]}, "scopes", "`read:events`"),
        ({"scopes": ["read:\0"]}, "scopes", "`read:events`"),
        ({"scopes": []}, "scopes", "Name what"),
        ({"name": "  "}, "name", "a name"),
        ({"name": "a\nb"}, "name", "a name"),
        ({"name": "a" * 201}, "name", "a name"),
        ({"description": "a" * 1001}, "description", "1,000"),
        ({"description": "\0"}, "description", "plain text"),
        ({"experimentIds": []}, "experimentIds", "Name 1 to"),
    ],
)
async def test_what_makes_no_key_is_refused_with_what_would(
    api: Api, owner: Row, changes: dict[str, Any], field: str, said: str
) -> None:
    key = await api.key_of(owner.key)

    code, message, at = await refusal(api, key, **changes)

    assert (code, at) == ("BAD_USER_INPUT", ["input", field])
    assert said in message


async def test_a_key_is_bound_to_experiments_that_its_owner_sees(api: Api, owner: Row) -> None:
    key = await api.key_of(owner.key)
    made = await create(api, key, scopes=["*"], experimentIds=["mine", "mine"])

    assert made["apiKey"]["experiments"] == [{"experimentId": "mine"}]
    seen = await api.ask("{ experiments { nodes { experimentId } } }", made["secret"])
    assert seen["experiments"]["nodes"] == [{"experimentId": "mine"}]
    [entry] = await noted(api)
    assert entry[-1] == "mine"
    refusals = [
        (await refusal(api, key, experimentIds=["mine", id_]))[:2] for id_ in ("hidden", "nothing")
    ]
    assert [code for code, _ in refusals] == ["NOT_FOUND"] * 2
    assert refusals[0][1].replace("hidden", "nothing") == refusals[1][1]


async def test_a_bound_key_makes_sees_and_revokes_only_those_bound_to_some_of_its_own(
    api: Api, owner: Row
) -> None:
    key = await api.key_of(owner.key)
    bound = [["mine", "other"], ["mine"], ["other"]]
    both, mine, other = [
        await create(api, key, scopes=["*"], experimentIds=ids, name=" ".join(ids), expiry="NEVER")
        for ids in bound
    ]

    code, _, field = await refusal(api, mine["secret"])
    assert (code, field) == ("FORBIDDEN", ["input", "experimentIds"])
    assert (await refusal(api, mine["secret"], experimentIds=["mine", "other"]))[0] == "NOT_FOUND"
    assert (await create(api, both["secret"], experimentIds=["other"]))["secret"]
    for holder, names in (
        (both, {"mine other", "mine", "other", "analysis"}),
        (mine, {"mine"}),
        (other, {"other", "analysis"}),
    ):
        shown = (await api.ask(LIST, holder["secret"]))["apiKeys"]
        assert {each["name"] for each in shown["nodes"]} == names
        assert shown["totalCount"] == len(names)
    for hidden in (both, other):
        id_ = hidden["apiKey"]["id"]
        assert await api.ask(f'{{ node(id: "{id_}") {{ id }} }}', mine["secret"]) == {"node": None}
        payload = (await api.ask(REVOKE, mine["secret"], id=id_))["apiKeyRevoke"]
        assert payload["userErrors"][0]["code"] == "NOT_FOUND"
        assert (await api.post(VIEWER, hidden["secret"])).status_code == 200


async def test_what_is_no_longer_seen_is_not_shown_of_a_key(api: Api, owner: Row) -> None:
    guest = a_user()
    shared = an_experiment(owner, experiment_id="shared")
    grant = a_grant(shared, guest)
    await save(api.db, guest, shared, grant)
    key = await api.key_of(guest.key)
    await create(api, key, experimentIds=["shared"])
    asked = "{ apiKeys { nodes { experiments { experimentId } } } }"
    bound, unbound = [{"experiments": [{"experimentId": "shared"}]}, {"experiments": None}]
    assert (await api.ask(asked, key))["apiKeys"]["nodes"] == [bound, unbound]

    async with api.db.write() as tx:
        model = grant.model
        await tx.execute(model.__table__.delete())

    assert (await api.ask(asked, key))["apiKeys"]["nodes"] == [{"experiments": []}, unbound]


async def test_a_revoked_key_opens_nothing_and_is_noted_once(api: Api, owner: Row) -> None:
    key = await api.key_of(owner.key)
    made = await create(api, key)
    assert (await api.post(VIEWER, made["secret"])).status_code == 200

    first, second = [
        (await api.ask(REVOKE, key, id=made["apiKey"]["id"]))["apiKeyRevoke"] for _ in range(2)
    ]

    assert first == second
    assert first["userErrors"] == []
    assert first["apiKey"]["revokedAt"] is not None
    assert (await api.post(VIEWER, made["secret"])).status_code == 401
    entries = [entry for entry in await noted(api) if entry[0] == "KEY_REVOKE"]
    assert entries == [("KEY_REVOKE", owner["user_id"], key[:13], made["secret"][:13], None)]


@pytest.mark.parametrize("role", ["RESEARCHER", "ADMINISTRATOR", "PARTICIPANT"])
async def test_nobody_sees_or_revokes_the_keys_of_others(api: Api, owner: Row, role: str) -> None:
    theirs = (await create(api, await api.key_of(owner.key)))["apiKey"]["id"]
    somebody = a_user(role=role)
    await save(api.db, somebody)
    key = await api.key_of(somebody.key)

    shown = (await api.ask(LIST, key))["apiKeys"]
    assert [node["prefix"] for node in shown["nodes"]] == [key[:13]]
    assert shown["totalCount"] == 1
    assert await api.ask(f'{{ node(id: "{theirs}") {{ id }} }}', key) == {"node": None}
    answers = [
        (await api.ask(REVOKE, key, id=id_))["apiKeyRevoke"]
        for id_ in (theirs, global_id("ApiKey", 999_999), global_id("Event", 1), "x", "")
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["userErrors"][0]["code"] == "NOT_FOUND"
    assert (await api.ask(LIST, await api.key_of(owner.key)))["apiKeys"]["totalCount"] == 3


async def test_the_newest_keys_come_first_page_by_page(api: Api, owner: Row) -> None:
    key = await api.key_of(owner.key)
    names = [f"key {i}" for i in range(3)]
    for name in names:
        await create(api, key, name=name)
    page = """query($after: String) { apiKeys(first: 2, after: $after) {
      nodes { name } pageInfo { endCursor } } }"""

    first = (await api.ask(page, key))["apiKeys"]
    rest = (await api.ask(page, key, after=first["pageInfo"]["endCursor"]))["apiKeys"]

    shown = [node["name"] for node in first["nodes"] + rest["nodes"]]
    assert sorted(shown) == sorted([*names, "test"])


async def test_what_is_taken_away_in_one_server_opens_nothing_in_another(
    tmp_path: Path, any_url: str
) -> None:
    """A revoked key, and those of a closed account."""
    async with (
        opened(tmp_path / "one", database_url=any_url) as one,
        opened(tmp_path / "two", database_url=any_url) as two,
    ):
        user = a_user()
        await save(one.db, user)
        key, other = await one.key_of(user.key), await one.key_of(user.key)
        for server in (one, two):
            for each in (key, other):
                assert (await server.post(VIEWER, each)).status_code == 200
        listed = (await one.ask(LIST, other))["apiKeys"]["nodes"]
        [id_] = [each["id"] for each in listed if each["prefix"] == key[:13]]

        await one.ask(REVOKE, other, id=id_)

        assert (await two.post(VIEWER, key)).status_code == 401
        assert (await two.post(VIEWER, other)).status_code == 200
        async with one.db.write() as tx:
            await tx.execute(update(User).where(col(User.id) == user.key).values(disabled_at=now()))
        for server in (one, two):
            assert (await server.post(VIEWER, other)).status_code == 401
