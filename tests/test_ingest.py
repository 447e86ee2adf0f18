"""Records that come in: stored once, refused with a reason, never lost."""

from typing import Any

import pytest

from server.records import RecordType
from tests.conftest import Api
from tests.factories import START, a_participant, a_room, a_user, save
from tests.sending import INGEST, Lab, a_lab, a_sent

pytestmark = pytest.mark.anyio

EVENTS, RATINGS = RecordType.EVENTS, RecordType.CONTINUOUS_RATINGS


@pytest.fixture
async def api(any_api: Api) -> Api:
    return any_api


@pytest.fixture
async def lab(api: Api) -> Lab:
    return await a_lab(api)


@pytest.mark.parametrize("record_type", list(RecordType), ids=lambda each: each.name)
async def test_a_record_of_each_type_is_stored_as_it_was_sent(
    lab: Lab, record_type: RecordType
) -> None:
    record = lab.sent(record_type)
    payload = await lab.ingest(record)
    assert (payload["acceptedCount"], payload["unchangedCount"]) == (1, 0), payload
    names = [name for name in record if name not in ("dataType", "timestamp")]
    [stored] = await lab.records(record_type, f"timestamp {' '.join(names)}")
    assert stored == {**{name: record[name] for name in names}, "timestamp": stored["timestamp"]}


async def test_a_batch_that_is_sent_again_changes_nothing_and_says_so(lab: Lab) -> None:
    batch = [lab.sent(each) for each in RecordType] + [lab.sent(value="x")]
    first = await lab.ingest(*batch)
    assert (first["acceptedCount"], first["unchangedCount"], first["refusedCount"]) == (7, 0, 1)
    again = await lab.ingest(*batch)
    assert (again["acceptedCount"], again["unchangedCount"], again["refusedCount"]) == (7, 7, 1)
    assert len(await lab.quarantine()) == 1
    for each in RecordType:
        assert len(await lab.records(each, "timestamp")) == 1


async def test_a_record_that_comes_twice_in_a_batch_is_stored_once(lab: Lab) -> None:
    record = lab.sent()
    payload = await lab.ingest(record, record, {**record, "content": "something else"})
    assert (payload["acceptedCount"], payload["unchangedCount"]) == (2, 1)
    assert [(each["index"], each["code"]) for each in payload["refused"]] == [(2, "ID_TAKEN")]
    [stored] = await lab.records(EVENTS, "content")
    assert stored["content"] is None


async def test_the_id_of_another_record_is_refused_and_nothing_is_overwritten(lab: Lab) -> None:
    record = lab.sent(RATINGS)
    await lab.ingest(record)
    assert await lab.refusal({**record, "value": 0.75}) == ("ID_TAKEN", None)
    [stored] = await lab.records(RATINGS, "value")
    assert stored["value"] == 0.25


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"dataType": "EVENT"}, ("UNKNOWN_TYPE", "dataType")),
        ({"rawValu": 1}, ("UNKNOWN_FIELD", "rawValu")),
        ({"value": "0.5"}, ("WRONG_TYPE", "value")),
        ({"value": True}, ("WRONG_TYPE", "value")),
        ({"value": 1.5, "rawValue": None}, ("OUT_OF_RANGE", "value")),
        ({"rawValue": 101}, ("OFF_SCALE", "rawValue")),
        ({"onset": 2.5}, ("WRONG_TYPE", "onset")),
        ({"onset": 2**31}, ("OUT_OF_RANGE", "onset")),
        ({"onset": 900_000}, ("ONSET_DISAGREES", "onset")),
        ({"timestamp": "2024-10-20 14:30"}, ("WRONG_TYPE", "timestamp")),
        ({"timestamp": 1_729_434_645}, ("IMPLAUSIBLE_TIME", "timestamp")),
        ({"timestamp": None}, ("WRONG_TYPE", "timestamp")),
        ({"roomId": "room_nowhere"}, ("UNKNOWN_ROOM", "roomId")),
        ({"participantId": "nobody"}, ("UNKNOWN_PARTICIPANT", "participantId")),
        ({"experimentId": "exp_other"}, ("WRONG_EXPERIMENT", "experimentId")),
        ({"ratingId": ""}, ("WRONG_TYPE", "ratingId")),
        ({"ratingId": "a" * 201}, ("TOO_LARGE", "ratingId")),
        ({"ratingId": "a\0"}, ("WRONG_TYPE", "ratingId")),
        ({"componentId": 7}, ("WRONG_TYPE", "componentId")),
    ],
    ids=str,
)
async def test_what_is_wrong_with_a_record_is_told_and_the_record_kept(
    lab: Lab, changes: dict[str, Any], refused: tuple[str, str | None]
) -> None:
    assert await lab.refusal(lab.sent(RATINGS, **changes)) == refused
    assert await lab.records(RATINGS, "value") == []


async def test_a_field_that_must_be_there_is_asked_for(lab: Lab) -> None:
    record = lab.sent()
    del record["eventType"]
    assert await lab.refusal(record) == ("MISSING", "eventType")


@pytest.mark.parametrize("record", [7, "text", [], [{}], None], ids=str)
async def test_what_is_no_object_is_refused_and_kept(lab: Lab, record: object) -> None:
    assert await lab.refusal(record) == ("NOT_AN_OBJECT", None)


async def test_an_end_before_the_start_is_refused(lab: Lab) -> None:
    record = lab.sent(RecordType.RECORDINGS, startTime=START + 5, endTime=START + 4)
    assert await lab.refusal(record) == ("ENDS_BEFORE_START", "endTime")


async def test_an_onset_follows_from_the_rooms_experiment_start(lab: Lab) -> None:
    early, late = (
        {**lab.sent(), "timestamp": "1970-01-01T00:00:00Z", "onset": None} for _ in range(2)
    )
    early["timestamp"], late["timestamp"] = START - 1_500, START + 2_500
    del late["onset"]
    assert (await lab.ingest(early, late))["acceptedCount"] == 2
    onsets = [each["onset"] for each in await lab.records(EVENTS, "onset")]
    assert sorted(onsets) == [-1_500, 2_500]


async def test_without_an_experiment_start_an_onset_must_be_given(lab: Lab) -> None:
    room = a_room(lab.experiment, experiment_start=None)
    person = a_participant(room)
    await save(lab.api.db, room, person)
    lab.room, lab.person = room, person
    assert (await lab.ingest(lab.sent()))["acceptedCount"] == 1
    assert await lab.refusal(lab.sent(onset=None)) == ("ROOM_NOT_STARTED", "onset")


async def test_moments_may_be_text_with_any_offset(lab: Lab) -> None:
    await lab.ingest(lab.sent(timestamp="2026-09-07T10:00:00.5+02:00", onset=None))
    await lab.ingest(lab.sent(timestamp=START + 1, onset=1.0))
    stored = await lab.records(EVENTS, "timestamp onset")
    assert [each["onset"] for each in stored if each["onset"] == 1] == [1]


async def test_an_atomic_batch_is_stored_as_a_whole_or_not_at_all(lab: Lab) -> None:
    good, bad = lab.sent(), lab.sent(eventType=None)
    payload = await lab.ingest(good, bad, atomic=True)
    assert [each["code"] for each in payload["refused"]] == ["BATCH_REFUSED", "WRONG_TYPE"]
    assert await lab.records(EVENTS, "eventId") == []
    assert len(await lab.quarantine()) == 2
    corrected = {**bad, "eventType": "state.enter"}
    payload = await lab.ingest(good, corrected, atomic=True)
    assert payload["acceptedCount"] == 2
    assert [each["record"] for each in await lab.quarantine()] == [bad]


async def test_more_than_a_batch_holds_is_refused_before_any_is_looked_at(lab: Lab) -> None:
    payload = await lab.ingest(*[7] * 5001)
    assert payload["userErrors"][0]["code"] == "BAD_USER_INPUT"
    assert payload["sentCount"] == 0
    assert await lab.quarantine() == []


async def test_what_is_no_list_is_refused(lab: Lab) -> None:
    data = await lab.api.ask(INGEST, lab.key, records=lab.sent())
    assert data["recordsIngest"]["userErrors"][0]["code"] == "BAD_USER_INPUT"


async def test_nobody_else_may_add_records_or_sees_what_was_refused(lab: Lab) -> None:
    stranger = a_user()
    await save(lab.api.db, stranger)
    theirs = Lab(
        lab.api,
        stranger,
        lab.experiment,
        lab.room,
        lab.person,
        await lab.api.key_of(stranger.key),
    )
    assert await theirs.refusal(lab.sent()) == ("UNKNOWN_ROOM", "roomId")
    assert await lab.quarantine() == []
    lab.key = await lab.api.key_of(lab.owner.key, "read:*")
    data = await lab.api.ask(INGEST, lab.key, records=[])
    assert data["recordsIngest"]["userErrors"][0]["code"] == "FORBIDDEN"


RESUBMIT = """
mutation($items: [QuarantineItem!]!) {
  quarantineResubmit(items: $items) {
    userErrors { code } acceptedCount refusedCount refused { index code }
  }
}
"""


async def test_a_record_in_quarantine_can_be_corrected_and_sent_again(lab: Lab) -> None:
    bad = [lab.sent(RATINGS, value=7), lab.sent(RATINGS, value=8), lab.sent(RATINGS, value=9)]
    await lab.ingest(*bad)
    first, second, third = await lab.quarantine()
    items = [
        {"id": first["id"], "record": {**first["record"], "value": 0.7}},
        {"id": second["id"]},
        {"id": third["id"], "record": {**third["record"], "value": -9}},
    ]
    data = await lab.api.ask(RESUBMIT, lab.key, items=items)
    assert data["quarantineResubmit"] == {
        "userErrors": [],
        "acceptedCount": 1,
        "refusedCount": 2,
        "refused": [
            {"index": 1, "code": "OUT_OF_RANGE"},
            {"index": 2, "code": "OUT_OF_RANGE"},
        ],
    }
    assert [each["value"] for each in await lab.records(RATINGS, "value")] == [0.7]
    kept = [each["record"]["value"] for each in await lab.quarantine()]
    assert sorted(kept) == [-9, 8]


async def test_a_record_leaves_quarantine_once_it_can_be_stored(lab: Lab) -> None:
    room = a_room(lab.experiment)
    person = a_participant(room)
    record = a_sent(EVENTS, room, person)
    assert await lab.refusal(record) == ("UNKNOWN_ROOM", "roomId")
    await save(lab.api.db, room, person)
    assert (await lab.ingest(record))["acceptedCount"] == 1
    assert await lab.quarantine() == []


async def test_records_in_quarantine_can_be_dropped(lab: Lab) -> None:
    await lab.ingest(lab.sent(value=1), lab.sent(value=2))
    first, _ = await lab.quarantine()
    query = """mutation($ids: [ID!]!) {
      quarantineDiscard(ids: $ids) { userErrors { code } discardedIds }
    }"""
    unknown = await lab.api.ask(query, lab.key, ids=[first["id"], "nothing"])
    assert unknown["quarantineDiscard"]["userErrors"][0]["code"] == "NOT_FOUND"
    await lab.api.ask(query, lab.key, ids=[first["id"]])
    assert len(await lab.quarantine()) == 1
