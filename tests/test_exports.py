"""Asking for exports: what is refused and how, whose they are, and cancelling them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from server.records.participants import Pseudonym
from tests.asking import (
    CANCEL,
    DELETE,
    MINE,
    ONE,
    RETRY,
    Lab,
    a_lab,
    key_of,
    refusal_in,
)
from tests.conftest import Api
from tests.factories import a_grant, a_participant, a_room, a_user, an_event, an_experiment, save

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    return await a_lab(any_api, tmp_path)


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
    await save(lab.api.db, colleague, a_grant(lab.experiment, colleague))
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
    id_ = await lab.created(**lab.here)

    first = await lab.ask("exportCancel", CANCEL, id=id_)
    again = await lab.ask("exportCancel", CANCEL, id=id_)

    assert (first["export"]["id"], first["export"]["status"]) == (id_, "CANCELED")
    assert again["export"] is None
    assert refusal_in(again) == ("ALREADY_FINISHED", "id")


@pytest.mark.parametrize("id_", ["", "RXhwb3J0Ojk5OTk", "%%%", "RXZlbnQ6MQ"])
@pytest.mark.parametrize("name", ["exportCancel", "exportRetry", "exportDelete"])
async def test_nothing_can_be_done_with_an_unknown_export(lab: Lab, name: str, id_: str) -> None:
    query = {"exportCancel": CANCEL, "exportRetry": RETRY, "exportDelete": DELETE}[name]

    assert refusal_in(await lab.ask(name, query, id=id_)) == ("NOT_FOUND", "id")


async def test_exports_are_seen_by_who_asked_for_them_and_by_administrators(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    stranger, administrator = a_user(), a_user(role="ADMINISTRATOR")
    await save(lab.api.db, stranger, administrator)

    for user, seen in ((lab.owner, True), (administrator, True), (stranger, False)):
        key = await lab.api.key_of(user.key)
        found = await lab.api.ask(ONE, key, id=id_)
        listed = (await lab.api.ask(MINE, key))["exports"]["totalCount"]
        assert (found["export"] is not None, found["node"] is not None) == (seen, seen)
        assert listed == int(seen)
    key = await lab.api.key_of(stranger.key)
    for name, query in (
        ("exportCancel", CANCEL),
        ("exportRetry", RETRY),
        ("exportDelete", DELETE),
    ):
        assert refusal_in(await lab.ask(name, query, key, id=id_)) == ("NOT_FOUND", "id")


async def test_an_experiment_shows_which_of_ones_exports_draw_on_it(lab: Lab) -> None:
    other = an_experiment(lab.owner)
    room, colleague = a_room(other), a_user()
    person, grant = a_participant(room), a_grant(other, colleague)
    await save(lab.api.db, other, room, person, an_event(person, onset=0), colleague, grant)
    here, there = lab.room["room_id"], room["room_id"]
    of_here = await lab.created(roomIds=[here])
    of_both = await lab.created(roomIds=[here, there])
    of_there = await lab.created(roomIds=[there])
    theirs = await lab.api.key_of(colleague.key)

    of_each = await drawn_on(lab, lab.key)
    assert of_each == {
        lab.room["experiment_key"]: [of_both, of_here],
        other.key: [of_there, of_both],
    }
    assert await drawn_on(lab, theirs) == {other.key: []}
    found = await lab.api.ask(DRAWN_ON, lab.key, names=[other["experiment_id"]])
    assert [each["id"] for each in found["exports"]["nodes"]] == [of_there, of_both]
    assert found["exports"]["totalCount"] == 2


DRAWN_ON = """query ($names: [String!]) {
  experiments { nodes { id exports(first: 9) { totalCount nodes { id } } } }
  exports(filter: {experimentId: {in: $names}}) { totalCount nodes { id } } }"""


async def drawn_on(lab: Lab, key: str) -> dict[int, list[str]]:
    """Return the exports that draw on each experiment, by its key, the newest first."""
    experiments = (await lab.api.ask(DRAWN_ON, key, names=[]))["experiments"]["nodes"]
    found = {}
    for each in experiments:
        found[key_of(each["id"])] = [export["id"] for export in each["exports"]["nodes"]]
        assert each["exports"]["totalCount"] == len(each["exports"]["nodes"])
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        {"packaging": "SINGLE_FILE", "dataTypes": ["RECORDINGS"]},
        {"dataTypes": ["EVENTS"]},
        {"anonymization": "AGGREGATE_ONLY"},
    ],
)
async def test_media_go_with_recordings_in_a_zip(lab: Lab, wanted: dict[str, Any]) -> None:
    experiment = [lab.experiment["experiment_id"]]

    refused = await lab.refusal(experimentIds=experiment, includeMedia=True, **wanted)
    assert refused == ("BAD_USER_INPUT", "input.includeMedia")
