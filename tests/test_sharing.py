"""Sharing an experiment, changing and taking back what is shared, and giving it away."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from server.global_ids import global_id
from server.records.api_keys import ApiKey
from server.records.collaborators import Collaborator
from server.timestamps import iso, now
from tests import scheduled
from tests.conftest import Api
from tests.factories import a_grant, a_group, a_user, in_group, save
from tests.rights_lab import Lab, a_lab
from tests.sharing_log import changes

pytestmark = pytest.mark.anyio

GRANT = """mutation($e: String!, $input: CollaboratorInput!) {
  collaboratorGrant(experimentId: $e, input: $input) { userErrors { code field message }
    collaborator { id canExport dataTypes anonymization createdAt expiresAt user { userId }
      group { name } grantedBy { userId } } } }"""
REVOKE = """mutation($id: ID!) { collaboratorRevoke(id: $id) {
  deletedId userErrors { code field message } } }"""
TRANSFER = """mutation($e: String!, $u: String!, $keep: Boolean! = false) {
  experimentTransfer(experimentId: $e, userId: $u, keepAccess: $keep) {
    experiment { experimentId owner { userId } } userErrors { code field message } } }"""
SHARED = """{ experiment(experimentId: "shared") {
  collaborators { totalCount nodes { id user { userId } group { groupId } } } } }"""
HOUR = 3_600_000


@pytest.fixture
async def lab(any_api: Api) -> Lab:
    return await a_lab(any_api)


def id_of(lab: Lab, who: str) -> str:
    user_id: str = lab.users[who]["user_id"]
    return user_id


async def grant(lab: Lab, by: str = "owner", e: str = "shared", **given: Any) -> dict[str, Any]:
    """Share something, which must succeed, and return what is shared."""
    payload = await granting(lab, await lab.key(by), e, **given)
    assert payload["userErrors"] == []
    collaborator: dict[str, Any] = payload["collaborator"]
    return collaborator


async def granting(lab: Lab, key: str, e: str = "shared", **given: Any) -> dict[str, Any]:
    data = await lab.api.ask(GRANT, key, e=e, input=given)
    payload: dict[str, Any] = data["collaboratorGrant"]
    return payload


def said(payload: dict[str, Any]) -> tuple[str, str, str]:
    """Return the code, the field and the message of a refusal, of which nothing came."""
    values = [value for name, value in payload.items() if name != "userErrors"]
    assert values == [None]
    [error] = payload["userErrors"]
    assert error["message"].endswith(".")
    return error["code"], ".".join(error["field"] or []), error["message"]


async def sees(lab: Lab, who: str, e: str = "shared") -> dict[str, Any] | None:
    query = """query($e: String!) { experiment(experimentId: $e) { access { canExport
      canSeeIdentified dataTypes } } }"""
    found = (await lab.api.ask(query, await lab.key(who), e=e))["experiment"]
    access: dict[str, Any] | None = found and found["access"]
    return access


async def noted(lab: Lab) -> list[tuple[Any, ...]]:
    return await changes(lab.api.db)


async def test_what_is_shared_is_what_was_said(lab: Lab) -> None:
    assert await sees(lab, "guest") is None
    ends = iso(now() + HOUR)

    made = await grant(
        lab,
        userId=id_of(lab, "guest"),
        canExport=True,
        dataTypes=["CHAT_MESSAGES", "EVENTS", "EVENTS"],
        anonymization="AGGREGATE_ONLY",
        expiresAt=ends,
    )

    assert made["createdAt"] is not None
    assert {name: made[name] for name in made if name not in ("id", "createdAt")} == {
        "canExport": True,
        "dataTypes": ["EVENTS", "CHAT_MESSAGES"],
        "anonymization": "AGGREGATE_ONLY",
        "expiresAt": ends,
        "user": {"userId": id_of(lab, "guest")},
        "group": None,
        "grantedBy": {"userId": id_of(lab, "owner")},
    }
    assert await sees(lab, "guest") == {
        "canExport": True,
        "canSeeIdentified": False,
        "dataTypes": ["EVENTS", "CHAT_MESSAGES"],
    }
    assert await noted(lab) == [("GRANT", "shared", id_of(lab, "guest"))]


async def test_what_is_left_out_is_not_shared(lab: Lab) -> None:
    made = await grant(lab, userId=id_of(lab, "guest"))
    left_out = {
        "canExport": False,
        "dataTypes": None,
        "anonymization": "REMOVE_IDENTIFIERS",
        "expiresAt": None,
    }
    assert {name: made[name] for name in left_out} == left_out


async def test_sharing_again_changes_what_is_shared(lab: Lab) -> None:
    first = await grant(lab, userId=id_of(lab, "guest"), canExport=True, dataTypes=["EVENTS"])
    second = await grant(lab, "administrator", userId=id_of(lab, "guest"), anonymization="KEEP")

    assert second["id"] == first["id"]
    assert second["createdAt"] == first["createdAt"]
    assert second["grantedBy"] == {"userId": id_of(lab, "administrator")}
    access = await sees(lab, "guest")
    assert access is not None
    assert access["canSeeIdentified"]
    assert not access["canExport"]
    assert len(access["dataTypes"]) == 7


async def test_sharing_twice_at_once_is_sharing_once(lab: Lab) -> None:
    types = ["EVENTS", "COMPONENTS", "RECORDINGS", "CHAT_MESSAGES"]
    made = await asyncio.gather(
        *(grant(lab, userId=id_of(lab, "guest"), dataTypes=[each]) for each in types)
    )

    assert len({each["id"] for each in made}) == 1
    async with lab.api.db.read() as tx:
        guest = col(Collaborator.user_key) == lab.users["guest"].key
        assert await tx.scalar(select(func.count()).select_from(Collaborator).where(guest)) == 1


async def test_what_is_shared_with_a_group_is_shared_with_all_in_it(lab: Lab) -> None:
    group = a_group(lab.users["other"], name="Lab A")
    mine, guest = lab.users["owner"], lab.users["guest"]
    await save(lab.api.db, group, in_group(group, mine), in_group(group, guest))

    made = await grant(lab, groupId=group["group_id"], canExport=True)

    assert (made["user"], made["group"]) == (None, {"name": "Lab A"})
    access = await sees(lab, "guest")
    assert access is not None
    assert access["canExport"]
    assert await sees(lab, "other") is None  # its owner is not in it
    assert await noted(lab) == [("GRANT", "shared", group["group_id"])]


async def test_what_is_taken_back_is_no_longer_seen(lab: Lab) -> None:
    made = await grant(lab, userId=id_of(lab, "guest"))
    for who in ("guest", "viewer", "other", "participant"):
        payload = await lab.api.ask(REVOKE, await lab.key(who), id=made["id"])
        code, field, _ = said(payload["collaboratorRevoke"])
        assert (code, field) == ("NOT_FOUND", "id")

    key = await lab.key("owner")
    payload = (await lab.api.ask(REVOKE, key, id=made["id"]))["collaboratorRevoke"]

    assert payload == {"deletedId": made["id"], "userErrors": []}
    assert await sees(lab, "guest") is None
    assert await noted(lab) == [
        ("GRANT", "shared", id_of(lab, "guest")),
        ("REVOKE", "shared", made["id"]),
    ]
    for id_ in (made["id"], "x", global_id("Experiment", lab.rows["shared"][0].key)):
        payload = (await lab.api.ask(REVOKE, key, id=id_))["collaboratorRevoke"]
        assert said(payload)[:2] == ("NOT_FOUND", "id")


async def test_who_sees_an_experiment_may_not_share_it_and_who_does_not_finds_none(
    lab: Lab,
) -> None:
    guest = id_of(lab, "guest")
    for who, code in {
        "viewer": "FORBIDDEN",
        "exporter": "FORBIDDEN",
        "participant": "FORBIDDEN",
        "outsider": "NOT_FOUND",
        "other": "NOT_FOUND",
        "stranger": "NOT_FOUND",
    }.items():
        key = await lab.key(who)
        none = said(await granting(lab, key, "no such", userId=guest))
        payload = await granting(lab, key, userId=guest)
        assert said(payload)[:2] == (code, "experimentId"), who
        assert (said(payload) == none) is (code == "NOT_FOUND")
        given = (await lab.api.ask(TRANSFER, key, e="shared", u=guest))["experimentTransfer"]
        assert said(given) == said(payload)
    assert await sees(lab, "guest") is None
    assert await noted(lab) == []


async def test_accounts_that_cannot_be_given_anything_seem_not_to_exist(lab: Lab) -> None:
    closed = a_user(disabled_at=now())
    await save(lab.api.db, closed)
    key = await lab.key("owner")
    ids = [id_of(lab, who) for who in ("owner", "participant", "administrator")]

    shared = {said(await granting(lab, key, userId=id_)) for id_ in (*ids, closed["user_id"], "x")}
    given = {
        said((await lab.api.ask(TRANSFER, key, e="shared", u=id_))["experimentTransfer"])
        for id_ in (*ids, closed["user_id"], "x")
    }

    assert [refusal[:2] for refusal in shared] == [("NOT_FOUND", "input.userId")]
    assert [refusal[:2] for refusal in given] == [("NOT_FOUND", "userId")]


async def test_a_group_that_is_not_one_s_own_seems_not_to_exist(lab: Lab) -> None:
    group = a_group(lab.users["other"])
    await save(lab.api.db, group, in_group(group, lab.users["guest"]))
    key = await lab.key("owner")

    refusals = {said(await granting(lab, key, groupId=id_)) for id_ in (group["group_id"], "x")}

    assert [refusal[:2] for refusal in refusals] == [("NOT_FOUND", "input.groupId")]
    await grant(lab, "administrator", groupId=group["group_id"])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "input"),
        ({"userId": "usr_1", "groupId": "grp_1"}, "input"),
        ({"userId": "usr_1", "dataTypes": []}, "input.dataTypes"),
        ({"userId": "usr_1", "expiresAt": "2024-01-01T00:00:00Z"}, "input.expiresAt"),
    ],
)
async def test_what_cannot_be_shared_is_refused(
    lab: Lab, given: dict[str, Any], field: str
) -> None:
    payload = await granting(lab, await lab.key("owner"), **given)
    assert said(payload)[:2] == ("BAD_USER_INPUT", field)


async def test_with_whom_it_is_shared_is_told_to_who_shares(lab: Lab) -> None:
    group = a_group(lab.users["owner"])
    ended = a_grant(lab.rows["shared"][0], group, expires_at=now() - HOUR)
    await save(lab.api.db, group, in_group(group, lab.users["guest"]), ended)
    ids = {global_id("Collaborator", ended.key)}

    for who in ("owner", "administrator"):
        found = (await lab.api.ask(SHARED, await lab.key(who)))["experiment"]["collaborators"]
        assert found["totalCount"] == len(found["nodes"]) == 3
        users = {each["user"]["userId"] for each in found["nodes"] if each["user"]}
        assert users == {id_of(lab, "viewer"), id_of(lab, "exporter")}
        assert [each["group"] for each in found["nodes"] if each["group"]] == [
            {"groupId": group["group_id"]}
        ]
        ids |= {each["id"] for each in found["nodes"]}
    assert len(ids) == 3
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    for who in lab.users:
        data = await lab.api.ask(SHARED, await lab.key(who))
        sharing = who in ("owner", "administrator")
        if not sharing and data["experiment"] is not None:
            assert data["experiment"]["collaborators"] is None
        found = (await lab.api.ask(nodes, await lab.key(who), ids=sorted(ids)))["nodes"]
        assert [each is not None for each in found] == [sharing] * 3, who


async def test_a_key_shares_what_it_is_bound_to_if_it_has_the_scope(lab: Lab) -> None:
    group = a_group(lab.users["owner"])
    await save(lab.api.db, group)
    guest, bound = id_of(lab, "guest"), await lab.key("owner")
    async with lab.api.db.write() as tx:
        this = update(ApiKey).where(col(ApiKey.prefix) == bound[:13])
        await tx.execute(this.values(experiment_keys=[lab.rows["shared"][0].key]))
    lent = await grant(lab, e="lent", userId=guest)

    assert said(await granting(lab, bound, "lent", userId=guest))[0] == "NOT_FOUND"
    payload = (await lab.api.ask(REVOKE, bound, id=lent["id"]))["collaboratorRevoke"]
    assert said(payload)[0] == "NOT_FOUND"
    assert said(await granting(lab, bound, groupId=group["group_id"]))[0] == "NOT_FOUND"
    made = (await granting(lab, bound, userId=guest))["collaborator"]

    reading = await lab.key("owner", "read:*", "export:data")
    assert said(await granting(lab, reading, userId=guest))[0] == "FORBIDDEN"
    payload = (await lab.api.ask(REVOKE, reading, id=made["id"]))["collaboratorRevoke"]
    assert "`write:experiments`" in said(payload)[2]
    payload = (await lab.api.ask(TRANSFER, reading, e="lent", u=guest))["experimentTransfer"]
    assert "`write:experiments`" in said(payload)[2]


@pytest.mark.parametrize("by", ["owner", "administrator"])
async def test_who_gives_an_experiment_away_keeps_nothing(lab: Lab, by: str) -> None:
    await save(lab.api.db, a_grant(lab.rows["shared"][0], lab.users["owner"]))  # from before
    await grant(lab, userId=id_of(lab, "guest"), dataTypes=["EVENTS"])
    key = await lab.key(by)

    given = await lab.api.ask(TRANSFER, key, e="shared", u=id_of(lab, "guest"))

    payload = given["experimentTransfer"]
    assert payload["userErrors"] == []
    shown = {"experimentId": "shared", "owner": {"userId": id_of(lab, "guest")}}
    assert payload["experiment"] == (None if by == "owner" else shown)
    assert await sees(lab, "owner") is None
    access = await sees(lab, "guest")
    assert access is not None
    assert len(access["dataTypes"]) == 7
    [collaborators] = (await lab.api.ask(SHARED, await lab.key("guest"))).values()
    users = [each["user"]["userId"] for each in collaborators["collaborators"]["nodes"]]
    assert users == [id_of(lab, "viewer"), id_of(lab, "exporter")]  # the others keep theirs
    assert (await noted(lab))[-1] == ("TRANSFER", "shared", id_of(lab, "guest"))


async def test_who_gives_an_experiment_away_can_keep_their_access(lab: Lab) -> None:
    key = await lab.key("owner")

    payload = await lab.api.ask(TRANSFER, key, e="shared", u=id_of(lab, "viewer"), keep=True)

    shown = payload["experimentTransfer"]["experiment"]
    assert shown == {"experimentId": "shared", "owner": {"userId": id_of(lab, "viewer")}}
    access = await sees(lab, "owner")
    assert access is not None
    assert access["canExport"]
    assert access["canSeeIdentified"]
    assert said(await granting(lab, key, userId=id_of(lab, "guest")))[0] == "FORBIDDEN"
    back = await lab.api.ask(TRANSFER, await lab.key("viewer"), e="shared", u=id_of(lab, "owner"))
    assert back["experimentTransfer"]["userErrors"] == []
    assert await sees(lab, "viewer") is None


async def test_an_experiment_is_given_away_once(lab: Lab) -> None:
    """Of two who are given it at once, one gets it: the other's giver had it no more."""
    key = await lab.key("owner")
    asked = [
        lab.api.ask(TRANSFER, key, e="shared", u=id_of(lab, who)) for who in ("guest", "outsider")
    ]

    payloads = [each["experimentTransfer"] for each in await asyncio.gather(*asked)]

    errors = [error["code"] for payload in payloads for error in payload["userErrors"]]
    assert errors == ["NOT_FOUND"]
    assert [await sees(lab, who) is None for who in ("guest", "outsider")].count(True) == 1


@pytest.mark.parametrize("keep", [False, True])
async def test_a_schedule_exports_no_longer_what_its_owner_gave_away(
    any_api: Api, tmp_path: Path, keep: bool
) -> None:
    lab, other = await scheduled.Lab(any_api, tmp_path).save(), a_user()
    await save(any_api.db, other)
    schedule = await lab.schedule()
    experiment: str = lab.experiment["experiment_id"]

    given = {"e": experiment, "u": other["user_id"], "keep": keep}
    payload = (await any_api.ask(TRANSFER, lab.key, **given))["experimentTransfer"]
    assert payload["userErrors"] == []
    fired = await lab.fire(schedule)

    assert len(await lab.exports()) == int(keep)
    assert (fired["lastMessage"] is None) is keep
