"""Groups of accounts: made, changed, deleted, and told of to those in them."""

from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from server.global_ids import global_id
from server.records.api_keys import ApiKey
from server.records.collaborators import Collaborator
from server.resolvers import groups
from server.timestamps import now
from tests.conftest import Api
from tests.factories import Row, a_grant, a_group, a_user, an_experiment, in_group, save
from tests.sharing_log import changes

pytestmark = pytest.mark.anyio

FIELDS = "id groupId name owner { userId } members { userId name }"
ANSWER = f"{{ group {{ {FIELDS} }} userErrors {{ code field message }} }}"
CREATE = f"mutation($input: UserGroupInput!) {{ payload: userGroupCreate(input: $input) {ANSWER} }}"
UPDATE = f"""mutation($id: ID!, $input: UserGroupChanges!) {{
  payload: userGroupUpdate(id: $id, input: $input) {ANSWER} }}"""
DELETE = """mutation($id: ID!) { payload: userGroupDelete(id: $id) {
  deletedId userErrors { code field message } } }"""
LIST = f"{{ userGroups {{ totalCount nodes {{ {FIELDS} }} }} }}"


class Lab:
    """A group of two, another's, and an experiment that is shared with it."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.users = {
            "owner": a_user(),
            "ada": a_user(name="Ada"),
            "ben": a_user(name="Ben"),
            "cleo": a_user(name="Cleo"),
            "administrator": a_user(role="ADMINISTRATOR"),
            "participant": a_user(role="PARTICIPANT", participant_id="p" * 28),
        }
        self.group = a_group(self.users["owner"], name="Lab A")
        self.experiment = an_experiment(self.users["cleo"], experiment_id="shared")

    async def save(self) -> "Lab":
        members = [in_group(self.group, self.users[who]) for who in ("ben", "ada")]
        grant = a_grant(self.experiment, self.group)
        await save(self.api.db, *self.users.values(), self.group, *members, self.experiment, grant)
        return self

    @property
    def id(self) -> str:
        return global_id("UserGroup", self.group.key)

    def ids(self, *who: str) -> list[str]:
        return [self.users[each]["user_id"] for each in who]

    async def key(self, who: str, *scopes: str) -> str:
        return await self.api.key_of(self.users[who].key, *scopes)

    async def ask(self, query: str, who: str, **variables: Any) -> dict[str, Any]:
        data = await self.api.ask(query, await self.key(who), **variables)
        payload: dict[str, Any] = data["payload"]
        return payload

    async def seeing(self) -> set[str]:
        """Return who sees the experiment."""
        query = '{ experiment(experimentId: "shared") { id } }'
        found = {who: await self.api.ask(query, await self.key(who)) for who in self.users}
        return {who for who, each in found.items() if each["experiment"]} - {"administrator"}

    async def noted(self) -> list[tuple[Any, ...]]:
        return await changes(self.api.db)


@pytest.fixture
async def lab(any_api: Api) -> Lab:
    return await Lab(any_api).save()


def refused(payload: dict[str, Any]) -> tuple[str, str]:
    [error] = payload["userErrors"]
    assert error["message"].endswith(".")
    assert None in payload.values()
    return error["code"], ".".join(error["field"] or [])


async def test_a_group_is_its_maker_s(lab: Lab) -> None:
    made = await lab.ask(
        CREATE, "cleo", input={"name": " Lab B ", "memberIds": lab.ids("cleo", "ada", "ada")}
    )

    group = made["group"]
    assert group["name"] == "Lab B"
    assert group["owner"] == {"userId": lab.users["cleo"]["user_id"]}
    assert [each["name"] for each in group["members"]] == ["Ada", "Cleo"]
    assert group["groupId"].startswith("grp_")
    assert await lab.noted() == [("GROUP_CHANGE", None, group["groupId"])]
    empty = await lab.ask(CREATE, "administrator", input={"name": "Nobody yet"})
    assert empty["group"]["members"] == []


async def test_members_are_told_the_name_and_others_nothing(lab: Lab) -> None:
    people = [{"userId": lab.users[w]["user_id"], "name": w.title()} for w in ("ada", "ben")]
    owner = {"userId": lab.users["owner"]["user_id"]}
    node = f"query($id: ID!) {{ node(id: $id) {{ ... on UserGroup {{ {FIELDS} }} }} }}"
    for who in lab.users:
        key = await lab.key(who)
        listed = (await lab.api.ask(LIST, key))["userGroups"]
        found = (await lab.api.ask(node, key, id=lab.id))["node"]
        if who in ("cleo", "participant"):
            assert (listed["totalCount"], listed["nodes"], found) == (0, [], None), who
            continue
        assert (listed["totalCount"], listed["nodes"]) == (1, [found])
        assert found["name"] == "Lab A"
        told = who in ("owner", "administrator")
        assert found["owner"] == (owner if told else None)
        assert found["members"] == (people if told else None)


async def test_who_shares_with_a_group_is_told_its_name(lab: Lab) -> None:
    query = f"""{{ experiment(experimentId: "shared") {{
      collaborators {{ nodes {{ group {{ {FIELDS} }} }} }} }} }}"""
    shared = (await lab.api.ask(query, await lab.key("cleo")))["experiment"]["collaborators"]
    [group] = [each["group"] for each in shared["nodes"]]
    assert (group["name"], group["owner"], group["members"]) == ("Lab A", None, None)


async def test_who_is_in_a_group_sees_what_is_shared_with_it(lab: Lab) -> None:
    assert await lab.seeing() == {"cleo", "ada", "ben"}

    changed = await lab.ask(
        UPDATE, "owner", id=lab.id, input={"memberIds": lab.ids("ben", "owner")}
    )

    assert [each["userId"] for each in changed["group"]["members"]] == lab.ids("ben", "owner")
    assert await lab.seeing() == {"cleo", "ben", "owner"}
    renamed = await lab.ask(UPDATE, "administrator", id=lab.id, input={"name": "Lab B"})
    assert renamed["group"]["name"] == "Lab B"
    assert len(renamed["group"]["members"]) == 2
    change = ("GROUP_CHANGE", "shared", lab.group["group_id"])
    assert await lab.noted() == [change, change]


async def test_a_group_is_deleted_with_what_is_shared_with_it(lab: Lab) -> None:
    assert await lab.ask(DELETE, "owner", id=lab.id) == {"deletedId": lab.id, "userErrors": []}

    assert await lab.seeing() == {"cleo"}
    async with lab.api.db.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Collaborator)) == 0
    assert await lab.noted() == [("GROUP_CHANGE", "shared", lab.group["group_id"])]
    assert refused(await lab.ask(DELETE, "owner", id=lab.id)) == ("NOT_FOUND", "id")


async def test_others_change_no_group(lab: Lab) -> None:
    refusals = {"ada": ("FORBIDDEN", "id"), "cleo": ("NOT_FOUND", "id")}
    for who, refusal in refusals.items():
        assert refused(await lab.ask(DELETE, who, id=lab.id)) == refusal
        changes = {"memberIds": lab.ids(who)}
        assert refused(await lab.ask(UPDATE, who, id=lab.id, input=changes)) == refusal
    for id_ in ("x", global_id("Experiment", lab.experiment.key), global_id("UserGroup", 1 << 40)):
        assert refused(await lab.ask(DELETE, "owner", id=id_)) == ("NOT_FOUND", "id")
    assert refused(await lab.ask(CREATE, "participant", input={"name": "Us"})) == ("FORBIDDEN", "")
    assert await lab.seeing() == {"cleo", "ada", "ben"}
    assert await lab.noted() == []


async def test_a_key_may_not_change_groups_without_the_scope_or_if_it_is_bound(lab: Lab) -> None:
    bound, reading = await lab.key("owner"), await lab.key("owner", "read:*")
    async with lab.api.db.write() as tx:
        this = update(ApiKey).where(col(ApiKey.prefix) == bound[:13])
        await tx.execute(this.values(experiment_keys=[lab.experiment.key]))

    for key in (bound, reading):
        for query, given in (
            (CREATE, {"input": {"name": "Us"}}),
            (UPDATE, {"id": lab.id, "input": {}}),
            (DELETE, {"id": lab.id}),
        ):
            payload = (await lab.api.ask(query, key, **given))["payload"]
            assert refused(payload) == ("FORBIDDEN", "")
    assert (await lab.api.ask(LIST, bound))["userGroups"]["totalCount"] == 0
    assert (await lab.api.ask(LIST, reading))["userGroups"]["totalCount"] == 1


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201])
async def test_a_name_is_a_line(lab: Lab, name: str) -> None:
    refusal = ("BAD_USER_INPUT", "input.name")
    assert refused(await lab.ask(CREATE, "owner", input={"name": name})) == refusal
    assert refused(await lab.ask(UPDATE, "owner", id=lab.id, input={"name": name})) == refusal


async def test_accounts_that_cannot_be_members_seem_not_to_exist(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = a_user(disabled_at=now())
    await save(lab.api.db, closed)
    messages = set()
    for id_ in (closed["user_id"], *lab.ids("participant", "administrator"), "usr_none"):
        payload = await lab.ask(
            UPDATE, "owner", id=lab.id, input={"memberIds": [id_, *lab.ids("ada")]}
        )
        assert refused(payload) == ("NOT_FOUND", "input.memberIds")
        messages.add(payload["userErrors"][0]["message"])
    assert len(messages) == 1
    monkeypatch.setattr(groups, "MOST_MEMBERS", 1)
    many = {"memberIds": lab.ids("ada", "cleo")}
    payload = await lab.ask(UPDATE, "owner", id=lab.id, input=many)
    assert refused(payload) == ("BAD_USER_INPUT", "input.memberIds")
    assert await lab.seeing() == {"cleo", "ada", "ben"}


async def test_who_is_in_a_group_may_stay_though_their_account_is_closed(lab: Lab) -> None:
    ben: Row = lab.users["ben"]
    async with lab.api.db.write() as tx:
        await tx.execute(update(ben.model).where(ben.model.id == ben.key).values(disabled_at=now()))

    everybody = {"memberIds": lab.ids("ben", "cleo")}
    changed = await lab.ask(UPDATE, "owner", id=lab.id, input=everybody)

    assert [each["name"] for each in changed["group"]["members"]] == ["Ben", "Cleo"]
