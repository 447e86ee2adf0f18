"""Which code stands for whom: told to an experiment's owner and to administrators."""

from typing import Any

import pytest

from tests.conftest import Api
from tests.factories import (
    Row,
    a_grant,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

EXPORT = """mutation ($id: String!) {
  exportCreate(input: {experimentIds: [$id]}) { userErrors { message } } }"""
CODES = """query ($first: Int, $after: String) { experiments { nodes { experimentId
  participantCodes(first: $first, after: $after) { totalCount
    pageInfo { hasNextPage endCursor } nodes { participantId code } } } } }"""


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


class Lab:
    """An experiment of which an export was asked for, shared with a collaborator, and another."""

    def __init__(self) -> None:
        self.owner, self.colleague, self.other = a_user(), a_user(), a_user()
        self.administrator = a_user(role="ADMINISTRATOR")
        self.experiment = an_experiment(self.owner, participants_may_request_data=True)
        self.others = an_experiment(self.other)
        room, elsewhere = a_room(self.experiment), a_room(self.others)
        self.people = [a_participant(room) for _ in range(12)]
        self.themselves = a_user(
            role="PARTICIPANT", participant_id=self.people[0]["participant_id"]
        )
        self.rows = [
            *(self.owner, self.colleague, self.other, self.administrator, self.themselves),
            *(self.experiment, self.others, room, elsewhere, *self.people),
            a_participant(elsewhere),
            an_event(self.people[0]),
        ]


@pytest.fixture
async def lab(api: Api) -> Lab:
    made = Lab()
    await save(
        api.db,
        *made.rows,
        a_grant(made.experiment, made.colleague, can_export=True),
        a_grant(made.others, made.owner, can_export=True),
    )
    data = await api.ask(
        EXPORT, await api.key_of(made.owner.key), id=made.experiment["experiment_id"]
    )
    assert data["exportCreate"]["userErrors"] == []
    return made


async def codes(api: Api, user: Row, **window: Any) -> dict[str, Any]:
    """Return the page of codes of each experiment that somebody sees."""
    data = await api.ask(CODES, await api.key_of(user.key), **window)
    nodes = data["experiments"]["nodes"]
    return {node["experimentId"]: node["participantCodes"] for node in nodes}


async def test_the_owner_sees_who_is_who(api: Api, lab: Lab) -> None:
    seen = await codes(api, lab.owner)
    page = seen[lab.experiment["experiment_id"]]

    assert page["totalCount"] == len(lab.people)
    assert page["nodes"] == [
        {"participantId": person["participant_id"], "code": f"P{n:04}"}
        for n, person in enumerate(lab.people, 1)
    ]
    assert seen[lab.others["experiment_id"]] is None  # which is shared with the owner


async def test_an_administrator_sees_it_too(api: Api, lab: Lab) -> None:
    seen = await codes(api, lab.administrator)
    assert seen[lab.experiment["experiment_id"]]["totalCount"] == len(lab.people)
    assert seen[lab.others["experiment_id"]]["nodes"] == []  # nobody has a code yet


async def test_nobody_else_does(api: Api, lab: Lab) -> None:
    for user in (lab.colleague, lab.themselves):
        assert await codes(api, user) == {lab.experiment["experiment_id"]: None}
    assert lab.experiment["experiment_id"] not in await codes(api, lab.other)


async def test_a_key_needs_the_scope_of_participants(api: Api, lab: Lab) -> None:
    key = await api.key_of(lab.owner.key, "read:experiments", "export:data")
    assert (await api.refusal(CODES, key))[0] == "FORBIDDEN"
    key = await api.key_of(lab.owner.key, "read:experiments", "read:participants")
    await api.ask(CODES, key)


async def test_codes_come_in_pages(api: Api, lab: Lab) -> None:
    found: list[str] = []
    after = None
    for more in (True, True, False):
        page = (await codes(api, lab.owner, first=5, after=after))[lab.experiment["experiment_id"]]
        found += [node["code"] for node in page["nodes"]]
        assert page["pageInfo"]["hasNextPage"] is more
        after = page["pageInfo"]["endCursor"]
        # the other experiment's list is null whatever the cursor

    assert found == [f"P{n:04}" for n in range(1, len(lab.people) + 1)]
