"""Experiments are set up, with the rooms and participants that data is then added to."""

from typing import Any

import pytest

from server.records import RecordType
from tests.conftest import Api
from tests.factories import START, a_user, an_experiment, save
from tests.sending import INGEST, a_sent

pytestmark = pytest.mark.anyio

CREATE = """mutation($input: ExperimentInput!) { experimentCreate(input: $input) {
  userErrors { code field } experiment { id experimentId name status roles owner { userId } }
} }"""
UPDATE = """mutation($id: ID!, $input: ExperimentInput!) {
experimentUpdate(id: $id, input: $input) {
  userErrors { code field }
  experiment { name description status roles requiredParticipants participantsMayRequestData }
} }"""
ROOM = """mutation($input: RoomInput!) { roomUpsert(input: $input) {
  userErrors { code field }
  room { roomId status startTime endTime experimentStart experiment { experimentId } }
} }"""
PERSON = """mutation($input: ParticipantInput!) { participantUpsert(input: $input) {
  userErrors { code field }
  participant { participantId role status email joinedAt completionCode room { roomId } }
} }"""


@pytest.fixture
async def api(any_api: Api) -> Api:
    return any_api


class Desk:
    """An account that sets experiments up."""

    def __init__(self, api: Api, key: str) -> None:
        self.api = api
        self.key = key

    async def do(self, mutation: str, **variables: Any) -> dict[str, Any]:
        [payload] = (await self.api.ask(mutation, self.key, **variables)).values()
        made: dict[str, Any] = payload
        return made

    async def made(self, mutation: str, **variables: Any) -> dict[str, Any]:
        payload = await self.do(mutation, **variables)
        assert payload.pop("userErrors") == []
        [made] = payload.values()
        shown: dict[str, Any] = made
        return shown

    async def refusal(self, mutation: str, **variables: Any) -> tuple[str, str]:
        payload = await self.do(mutation, **variables)
        [error] = payload["userErrors"]
        return error["code"], (error["field"] or [""])[-1]


@pytest.fixture
async def desk(api: Api) -> Desk:
    owner = a_user(user_id="usr_owner")
    await save(api.db, owner)
    return Desk(api, await api.key_of(owner.key))


async def test_from_nothing_to_a_first_record(desk: Desk) -> None:
    experiment = await desk.made(CREATE, input={"name": " Dyads ", "roles": ["host"]})
    assert experiment["name"] == "Dyads"
    assert experiment["status"] == "ACTIVE"
    assert experiment["owner"] == {"userId": "usr_owner"}
    place = {"experimentId": experiment["experimentId"], "roomId": "room_a"}
    await desk.made(ROOM, input={**place, "experimentStart": "2026-09-07T08:00:00Z"})
    person = {"roomId": "room_a", "participantId": "p" * 28}
    made = await desk.made(PERSON, input={**person, "email": "a@b.org", "role": "host"})
    assert made["status"] == "ACTIVE"
    record = a_sent(RecordType.EVENTS, {"room_id": "room_a"}, {"participant_id": "p" * 28})
    record |= {"timestamp": "2026-09-07T08:00:01.500Z", "onset": None}
    payload = await desk.do(INGEST, records=[record])
    assert payload["acceptedCount"] == 1, payload


async def test_what_is_left_out_stays_and_null_takes_away(desk: Desk) -> None:
    experiment = await desk.made(
        CREATE,
        input={"name": "A", "description": "B", "requiredParticipants": 2, "roles": ["x"]},
    )
    changed = await desk.made(
        UPDATE, id=experiment["id"], input={"description": None, "status": "COMPLETED"}
    )
    assert changed == {
        "name": "A",
        "description": None,
        "status": "COMPLETED",
        "roles": ["x"],
        "requiredParticipants": 2,
        "participantsMayRequestData": False,
    }
    place = {"experimentId": experiment["experimentId"], "roomId": "room_a"}
    await desk.made(ROOM, input={**place, "startTime": "2026-09-07T08:00:00Z"})
    room = await desk.made(ROOM, input={**place, "status": "COMPLETED"})
    assert (room["startTime"], room["status"]) == ("2026-09-07T08:00:00.000Z", "COMPLETED")
    person = {"roomId": "room_a", "participantId": "anna"}
    await desk.made(PERSON, input={**person, "role": "host"})
    again = await desk.made(PERSON, input={**person, "status": "DISCONNECTED"})
    assert (again["role"], again["status"]) == ("host", "DISCONNECTED")


async def test_a_corrected_start_moves_what_counts_from_it(desk: Desk) -> None:
    experiment = await desk.made(CREATE, input={"name": "A"})
    place = {"experimentId": experiment["experimentId"], "roomId": "room_a"}
    await desk.made(ROOM, input={**place, "experimentStart": "2026-09-07T08:00:00Z"})
    await desk.made(PERSON, input={"roomId": "room_a", "participantId": "anna"})
    who: Any = {"room_id": "room_a"}, {"participant_id": "anna"}
    at = "2026-09-07T08:00:10Z"
    records = [
        a_sent(RecordType.EVENTS, *who, timestamp=at, onset=None),
        a_sent(RecordType.RECORDINGS, *who, timestamp=at, onset=9_990, videoOffset=500),
    ]
    assert (await desk.do(INGEST, records=records))["acceptedCount"] == 2
    await desk.made(ROOM, input={**place, "experimentStart": "2026-09-07T08:00:12Z"})
    query = """{ room(roomId: "room_a") {
      events { nodes { onset timestamp } } recordings { nodes { onset videoOffset } }
    } }"""
    room = (await desk.api.ask(query, desk.key))["room"]
    assert room["events"]["nodes"] == [{"onset": -2_000, "timestamp": "2026-09-07T08:00:10.000Z"}]
    assert room["recordings"]["nodes"] == [{"onset": -2_010, "videoOffset": -11_500}]
    assert (await desk.do(INGEST, records=records))["unchangedCount"] == 2
    far = {**place, "experimentStart": "2027-09-07T08:00:00Z"}
    assert await desk.refusal(ROOM, input=far) == ("BAD_USER_INPUT", "experimentStart")


async def test_what_cannot_be_set_up_is_refused(desk: Desk) -> None:
    assert await desk.refusal(CREATE, input={}) == ("BAD_USER_INPUT", "name")
    assert await desk.refusal(CREATE, input={"name": "A", "experimentId": "a b"}) == (
        "BAD_USER_INPUT",
        "experimentId",
    )
    experiment = await desk.made(CREATE, input={"name": "A", "experimentId": "exp_a"})
    assert await desk.refusal(CREATE, input={"name": "A", "experimentId": "exp_a"}) == (
        "BAD_USER_INPUT",
        "experimentId",
    )
    place = {"experimentId": experiment["experimentId"], "roomId": "room_a"}
    span = {"startTime": "2026-09-07T08:00:00Z", "endTime": "2026-09-07T07:00:00Z"}
    assert await desk.refusal(ROOM, input={**place, **span}) == ("BAD_USER_INPUT", "endTime")
    assert await desk.refusal(ROOM, input={**place, "experimentId": "exp_b"}) == (
        "NOT_FOUND",
        "experimentId",
    )
    nobody = {"roomId": "room_b", "participantId": "anna"}
    assert await desk.refusal(PERSON, input=nobody) == ("NOT_FOUND", "roomId")


async def test_others_set_nothing_up_in_an_experiment(desk: Desk) -> None:
    other = a_user()
    theirs = an_experiment(other, experiment_id="exp_theirs", created_at=START)
    participant = a_user(role="PARTICIPANT")
    await save(desk.api.db, other, theirs, participant)
    place = {"experimentId": "exp_theirs", "roomId": "room_a"}
    assert await desk.refusal(ROOM, input=place) == ("NOT_FOUND", "experimentId")
    desk.key = await desk.api.key_of(participant.key)
    assert await desk.refusal(CREATE, input={"name": "A"}) == ("FORBIDDEN", "")
