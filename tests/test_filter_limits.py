"""What a filter cannot be: each is refused with a sentence that says what would do."""

import json
from typing import Any

import pytest

from tests.conftest import Api
from tests.factories import a_participant, a_room, a_user, an_event, an_experiment, save

pytestmark = pytest.mark.anyio

EVENTS = """query($filter: EventFilter) { experiments { nodes {
  events(filter: $filter) { totalCount nodes { eventId } } } } }"""


@pytest.fixture
async def key(api: Api) -> str:
    """The key of the owner of an experiment with one event."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    event = an_event(person, event_id="evt_x", response={"value": [1]})
    await save(api.db, owner, experiment, room, person, event)
    return await api.key_of(owner.key)


def nested(depth: int, how: str = "not") -> dict[str, Any]:
    filter_: dict[str, Any] = {"onset": {"gte": 0}}
    for _ in range(depth):
        filter_ = {how: filter_ if how == "not" else [filter_]}
    return filter_


def any_of(count: int) -> dict[str, Any]:
    return {"or": [{"onset": {"gte": n}} for n in range(count)]}


@pytest.mark.parametrize("how", ["and", "or", "not"])
async def test_filters_may_be_nested_five_deep(api: Api, key: str, how: str) -> None:
    await api.ask(EVENTS, key, filter=nested(5, how))
    for depth in (6, 40):
        code, message = await api.refusal(EVENTS, key, filter=nested(depth, how))
        assert (code, "at most 5 deep" in message) == ("BAD_USER_INPUT", True), (depth, message)


async def test_a_filter_may_hold_a_hundred_conditions(api: Api, key: str) -> None:
    await api.ask(EVENTS, key, filter=any_of(100))
    empty: dict[str, Any] = {"and": [{}] * 101}
    for many in (any_of(101), empty, {"onset": {"gte": 0}, **any_of(100)}):
        code, message = await api.refusal(EVENTS, key, filter=many)
        assert code == "BAD_USER_INPUT"
        assert "at most 100 conditions; this one holds 10" in message


async def test_a_filter_may_name_a_thousand_values_at_once_and_ten_thousand_in_all(
    api: Api, key: str
) -> None:
    def naming(count: int) -> dict[str, Any]:
        return {"eventId": {"in": ["evt_x", *map(str, range(count - 1))]}}

    data = await api.ask(EVENTS, key, filter={"and": [naming(1000)] * 10})
    assert data["experiments"]["nodes"][0]["events"]["totalCount"] == 1
    code, message = await api.refusal(EVENTS, key, filter=naming(1001))
    assert (code, "at most 1,000 values" in message) == ("BAD_USER_INPUT", True)
    code, message = await api.refusal(EVENTS, key, filter={"and": [naming(1000)] * 11})
    assert (code, "at most 10,000 values" in message) == ("BAD_USER_INPUT", True)


@pytest.mark.parametrize("search", ["contains", "startsWith"])
async def test_a_search_may_have_five_hundred_characters(api: Api, key: str, search: str) -> None:
    await api.ask(EVENTS, key, filter={"content": {search: "ü" * 500}})
    code, message = await api.refusal(EVENTS, key, filter={"content": {search: "ü" * 501}})
    assert (code, f"`{search}` takes at most 500" in message) == ("BAD_USER_INPUT", True)


@pytest.mark.parametrize(
    "path",
    [".", "a.", ".a", "a..b", "a[", "a[]", "a[-1]", "a[01]", "a[x]", "a]", "a b", "0", "$", "$.a",
     'a"b"', '"a', '""', '"a\\"', '"a\n"', "a[0]b", "a[*]", "a.*", "a'", "x" * 501,
     "[99999999999]"],
)  # fmt: skip
async def test_a_path_that_is_none_is_refused(api: Api, key: str, path: str) -> None:
    asked = {"response": {"path": path, "equals": 1}}
    code, message = await api.refusal(EVENTS, key, filter=asked)
    assert (code, "A path is keys with dots" in message) == ("BAD_USER_INPUT", True), message


@pytest.mark.parametrize("value", [[1], [], {}, {"value": 1}])
async def test_json_is_compared_with_single_values_only(api: Api, key: str, value: object) -> None:
    asked = {"response": {"path": "value", "equals": value}}
    code, message = await api.refusal(EVENTS, key, filter=asked)
    assert (code, "by their paths" in message) == ("BAD_USER_INPUT", True)


@pytest.mark.parametrize(
    "asked",
    [
        {"eventId": {"in": ["a\0"]}},
        {"content": {"contains": "\0"}},
        {"content": {"startsWith": "a\0b"}},
        {"response": {"path": "value", "equals": "\0"}},
        {"eventId": {"in": ["\ud800"]}},
        {"content": {"contains": "\udfff"}},
        {"response": {"path": "value", "equals": "\ud800"}},
        {"response": {"path": "\ud800", "equals": 1}},
    ],
)
async def test_text_that_no_database_holds_is_refused(api: Api, key: str, asked: Any) -> None:
    body = json.dumps({"query": EVENTS, "variables": {"filter": asked}})  # in ASCII, escaped
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    answer = (await api.http.post("/graphql", content=body, headers=headers)).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("size", [2**63, 2**64, -(2**63) - 1, 1.5, "5"])
async def test_a_size_beyond_64_bits_is_refused(api: Api, key: str, size: object) -> None:
    query = """query($size: BigInt) { experiments { nodes {
      recordings(filter: {fileSize: {gte: $size}}) { totalCount } } } }"""
    code, message = await api.refusal(query, key, size=size)
    assert (code, "BigInt must" in message) == ("BAD_USER_INPUT", True)
