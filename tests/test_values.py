"""Values: what is read is what was stored, or a clear error at that field alone."""

from typing import Any

import pytest

from server.records.recordings import Recording
from tests.conftest import Api
from tests.factories import (
    START,
    Row,
    a_component,
    a_continuous_rating,
    a_participant,
    a_recording,
    a_room,
    a_sparse_rating,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

VALUES: list[Any] = [
    *(0, 1, -1, 2**53 + 1, 2**63, -(2**64), 10**30, 1.5, 1e300, 5e-324, 0.1, -0.5),
    *("", "text", "„ü“ 日本 🎬", 'a "quoted"\n line', "=1+1", "null", "\0", True, False),
    *([], {}, [1, [2, {}]], [None], {"value": 7, "nested": {"list": [None, True]}, "ключ": None}),
    {"big": 2**70, "deep": [[[[[[1]]]]]]},
]


@pytest.fixture
def owner() -> Row:
    return a_user()


@pytest.fixture
async def person(api: Api, owner: Row) -> Row:
    """Who is in the one room of the one experiment."""
    experiment = an_experiment(owner)
    room = a_room(experiment, room_id="room")
    participant = a_participant(room)
    await save(api.db, owner, experiment, room, participant)
    return participant


async def asked(api: Api, owner: Row, fields: str) -> dict[str, Any]:
    data = await api.ask(f'{{ room(roomId: "room") {{ {fields} }} }}', await api.key_of(owner.key))
    room: dict[str, Any] = data["room"]
    return room


async def test_json_comes_back_as_it_was_stored(api: Api, owner: Row, person: Row) -> None:
    await save(
        api.db,
        *(
            a_sparse_rating(person, onset=n, value=value, raw_value=value, details=[value])
            for n, value in enumerate(VALUES)
        ),
        a_sparse_rating(person, onset=len(VALUES), value=None),
        a_component(person, config={"a": VALUES}, variables=VALUES),
        an_event(person, response={"value": VALUES}),
    )

    room = await asked(
        api,
        owner,
        """sparseRatings(first: 1000) { nodes { value rawValue details } }
           components { nodes { config variables } } events { nodes { response } }""",
    )

    shown = room["sparseRatings"]["nodes"]
    for value, rating in zip(VALUES, shown, strict=False):
        assert (rating["value"], type(rating["value"])) == (value, type(value))
        assert rating == {"value": value, "rawValue": value, "details": [value]}
    assert shown[len(VALUES)] == {"value": None, "rawValue": None, "details": None}
    assert room["components"]["nodes"] == [{"config": {"a": VALUES}, "variables": VALUES}]
    assert room["events"]["nodes"] == [{"response": {"value": VALUES}}]


async def test_moments_are_utc_with_milliseconds(api: Api, owner: Row, person: Row) -> None:
    await save(
        api.db,
        an_event(person, timestamp=0, client_timestamp=-1),
        an_event(person, timestamp=START - 123, client_timestamp=START),
    )

    room = await asked(api, owner, "startTime events { nodes { timestamp clientTimestamp } }")

    assert room["startTime"] == "2024-10-20T14:29:45.123Z"
    assert [tuple(event.values()) for event in room["events"]["nodes"]] == [
        ("1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z"),
        ("2024-10-20T14:30:45.000Z", "2024-10-20T14:30:45.123Z"),
    ]


async def test_a_file_may_be_larger_than_32_bits_can_say(api: Api, owner: Row, person: Row) -> None:
    sizes = [None, 0, 2**31, 2**53 + 1, 2**63 - 1]
    await save(api.db, *(a_recording(person, onset=n, file_size=s) for n, s in enumerate(sizes)))

    room = await asked(api, owner, "recordings { nodes { fileSize } }")

    assert [recording["fileSize"] for recording in room["recordings"]["nodes"]] == sizes


async def test_a_recording_has_a_link_only_if_it_has_a_file(
    api: Api, owner: Row, person: Row
) -> None:
    there, lost = a_recording(person, storage_key="media/a.webm"), a_recording(person)
    await save(api.db, there, lost)

    room = await asked(api, owner, "recordings { nodes { recordingId downloadUrl } }")

    links = {r["recordingId"]: r["downloadUrl"] for r in room["recordings"]["nodes"]}
    assert there.model is Recording
    assert links[lost["recording_id"]] is None
    link = links[there["recording_id"]]
    assert link.startswith(f"http://test/recordings/{there.key}/media?token=")
    assert "media/a.webm" not in link


@pytest.mark.parametrize("infinite", [float("inf"), float("-inf")])
async def test_an_infinite_number_is_an_error_at_its_field_alone(
    api: Api, owner: Row, person: Row, infinite: float
) -> None:
    rows = [a_continuous_rating(person, onset=n, value=v) for n, v in enumerate([0.25, infinite])]
    await save(api.db, *rows, a_sync_metric(person, time_drift=infinite))

    fields = "continuousRatings { nodes { value onset } } syncMetrics { nodes { timeDrift band } }"
    key = await api.key_of(owner.key)
    answer = (await api.post(f'{{ room(roomId: "room") {{ {fields} }} }}', key)).json()

    room = answer["data"]["room"]
    assert room["continuousRatings"]["nodes"] == [
        {"value": 0.25, "onset": 0},
        {"value": None, "onset": 1},
    ]
    assert room["syncMetrics"]["nodes"] == [{"timeDrift": None, "band": "POOR"}]
    assert [error["path"] for error in answer["errors"]] == [
        ["room", "continuousRatings", "nodes", 1, "value"],
        ["room", "syncMetrics", "nodes", 0, "timeDrift"],
    ]
    assert all(error["extensions"] == {"code": "INTERNAL"} for error in answer["errors"])


async def test_a_length_beyond_32_bits_is_an_error_at_its_field_alone(api: Api) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    endless = a_room(experiment, start_time=START, end_time=START + 2**31)
    room = a_room(experiment, start_time=START, end_time=START + 2**31 - 1)
    person = a_participant(room)
    await save(api.db, owner, experiment, endless, room, person, an_event(person, duration=2**40))

    query = """{ experiments { nodes { rooms { nodes {
                 roomId duration events { nodes { duration } } } } } } }"""
    answer = (await api.post(query, await api.key_of(owner.key))).json()

    rooms = answer["data"]["experiments"]["nodes"][0]["rooms"]["nodes"]
    assert [shown["duration"] for shown in rooms] == [None, 2**31 - 1]
    assert rooms[1]["events"]["nodes"] == [{"duration": None}]
    assert len(answer["errors"]) == 2
    assert all("32-bit" in error["message"] for error in answer["errors"])
    assert all(error["extensions"] == {"code": "INTERNAL"} for error in answer["errors"])


@pytest.mark.parametrize(
    ("drift", "band"),
    [
        (0, "GOOD"),
        (-99.9, "GOOD"),
        (100, "ACCEPTABLE"),
        (-500, "ACCEPTABLE"),
        (500.1, "POOR"),
        (None, None),
    ],
)
async def test_drift_is_banded_whichever_its_sign(
    api: Api, owner: Row, person: Row, drift: float | None, band: str | None
) -> None:
    await save(api.db, a_sync_metric(person, time_drift=drift))

    room = await asked(api, owner, "syncMetrics { nodes { timeDrift band } }")

    assert room["syncMetrics"]["nodes"] == [{"timeDrift": drift, "band": band}]


async def test_filters_combine(api: Api, owner: Row) -> None:
    experiment = an_experiment(owner)
    rooms = [a_room(experiment) for _ in range(2)]
    people = [a_participant(room) for room in rooms]
    events = [an_event(person, onset=n) for person in people for n in range(-2, 3)]
    await save(api.db, owner, experiment, *rooms, *people, *events)
    key = await api.key_of(owner.key)
    query = """query($f: EventFilter) { experiments { nodes { events(filter: $f) {
                 totalCount nodes { onset participantId } } } } }"""

    async def onsets(**kept: Any) -> list[int]:
        [node] = (await api.ask(query, key, f=kept))["experiments"]["nodes"]
        assert node["events"]["totalCount"] == len(node["events"]["nodes"])
        return [event["onset"] for event in node["events"]["nodes"]]

    here = {"in": [rooms[0]["room_id"], "nowhere"]}
    since = {"gte": "2024-10-20T14:30:45.122Z", "lt": "2024-10-20T14:30:45.124Z"}
    assert await onsets(roomId=here) == [-2, -1, 0, 1, 2]
    assert await onsets(roomId=here, onset={"gte": -1, "lt": 1}) == [-1, 0]
    assert await onsets(roomId=here, timestamp=since, onset={"lt": 0}) == [-1]
    assert await onsets(roomId=here, participantId={"in": [people[1]["participant_id"]]}) == []
    assert await onsets(eventId={"in": [events[3]["event_id"]]}, experimentId=None) == [1]
    assert await onsets(eventId={"in": []}) == []
    assert len(await onsets(eventId={"in": None}, timestamp={}, onset={"gte": None})) == 10


async def test_a_filter_of_very_many_values_is_refused_with_its_limit(api: Api, owner: Row) -> None:
    await save(api.db, owner)
    key = await api.key_of(owner.key)
    query = (
        "query($in: [String!]) { experiments(filter: {experimentId: {in: $in}}) { totalCount } }"
    )

    await api.ask(query, key, **{"in": ["x"] * 1000})
    code, message = await api.refusal(query, key, **{"in": ["x"] * 1001})

    assert code == "BAD_USER_INPUT"
    assert "1,000" in message
