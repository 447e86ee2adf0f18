"""Asking for exports: what is refused and how, whose they are, and cancelling them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlmodel import col

from server.records.experiments import Collaborator
from server.records.participants import Pseudonym
from tests.conftest import Api
from tests.factories import (
    Row,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

CREATE = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
  export { id status format packaging anonymization snapshotAt requestedBy { name }
    progress { percent completedRows totalRows message } downloadUrl }
  userErrors { field code message } } }"""
CANCEL = """mutation ($id: ID!) { exportCancel(id: $id) {
  export { id status } userErrors { field code message } } }"""
MINE = "{ exports { totalCount nodes { id status } } }"


class Lab:
    """An owner's experiment with one event, and the key of the owner."""

    def __init__(self, api: Api, owner: Row, experiment: Row, room: Row, person: Row) -> None:
        self.api = api
        self.owner = owner
        self.experiment = experiment
        self.room = room
        self.person = person
        self.key = ""

    async def create(self, key: str | None = None, **wanted: Any) -> dict[str, Any]:
        data = await self.api.ask(CREATE, key or self.key, input=wanted)
        payload: dict[str, Any] = data["exportCreate"]
        return payload

    async def refusal(self, key: str | None = None, **wanted: Any) -> tuple[str, str]:
        payload = await self.create(key, **wanted)
        assert payload["export"] is None
        [error] = payload["userErrors"]
        assert error["message"].endswith((".", "?"))
        return error["code"], ".".join(error["field"] or [])


@pytest.fixture
async def lab(any_api: Api) -> Lab:
    api = any_api
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(api.db, owner, experiment, room, person, an_event(person, onset=-5))
    made = Lab(api, owner, experiment, room, person)
    made.key = await api.key_of(owner.key)
    return made


async def test_an_export_is_queued_with_identifiers_removed_unless_told_otherwise(lab: Lab) -> None:
    payload = await lab.create(experimentIds=[lab.experiment["experiment_id"]])

    assert payload["userErrors"] == []
    export = payload["export"]
    assert export["status"] == "CREATED"
    assert (export["format"], export["packaging"]) == ("CSV", "ZIP")
    assert export["anonymization"] == "REMOVE_IDENTIFIERS"
    assert export["requestedBy"]["name"] == lab.owner["name"]
    assert export["downloadUrl"] is None
    assert export["progress"]["percent"] == 0


async def test_an_export_of_nothing_is_refused(lab: Lab) -> None:
    here = [lab.experiment["experiment_id"]]
    nobody = {"events": {"participantId": {"in": ["nobody"]}}}

    assert await lab.refusal() == ("BAD_USER_INPUT", "input.experimentIds")
    assert await lab.refusal(experimentIds=here, dataTypes=[]) == (
        "BAD_USER_INPUT",
        "input.dataTypes",
    )
    assert await lab.refusal(experimentIds=here, dataTypes=["RECORDINGS"]) == (
        "NOTHING_TO_EXPORT",
        "input",
    )
    assert await lab.refusal(experimentIds=here, dataTypes=["EVENTS"], filter=nobody) == (
        "NOTHING_TO_EXPORT",
        "input",
    )


async def test_what_is_not_there_is_named_by_its_field(lab: Lab) -> None:
    key = {"roomId": lab.room["room_id"], "participantId": "nobody"}

    assert await lab.refusal(experimentIds=["exp_x"]) == ("NOT_FOUND", "input.experimentIds")
    assert await lab.refusal(roomIds=["room_x"]) == ("NOT_FOUND", "input.roomIds")
    assert await lab.refusal(participants=[key]) == ("NOT_FOUND", "input.participants")


async def test_one_csv_file_holds_one_data_type(lab: Lab) -> None:
    here = [lab.experiment["experiment_id"]]

    assert await lab.refusal(experimentIds=here, packaging="SINGLE_FILE") == (
        "BAD_USER_INPUT",
        "input.packaging",
    )
    one = await lab.create(experimentIds=here, packaging="SINGLE_FILE", dataTypes=["EVENTS"])
    assert one["userErrors"] == []


async def test_the_same_idempotency_key_gives_the_same_export(lab: Lab) -> None:
    wanted: dict[str, Any] = {
        "roomIds": [lab.room["room_id"]],
        "idempotencyKey": "nightly-1",
    }

    first = await lab.create(**wanted)
    again = await lab.create(**wanted)
    other = await lab.create(**{**wanted, "idempotencyKey": "nightly-2"})

    assert first["export"]["id"] == again["export"]["id"] != other["export"]["id"]
    assert (await lab.api.ask(MINE, lab.key))["exports"]["totalCount"] == 2


async def test_twenty_at_once_with_one_idempotency_key_are_one_export(lab: Lab) -> None:
    wanted: dict[str, Any] = {
        "experimentIds": [lab.experiment["experiment_id"]],
        "idempotencyKey": "all at once",
    }
    payloads = await asyncio.gather(*(lab.create(**wanted) for _ in range(20)))
    assert len({payload["export"]["id"] for payload in payloads}) == 1


async def test_exports_asked_for_at_once_give_everybody_one_code(lab: Lab) -> None:
    people = [a_participant(lab.room) for _ in range(5)]
    await save(lab.api.db, *people)
    other = a_user(role="ADMINISTRATOR")
    await save(lab.api.db, other)
    keys = [lab.key, await lab.api.key_of(other.key)] * 4
    wanted = {"experimentIds": [lab.experiment["experiment_id"]]}
    payloads = await asyncio.gather(*(lab.create(key, **wanted) for key in keys))
    assert [payload["userErrors"] for payload in payloads] == [[]] * 8
    async with lab.api.db.read() as tx:
        codes = (await tx.scalars(select(col(Pseudonym.code)))).all()
    assert sorted(codes) == [f"P{number:04}" for number in range(1, 7)]


async def test_a_text_that_the_database_cannot_keep_is_refused(lab: Lab) -> None:
    payload = await lab.create(experimentIds=[lab.experiment["experiment_id"]], reason="because\0")
    if lab.api.db.file:
        assert payload["userErrors"] == []
    else:
        [error] = payload["userErrors"]
        assert error["code"] == "BAD_USER_INPUT"
        assert "leave it out" in error["message"]


async def test_who_may_only_view_cannot_export(lab: Lab) -> None:
    colleague = a_user()
    await save(lab.api.db, colleague)
    async with lab.api.db.write() as tx:
        await tx.execute(
            insert(Collaborator).values(
                experiment_key=lab.experiment.key, user_key=colleague.key, can_export=False
            )
        )
    key = await lab.api.key_of(colleague.key)

    assert await lab.refusal(key, roomIds=[lab.room["room_id"]]) == (
        "FORBIDDEN",
        "input.roomIds",
    )


async def test_what_one_may_not_see_is_not_there_to_export(lab: Lab) -> None:
    stranger = a_user()
    await save(lab.api.db, stranger)
    key = await lab.api.key_of(stranger.key)

    assert await lab.refusal(key, roomIds=[lab.room["room_id"]]) == ("NOT_FOUND", "input.roomIds")


async def test_a_key_must_allow_exports_and_every_type_in_them(lab: Lab) -> None:
    reader = await lab.api.key_of(lab.owner.key, "read:*")
    exporter = await lab.api.key_of(lab.owner.key, "export:data", "read:events")
    here = {"roomIds": [lab.room["room_id"]]}

    assert await lab.refusal(reader, **here) == ("FORBIDDEN", "")
    assert await lab.refusal(exporter, **here) == ("FORBIDDEN", "")
    assert (await lab.create(exporter, **here, dataTypes=["EVENTS"]))["userErrors"] == []


async def test_a_queued_export_can_be_canceled_once(lab: Lab) -> None:
    export = (await lab.create(roomIds=[lab.room["room_id"]]))["export"]

    first = (await lab.api.ask(CANCEL, lab.key, id=export["id"]))["exportCancel"]
    again = (await lab.api.ask(CANCEL, lab.key, id=export["id"]))["exportCancel"]

    assert first == {"export": {"id": export["id"], "status": "CANCELED"}, "userErrors": []}
    assert again["export"] is None
    assert [error["code"] for error in again["userErrors"]] == ["ALREADY_FINISHED"]


@pytest.mark.parametrize("id_", ["", "RXhwb3J0Ojk5OTk", "%%%", "RXZlbnQ6MQ"])
async def test_an_unknown_export_cannot_be_canceled(lab: Lab, id_: str) -> None:
    [error] = (await lab.api.ask(CANCEL, lab.key, id=id_))["exportCancel"]["userErrors"]

    assert (error["code"], error["field"]) == ("NOT_FOUND", ["id"])


async def test_exports_are_seen_by_who_asked_for_them_and_by_administrators(lab: Lab) -> None:
    export = (await lab.create(roomIds=[lab.room["room_id"]]))["export"]
    stranger, administrator = a_user(), a_user(role="ADMINISTRATOR")
    await save(lab.api.db, stranger, administrator)
    one = "query ($id: ID!) { export(id: $id) { id } node(id: $id) { id } }"

    for user, seen in ((lab.owner, True), (administrator, True), (stranger, False)):
        key = await lab.api.key_of(user.key)
        found = await lab.api.ask(one, key, id=export["id"])
        listed = (await lab.api.ask(MINE, key))["exports"]["totalCount"]
        assert (found["export"] is not None, found["node"] is not None) == (seen, seen)
        assert listed == int(seen)
    key = await lab.api.key_of(stranger.key)
    [error] = (await lab.api.ask(CANCEL, key, id=export["id"]))["exportCancel"]["userErrors"]
    assert error["code"] == "NOT_FOUND"
