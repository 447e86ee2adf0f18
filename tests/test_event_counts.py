"""Event counts: how many of each kind, from when to when."""

import pytest

from tests.conftest import Api
from tests.factories import an_event
from tests.rollup_rooms import a_place

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


COUNTS = "{ kind count firstTimestamp lastTimestamp }"

KINDS = {
    "TYPE": "event_type",
    "CATEGORY": "category",
    "COMPONENT": "component_id",
    "STATE": "state_id",
}


@pytest.mark.parametrize("by", KINDS)
@pytest.mark.parametrize("level", ["participant", "room", "experiment"])
async def test_events_are_counted_by_kind(api: Api, by: str, level: str) -> None:
    place = await a_place(api, people=1)
    column = KINDS[by]
    [person] = place.people
    await place.save(
        *(an_event(person, **{column: "b"}, onset=onset) for onset in (-1_000, 1_000)),
        *(an_event(person, **{column: "c"}, onset=onset) for onset in (0, 2_000, 4_000)),
        an_event(person, **{column: "a"}, onset=5_000),
    )

    found = await place.ask(f"eventCounts(by: {by}) {COUNTS}", level)

    assert [(each["kind"], each["count"]) for each in found] == [("c", 3), ("b", 2), ("a", 1)]
    assert [each["firstTimestamp"] for each in found] == [
        "2024-10-20T14:30:45.123Z",
        "2024-10-20T14:30:44.123Z",
        "2024-10-20T14:30:50.123Z",
    ]
    assert [each["lastTimestamp"] for each in found] == [
        "2024-10-20T14:30:49.123Z",
        "2024-10-20T14:30:46.123Z",
        "2024-10-20T14:30:50.123Z",
    ]


async def test_events_that_name_none_are_a_kind_too(api: Api) -> None:
    place = await a_place(api, people=1)
    await place.save(an_event(place.people[0]), an_event(place.people[0], category=""))

    found = await place.ask("eventCounts(by: CATEGORY) { kind count }")

    assert found == [{"kind": None, "count": 1}, {"kind": "", "count": 1}]


async def test_counts_can_be_of_what_a_filter_keeps(api: Api) -> None:
    place = await a_place(api)
    events = [an_event(person, onset=n) for n in range(4) for person in place.people]
    await place.save(*events)
    who = place.people[0]["participant_id"]
    kept = f'{{onset: {{gte: 1}}, participantId: {{in: ["{who}"]}}}}'

    [found] = await place.ask(f"eventCounts(by: TYPE, filter: {kept}) {COUNTS}")

    assert found["count"] == 3
    assert await place.ask("eventCounts(by: TYPE, filter: {onset: {gte: 9}}) { kind }") == []
