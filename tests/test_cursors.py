"""Cursors and page sizes that cannot be used: each is refused by name, and never echoed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select
from sqlmodel import col

from server.records import RecordType
from server.records.events import Event
from server.records.participants import Participant
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_continuous_rating,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


EVENTS = """query($room: String!, $order: [EventOrder!], $filter: EventFilter, $after: String) {
  room(roomId: $room) { events(orderBy: $order, filter: $filter, after: $after, first: 2) {
    edges { cursor node { eventId } } } } }"""
EXPERIMENTS = """query($after: String, $before: String) {
  experiments(orderBy: [{field: NAME}], after: $after, before: $before) { edges { cursor } } }"""


@pytest.fixture
async def key(api: Api) -> str:
    """The key of the owner of an experiment with two rooms, named `here` and `there`."""
    owner = a_user()
    experiment = an_experiment(owner, name="Faces")
    here, there = a_room(experiment, room_id="here"), a_room(experiment, room_id="there")
    people = a_participant(here), a_participant(there)
    records = [an_event(person, onset=n) for person in people for n in range(3)]
    others = [
        A_RECORD[kind](people[0], onset=n)
        for kind in RecordType
        if kind is not RecordType.EVENTS
        for n in range(2)
    ]
    await save(api.db, owner, experiment, here, there, *people, *records, *others)
    return await api.key_of(owner.key)


def cursor_of(place: object) -> str:
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_of(cursor: str) -> list[Any]:
    place: list[Any] = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return place


async def cursor_from(api: Api, key: str, **asked: Any) -> str:
    data = await api.ask(EVENTS, key, **{"room": "here", **asked})
    cursor: str = data["room"]["events"]["edges"][0]["cursor"]
    return cursor


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"room": "there"},
        {"order": [{"field": "ONSET"}]},
        {"order": [{"field": "TIMESTAMP", "direction": "DESC"}]},
        {"filter": {"onset": {"gte": 0}}},
        {"filter": {"response": {"path": "x", "equals": None}}},
        {"filter": {"not": {"onset": {"gte": 0}}}},
    ],
    ids=["room", "order", "direction", "filter", "filter for null", "opposite filter"],
)
async def test_a_cursor_leads_on_only_in_the_list_that_gave_it(
    api: Api, key: str, elsewhere: dict[str, Any]
) -> None:
    cursor = await cursor_from(api, key)

    code, message = await api.refusal(EVENTS, key, **{"room": "here", "after": cursor, **elsewhere})

    assert code == "INVALID_CURSOR"
    assert "another list, order or filter" in message
    assert cursor not in message


async def test_filters_that_python_takes_for_equal_have_cursors_of_their_own(
    api: Api, key: str
) -> None:
    def asking(value: object) -> dict[str, Any]:
        return {"not": {"response": {"path": "x", "equals": value}}}

    cursor = await cursor_from(api, key, filter=asking(1))
    for other in (True, "1", None):
        code, _ = await api.refusal(EVENTS, key, room="here", filter=asking(other), after=cursor)
        assert code == "INVALID_CURSOR"


async def test_a_cursor_of_another_type_or_level_is_refused(api: Api, key: str) -> None:
    cursor = await cursor_from(api, key)
    for query in (
        "query($c: String) { experiments(after: $c) { nodes { id } } }",
        "query($c: String) { experiments { nodes { events(after: $c) { nodes { id } } } } }",
        'query($c: String) { room(roomId: "here") { components(after: $c) { nodes { id } } } }',
        'query($c: String) { room(roomId: "here") { participants(before: $c) { nodes { id } } } }',
    ):
        code, _ = await api.refusal(query, key, c=cursor)
        assert code == "INVALID_CURSOR"


GARBAGE = ["", "x", "garbage", "é", "💥", "=", "null", "A" * 500_000, "A" * 500_001]
GARBAGE += map(cursor_of, ["ab", [], 5, {}, [[[]]], ["00000000", None, "a", 1]])


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
async def test_what_is_no_cursor_is_refused_briefly(
    api: Api, key: str, side: str, garbage: str
) -> None:
    code, message = await api.refusal(EXPERIMENTS, key, **{side: garbage})

    assert code == "INVALID_CURSOR"
    assert len(message) < 100
    assert "💥" not in message


@pytest.mark.parametrize("wrong", [None, True, 1.5, "1", [], {}, 2**64 - 1, -(2**70), 10**400])
async def test_a_cursor_whose_values_were_changed_is_refused(
    api: Api, key: str, wrong: object
) -> None:
    place = place_of(await cursor_from(api, key))
    for i in range(2, len(place)):
        tampered = orjson.dumps([*place[:i], "?", *place[i + 1 :]])
        text = tampered.replace(b'"?"', _json(wrong))
        code, _ = await api.refusal(
            EVENTS, key, room="here", after=urlsafe_b64encode(text).decode().rstrip("=")
        )
        assert code == "INVALID_CURSOR"


def _json(value: object) -> bytes:
    return str(value).encode() if type(value) is int else orjson.dumps(value)


RATINGS = """query($order: [ContinuousRatingOrder!], $after: String, $before: String) {
  room(roomId: "here") { continuousRatings(orderBy: $order, after: $after, before: $before) {
    edges { cursor node { ratingId } } } } }"""


async def ratings(api: Api, key: str, **asked: Any) -> list[dict[str, Any]]:
    data = await api.ask(RATINGS, key, **asked)
    edges: list[dict[str, Any]] = data["room"]["continuousRatings"]["edges"]
    return edges


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_a_cursor_holds_numbers_without_end_and_the_absence_of_one(
    api: Api, key: str, direction: str
) -> None:
    async with api.db.read() as tx:
        columns = col(Participant.id), col(Participant.experiment_key), col(Participant.room_key)
        place = (await tx.execute(select(*columns).order_by(col(Participant.id)))).first()
    assert place is not None
    person = Row(Participant, dict(zip(("id", "experiment_key", "room_key"), place, strict=True)))
    values = [None, float("inf"), 1e308, 5e-324, 0.0, -0.0, -1.5, float("-inf")]
    await save(api.db, *(a_continuous_rating(person, raw_value=value) for value in values))
    order = [{"field": "RAW_VALUE", "direction": direction}]
    edges = await ratings(api, key, order=order)

    for n, edge in enumerate(edges):
        assert await ratings(api, key, order=order, after=edge["cursor"]) == edges[n + 1 :]
        assert await ratings(api, key, order=order, before=edge["cursor"]) == edges[:n]


@pytest.mark.parametrize("wrong", [True, "1", "", "Infinity", "-nan", [], {}])
async def test_a_cursor_whose_number_is_none_is_refused(api: Api, key: str, wrong: object) -> None:
    order = [{"field": "VALUE"}]
    [edge, *_] = await ratings(api, key, order=order)
    fingerprint, parent, _, row = place_of(edge["cursor"])
    forged = cursor_of([fingerprint, parent, wrong, row])
    code, _ = await api.refusal(RATINGS, key, order=order, after=forged)
    assert code == "INVALID_CURSOR"


@pytest.mark.parametrize("number", [10**19, -(2**63), 5, -0.0])
async def test_a_cursor_may_say_a_number_in_any_way(api: Api, key: str, number: float) -> None:
    order = [{"field": "VALUE"}]
    edges = await ratings(api, key, order=order)
    fingerprint, parent, _, row = place_of(edges[0]["cursor"])
    forged = cursor_of([fingerprint, parent, number, row])
    found = await ratings(api, key, order=order, after=forged)
    assert found == [edge for edge in edges if number < 0.5]


async def test_a_cursor_that_is_cut_short_or_holds_half_a_character_is_refused(
    api: Api, key: str
) -> None:
    data = await api.ask(EXPERIMENTS, key)
    cursor = data["experiments"]["edges"][0]["cursor"]
    half = orjson.dumps(place_of(cursor)).replace(b"Faces", b"\\ud800")
    cut = [cursor[:n] for n in range(len(cursor))]
    for bad in [*cut, cursor + "AAAA", urlsafe_b64encode(half).decode()]:
        code, _ = await api.refusal(EXPERIMENTS, key, after=bad)
        assert code == "INVALID_CURSOR"


async def test_a_cursor_holds_though_its_row_is_gone(api: Api, key: str) -> None:
    cursor = await cursor_from(api, key)
    async with api.db.write() as tx:
        await tx.execute(delete(Event).where(col(Event.id) == place_of(cursor)[-1]))

    data = await api.ask(EVENTS, key, room="here", after=cursor)

    assert len(data["room"]["events"]["edges"]) == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("first: -1", "`first` must be from 0 to 1,000"),
        ("last: -1", "`last` must be from 0 to 1,000"),
        ("first: 1001", "`first` must be from 0 to 1,000"),
        ("last: 2147483647", "`last` must be from 0 to 1,000"),
        ("first: 1, last: 1", "not both"),
        ("orderBy: [{field: ONSET}, {field: TIMESTAMP}, {field: ONSET}]", "twice"),
    ],
)
async def test_a_page_that_cannot_be_is_refused_with_its_limit(
    api: Api, key: str, arguments: str, named: str
) -> None:
    query = '{ room(roomId: "here") { events(%s) { nodes { id } } } }'
    code, message = await api.refusal(query % arguments, key)
    assert (code, named in message) == ("BAD_USER_INPUT", True), message


@pytest.mark.parametrize("kind", RecordType)
async def test_each_type_has_its_own_largest_page(api: Api, key: str, kind: RecordType) -> None:
    query = '{ room(roomId: "here") { %s(first: %d) { nodes { id } } } }'
    most = 10_000 if kind.value.stem in ("continuous_ratings", "sync_metrics") else 1000

    await api.ask(query % (kind.value.name, most), key)
    code, message = await api.refusal(query % (kind.value.name, most + 1), key)

    assert code == "BAD_USER_INPUT"
    assert f"{most:,}" in message


@pytest.mark.parametrize(
    "kept",
    [
        '{timestamp: {gte: "2024-10-20T14:30:45"}}',
        '{timestamp: {lt: "yesterday"}}',
        "{timestamp: {gte: 1729434645123}}",
        '{timestamp: {gte: "99999-01-01T00:00:00Z"}}',
        "{onset: {gte: 2147483648}}",
        "{onset: {lt: -9223372036854775809}}",
        "{onset: {lt: 1.5}}",
        "{eventId: {in: [5]}}",
        "{eventId: {in: [null]}}",
        '{nothing: "x"}',
    ],
)
async def test_a_filter_that_cannot_be_is_refused(api: Api, key: str, kept: str) -> None:
    query = '{ room(roomId: "here") { events(filter: %s) { nodes { id } } } }'
    code, _ = await api.refusal(query % kept, key)
    assert code in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("2024-10-20T14:30:45", "does not say its time zone"),
        ("2024-10-20", "does not say its time zone"),
        ("yesterday", "is not ISO 8601"),
        (1729434645123, "must be text"),
        ([["x"]], "must be text"),
    ],
)
async def test_a_moment_in_a_variable_is_refused_with_the_reason(
    api: Api, key: str, when: object, reason: str
) -> None:
    query = "query($t: DateTime) { experiments(filter: {createdAt: {gte: $t}}) { totalCount } }"
    code, message = await api.refusal(query, key, t=when)
    assert (code, reason in message) == ("BAD_USER_INPUT", True), message
