"""An export's own recipe asks for the same again, and gives the same bytes."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.records import RecordType
from server.timestamps import iso
from tests.asking import DELETE, Lab, a_lab, working
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    START,
    a_chat_message,
    a_grant,
    a_participant,
    a_room,
    a_user,
    save,
)
from tests.warm_worker import Exported

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(api: Api, tmp_path: Path) -> Lab:
    made = await a_lab(api, tmp_path)
    await more(made)
    return made


async def more(lab: Lab) -> None:
    """Store another person, in another room as well, with a record of each type in each."""
    room = a_room(lab.experiment)
    people = [a_participant(lab.room), a_participant(room)]
    records = [make(person, onset=-3) for make in A_RECORD.values() for person in people]
    await save(lab.api.db, room, *people, *records)


def asked_again(exported: Exported) -> dict[str, Any]:
    """Return the input that a file says would ask for it again."""
    recipe = exported.json("metadata.json")["recipe"]
    assert recipe["software"].startswith("hyperstudy-data ")
    return {**recipe["input"], "snapshot": recipe["snapshot"]}


def sums(exported: Exported) -> tuple[str, dict[str, str]]:
    row = exported.done["row"]
    members = {name: hashlib.sha256(data).hexdigest() for name, data in exported.members().items()}
    return f"{row.file_name} {row.sha256}", members


async def finished(lab: Lab, **wanted: Any) -> Exported:
    return await lab.finished(await lab.created(**wanted))


EVERYTHING: dict[str, Any] = {
    "dataTypes": ["CHAT_MESSAGES", "EVENTS"],
    "filter": {
        "events": {
            "timestamp": {"gte": iso(START - 10_000), "lt": iso(START + 1)},
            "eventType": {"startsWith": "COMPONENT", "in": ["component.complete"]},
            "or": [
                {"response": {"path": "v", "equals": None}},
                {"not": {"response": {"path": "v", "equals": "it's 5"}}},
            ],
        },
        "chatMessages": {"recipientIds": {"isEmpty": True}},
    },
    "formulaGuard": True,
}


@pytest.mark.parametrize("level", ["KEEP", "REMOVE_IDENTIFIERS"])
@pytest.mark.parametrize("wanted", [{}, {"format": "JSON"}, EVERYTHING], ids=["csv", "json", "all"])
async def test_the_same_recipe_gives_the_same_bytes(
    lab: Lab, level: str, wanted: dict[str, Any]
) -> None:
    async with working(lab):
        first = await finished(lab, **lab.here, anonymization=level, **wanted)
        await more(lab)
        again = await finished(lab, **asked_again(first))
        third = await finished(lab, **asked_again(again), idempotencyKey="third")
        later = await finished(lab, **lab.here, anonymization=level, **wanted)

    assert sums(first) == sums(again) == sums(third)
    assert len({each.path for each in (first, again, third)}) == 3
    assert sums(later) != sums(first)


async def test_a_recipe_on_unchanged_data_is_the_export_that_is_there(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    async with working(lab):
        done = await lab.finished(id_)

    assert await lab.created(**asked_again(done)) == id_


async def test_an_increment_is_repeated_as_the_increment_that_it_was(lab: Lab) -> None:
    first = await lab.created(**lab.here)
    await more(lab)
    async with working(lab):
        increment = await finished(lab, **lab.here, since=first)
        await more(lab)
        again = await finished(lab, **asked_again(increment))

    assert sums(again) == sums(increment)
    assert len(again.stems("events")) == 2


def personal(lab: Lab) -> dict[str, Any]:
    """Return an input that names a person wherever it can."""
    person = lab.person["participant_id"]
    return {
        "participants": [{"roomId": lab.room["room_id"], "participantId": person}],
        "filter": {
            "events": {"participantId": {"in": [person]}},
            "chatMessages": {"content": {"contains": f"ask {person}"}},
        },
    }


async def test_a_de_identified_recipe_names_nobody_and_still_gives_the_same(lab: Lab) -> None:
    person = lab.person["participant_id"]
    await save(lab.api.db, a_chat_message(lab.person, content=f"Ask {person} or mail@example.org"))
    async with working(lab):
        first = await finished(lab, **personal(lab))
        asked = asked_again(first)
        await more(lab)
        again = await finished(lab, **asked)

    assert asked["participants"] == [{"roomId": lab.room["room_id"], "participantId": "P0001"}]
    assert asked["filter"]["events"] == {"participantId": {"in": ["P0001"]}}
    token = asked["snapshot"]
    for text in (json.dumps(asked), json.dumps(first.manifest), urlsafe_b64decode(token + "==")):
        assert person not in str(text)
    assert len(again.stems("events")) == len(again.stems("chat")) == 1
    assert sums(again) == sums(first)


async def test_codes_stand_for_people_even_where_the_recipe_is_no_longer_kept(lab: Lab) -> None:
    wanted: dict[str, Any] = {"participants": personal(lab)["participants"]}
    id_ = await lab.created(**wanted)
    async with working(lab):
        first = await lab.finished(id_)
        asked, expected = asked_again(first), sums(first)
        await lab.ask("exportDelete", DELETE, id=id_)
        await more(lab)
        again = await finished(lab, **asked)

    assert sums(again) == expected


async def test_a_code_means_nothing_by_itself(lab: Lab) -> None:
    await lab.created(**lab.here)  # gives codes
    coded = [{"roomId": lab.room["room_id"], "participantId": "P0001"}]

    assert await lab.refusal(participants=coded) == ("NOT_FOUND", "input.participants")


async def test_a_snapshot_may_be_exported_in_other_ways(lab: Lab) -> None:
    async with working(lab):
        first = await finished(lab, **lab.here)
        await more(lab)
        wanted = {**asked_again(first), "format": "JSON", "packaging": "SINGLE_FILE"}
        again = await finished(lab, **wanted)

    assert {entry["dataType"]: entry["written"] for entry in again.manifest["ledger"]} == {
        entry["dataType"]: entry["written"] for entry in first.manifest["ledger"]
    }
    assert again.json()["metadata"]["snapshotAt"] == first.json("metadata.json")["snapshotAt"]


async def test_a_single_file_s_recipe_is_in_the_api(lab: Lab) -> None:
    wanted: dict[str, Any] = {"dataTypes": ["EVENTS"], "packaging": "SINGLE_FILE"}
    id_ = await lab.created(**lab.here, **wanted)
    async with working(lab):
        first = await lab.finished(id_)
        recipe = (await lab.shown(id_))["manifest"]["recipe"]
        await more(lab)
        again = await finished(lab, **recipe["input"], snapshot=recipe["snapshot"])

    assert again.path.read_bytes() == first.path.read_bytes()
    assert again.path != first.path


def forged(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def forge(token: str) -> str:
        said = json.loads(urlsafe_b64decode(token + "=="))
        change(said)
        return urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()

    return forge


@pytest.mark.parametrize(
    "forge",
    [
        lambda _: "",
        lambda _: "nonsense",
        lambda _: "é",
        lambda token: token[:-9],
        lambda token: token + "A" * 100_000,
        forged(lambda said: said.pop("bounds")),
        forged(lambda said: said.pop("at")),
        forged(lambda said: said["bounds"].pop("EVENTS")),
        forged(lambda said: said["bounds"].update(USERS=1)),
        forged(lambda said: said["bounds"].update(EVENTS=-1)),
        forged(lambda said: said["bounds"].update(EVENTS="1")),
        forged(lambda said: said["bounds"].update(EVENTS=1.5)),
        forged(lambda said: said["bounds"].update(EVENTS=1 << 63)),
        forged(lambda said: said.update(after={"ROOMS": 1})),
        forged(lambda said: said.update(recipe_hash="x")),
        forged(lambda said: said.update(title="../x")),
        forged(lambda said: said.update(at=1 << 70)),
    ],
)
async def test_what_is_no_snapshot_is_refused(lab: Lab, forge: Callable[[str], str]) -> None:
    async with working(lab):
        asked = asked_again(await finished(lab, **lab.here))

    asked["snapshot"] = forge(asked["snapshot"])
    assert await lab.refusal(**asked) == ("BAD_USER_INPUT", "input.snapshot")


async def test_a_snapshot_holds_nothing_that_is_not_there_yet(lab: Lab) -> None:
    async with working(lab):
        asked = asked_again(await finished(lab, **lab.here))

    def reach(said: dict[str, Any]) -> None:
        said["bounds"] = dict.fromkeys(said["bounds"], (1 << 63) - 1)
        said["recipe_hash"] = ""

    asked["snapshot"] = forged(reach)(asked["snapshot"])
    row = await lab.row(await lab.created(**asked, idempotencyKey="x"))
    here = await lab.row(await lab.created(**lab.here, idempotencyKey="y"))
    assert row.recipe["bounds"] == here.recipe["bounds"]


async def test_since_and_snapshot_are_not_for_one_export(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)

    assert await lab.refusal(**lab.here, since=id_, snapshot="x") == (
        "BAD_USER_INPUT",
        "input.since",
    )


async def test_a_recipe_gives_nobody_rights(lab: Lab) -> None:
    stranger, viewer = a_user(), a_user()
    await save(lab.api.db, stranger, viewer, a_grant(lab.experiment, viewer))
    async with working(lab):
        whole = asked_again(await finished(lab, **lab.here))
        person = asked_again(await finished(lab, **personal(lab)))

    for user, code in ((stranger, "NOT_FOUND"), (viewer, "FORBIDDEN")):
        key = await lab.api.key_of(user.key)
        assert await lab.refusal(key, **whole) == (code, "input.experimentIds")
        assert await lab.refusal(key, **person) == ("NOT_FOUND", "input.participants")
    events = await lab.api.key_of(lab.owner.key, "export:data", "read:events")
    assert await lab.refusal(events, **whole) == ("FORBIDDEN", "")


async def test_who_may_export_can_repeat_what_another_made(lab: Lab) -> None:
    colleague = a_user()
    await save(lab.api.db, colleague, a_grant(lab.experiment, colleague, can_export=True))
    key = await lab.api.key_of(colleague.key)
    async with working(lab):
        first = await finished(lab, **personal(lab))
        again = await lab.finished(await lab.created(key, **asked_again(first)))

    assert sums(again) == sums(first)


async def test_every_type_can_be_repeated(lab: Lab) -> None:
    async with working(lab):
        for data_type in RecordType:
            onset = {data_type.value.name: {"onset": {"lt": 0}}}
            wanted = {"dataTypes": [data_type.name], "filter": onset}
            first = await finished(lab, **lab.here, **wanted)
            again = await finished(lab, **asked_again(first), idempotencyKey=data_type.name)
            assert sums(again) == sums(first)
