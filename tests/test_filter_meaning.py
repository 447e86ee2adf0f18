"""What some conditions mean, where people could expect something else."""

from typing import Any

import pytest

from server.records import RecordType
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    a_chat_message,
    a_component,
    a_participant,
    a_room,
    a_sparse_rating,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def key(any_api: Api) -> str:
    """The key of the owner of two experiments; who is in their rooms says what they hold."""
    owner, other = a_user(user_id="usr_mine"), a_user(user_id="usr_other")
    full, empty = an_experiment(owner, name="full"), an_experiment(owner, name="empty")
    rooms = [a_room(full, room_id=f"room_of_{n}") for n in range(3)]
    people = [
        a_participant(room, participant_id=f"{'ab'[i]}{n}")
        for n, room in enumerate(rooms)
        for i in range(n)
    ]
    one, two, _ = people
    answers: list[Any] = [1, 1.0, "1", True, None, [1], {"n": 1}]
    records = [
        *(a_component(one, component_id=f"cmp_{n}", config=v) for n, v in enumerate(answers)),
        *(a_sparse_rating(one, rating_id=f"rat_{n}", value=v) for n, v in enumerate(answers)),
        *(an_event(one, event_id=f"evt_{n}", response={"v": v}) for n, v in enumerate(answers)),
        an_event(one, event_id="evt_without", response={}),
        a_chat_message(two, message_id="msg_greek", content="ΟΔΥΣΣΕΎΣ und die Sirenen"),
    ]
    await save(any_api.db, owner, other, full, empty, *rooms, *people, *records)
    return await any_api.key_of(owner.key)


async def events(api: Api, key: str, **response: Any) -> set[str]:
    query = """query($filter: EventFilter) { experiments { nodes {
      events(filter: $filter) { nodes { eventId } } } } }"""
    data = await api.ask(query, key, filter={"response": response})
    nodes = [event for each in data["experiments"]["nodes"] for event in each["events"]["nodes"]]
    return {node["eventId"].removeprefix("evt_") for node in nodes}


@pytest.mark.parametrize(
    ("value", "found"),
    [(1, "01"), (1.0, "01"), ("1", "2"), (True, "3"), (None, "4"), (False, ""), (0, "")],
)
async def test_json_values_of_different_types_are_never_equal(
    any_api: Api, key: str, value: object, found: str
) -> None:
    assert await events(any_api, key, path="v", equals=value) == set(found)


async def test_nothing_at_a_path_is_not_null_but_can_be_asked_for(any_api: Api, key: str) -> None:
    assert await events(any_api, key, path="v", isNull=True) == {"4", "without"}
    assert await events(any_api, key, path="v", equals=None) == {"4"}
    assert await events(any_api, key, path="v[0]", equals=1) == {"5"}
    assert await events(any_api, key, path='"v".n', equals=1) == {"6"}
    assert await events(any_api, key, path="v") == {*"0123456", "without"}


async def test_a_value_as_a_whole_has_an_empty_path(any_api: Api, key: str) -> None:
    query = """query($one: SparseRatingFilter) { experiments(filter: {name: {equals: "full"}}) {
      nodes { sparseRatings(filter: $one) { nodes { ratingId } } } } }"""
    for value, found in ((1, {"rat_0", "rat_1"}), (None, {"rat_4"})):
        data = await any_api.ask(query, key, one={"value": {"equals": value}})
        nodes = data["experiments"]["nodes"][0]["sparseRatings"]["nodes"]
        assert {node["ratingId"] for node in nodes} == found


async def test_conditions_that_python_takes_for_equal_are_told_apart_in_one_request(
    any_api: Api, key: str
) -> None:
    data = await any_api.ask(
        """{ experiments(filter: {name: {equals: "full"}}) { nodes {
             number: events(filter: {response: {path: "v", equals: 1}}) { totalCount }
             truth: events(filter: {response: {path: "v", equals: true}}) { totalCount }
             text: events(filter: {response: {path: "v", equals: "1"}}) { totalCount } } } }""",
        key,
    )
    [counts] = data["experiments"]["nodes"]
    assert [counts[name]["totalCount"] for name in ("number", "truth", "text")] == [2, 1, 1]


@pytest.mark.parametrize(
    ("search", "found"),
    [("οδυσσεύς", 1), ("UND DIE", 1), ("σσ", 1), ("oδ", 0), ("", 1), ("%", 0), ("*", 0)],
)
async def test_a_search_takes_upper_and_lower_case_of_any_script_alike(
    any_api: Api, key: str, search: str, found: int
) -> None:
    query = """query($content: TextMatch) { experiments(filter: {name: {equals: "full"}}) {
      nodes { chatMessages(filter: {content: $content}) { totalCount } } } }"""
    for how in ("contains", "startsWith"):
        data = await any_api.ask(query, key, content={how: search})
        count = data["experiments"]["nodes"][0]["chatMessages"]["totalCount"]
        assert count == (found if how == "contains" or search in ("οδυσσεύς", "") else 0)


async def experiments(api: Api, key: str, kept: str) -> list[str]:
    data = await api.ask(f"{{ experiments(filter: {kept}) {{ nodes {{ name }} }} }}", key)
    return sorted(node["name"] for node in data["experiments"]["nodes"])


async def test_experiments_are_found_by_owner_and_by_how_much_is_in_them(
    any_api: Api, key: str
) -> None:
    assert await experiments(any_api, key, '{ownerId: {in: ["usr_mine"]}}') == ["empty", "full"]
    assert await experiments(any_api, key, '{ownerId: {in: ["usr_other"]}}') == []
    assert await experiments(any_api, key, '{not: {ownerId: {in: ["usr_other"]}}}') == [
        "empty",
        "full",
    ]
    assert await experiments(any_api, key, "{roomCount: {gte: 3, lt: 4}}") == ["full"]
    assert await experiments(any_api, key, "{participantCount: {lt: 3}}") == ["empty"]
    assert await experiments(any_api, key, '{roles: {has: "host"}}') == ["empty", "full"]
    assert await experiments(any_api, key, '{roles: {has: "Host"}}') == []


async def test_rooms_are_found_by_how_many_were_in_them(any_api: Api, key: str) -> None:
    query = """query($kept: RoomFilter) { experiments(filter: {name: {equals: "full"}}) {
      nodes { rooms(filter: $kept) { nodes { roomId } } } } }"""
    for kept, found in (
        ({"participantCount": {"gte": 1}}, ["room_of_1", "room_of_2"]),
        ({"participantCount": {"lt": 1}}, ["room_of_0"]),
        ({"not": {"participantCount": {"lt": 2}}}, ["room_of_2"]),
        ({"duration": {"gte": 660_000, "lt": 660_001}}, ["room_of_0", "room_of_1", "room_of_2"]),
    ):
        data = await any_api.ask(query, key, kept=kept)
        nodes = data["experiments"]["nodes"][0]["rooms"]["nodes"]
        assert sorted(node["roomId"] for node in nodes) == found


PARTICIPANTS = """query($kept: ParticipantFilter) {
  experiments(filter: {name: {equals: "full"}}) {
    nodes { participants(filter: $kept) { totalCount nodes { participantId } } } } }"""


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ({"hasData": []}, ["a1", "a2", "b2"]),
        ({"hasData": ["EVENTS"]}, ["a1"]),
        ({"hasData": ["EVENTS", "COMPONENTS"]}, ["a1"]),
        ({"hasData": ["EVENTS", "CHAT_MESSAGES"]}, []),
        ({"or": [{"hasData": ["EVENTS"]}, {"hasData": ["CHAT_MESSAGES"]}]}, ["a1", "a2"]),
        ({"not": {"hasData": ["EVENTS"]}}, ["a2", "b2"]),
        ({"roomId": {"in": ["room_of_2"]}}, ["a2", "b2"]),
    ],
)
async def test_participants_are_found_by_what_there_is_of_them(
    any_api: Api, key: str, kept: Any, found: list[str]
) -> None:
    data = await any_api.ask(PARTICIPANTS, key, kept=kept)
    page = data["experiments"]["nodes"][0]["participants"]
    assert sorted(node["participantId"] for node in page["nodes"]) == found
    assert page["totalCount"] == len(found)


@pytest.mark.parametrize("kind", RecordType)
async def test_there_is_a_record_of_each_type_that_is_asked_for(
    any_api: Api, kind: RecordType
) -> None:
    owner = a_user()
    experiment = an_experiment(owner, name="full")
    room = a_room(experiment)
    people = [a_participant(room, participant_id=f"{kind_.name}") for kind_ in RecordType]
    records = [A_RECORD[each](person) for each, person in zip(RecordType, people, strict=True)]
    await save(any_api.db, owner, experiment, room, *people, *records)

    data = await any_api.ask(
        PARTICIPANTS, await any_api.key_of(owner.key), kept={"hasData": [kind.name]}
    )

    nodes = data["experiments"]["nodes"][0]["participants"]["nodes"]
    assert nodes == [{"participantId": kind.name}]


async def test_a_filter_that_tells_of_other_data_needs_the_scope_to_read_it(any_api: Api) -> None:
    owner = a_user()
    experiment = an_experiment(owner, name="full")
    await save(any_api.db, owner, experiment, a_room(experiment))
    narrow = await any_api.key_of(owner.key, "read:experiments", "read:participants", "read:events")
    narrower = await any_api.key_of(owner.key, "read:experiments")

    await any_api.ask(PARTICIPANTS, narrow, kept={"hasData": ["EVENTS"]})
    code, message = await any_api.refusal(
        PARTICIPANTS, narrow, kept={"not": {"or": [{"hasData": ["EVENTS", "RECORDINGS"]}]}}
    )
    assert (code, "`read:recordings`" in message) == ("FORBIDDEN", True)
    for query in (
        "{ experiments(filter: {participantCount: {gte: 0}}) { totalCount } }",
        "{ experiments { nodes { rooms(filter: {and: [{participantCount: {lt: 5}}]}) "
        "{ totalCount } } } }",
    ):
        await any_api.ask(query, narrow)
        assert (await any_api.refusal(query, narrower))[0] == "FORBIDDEN"


async def test_what_a_filter_leaves_out_is_just_what_its_opposite_keeps(
    any_api: Api, key: str
) -> None:
    query = """query($kept: EventFilter) { experiments(filter: {name: {equals: "full"}}) {
      nodes { events(filter: $kept) { totalCount } } } }"""

    async def count(kept: Any) -> int:
        data = await any_api.ask(query, key, kept=kept)
        total: int = data["experiments"]["nodes"][0]["events"]["totalCount"]
        return total

    cases: list[dict[str, Any]] = [
        {"category": {"equals": "media"}},  # no event has any
        {"duration": {"gte": 5}},
        {"response": {"path": "v", "equals": 1}},
        {"or": []},
        {"and": []},
        {},
    ]
    for kept in cases:
        assert await count(kept) + await count({"not": kept}) == 8
