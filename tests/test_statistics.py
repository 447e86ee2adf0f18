"""Statistics of sparse ratings, against NumPy and the standard library."""

import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.resolvers import statistics as resolver
from tests.conftest import Api
from tests.factories import a_participant, a_room, a_sparse_rating, save
from tests.rollup_rooms import Place, a_place
from tests.studies import ASKING

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


NUMBERS = "n missing other mean sd min q1 median q3 max"

NUMERIC = (
    st.integers(-10, 10)
    | st.floats(-1e6, 1e6)
    | st.sampled_from([0, -0.0, 1e-300, 1e-99, 1e100, -1e100, 1 << 70, 12345678901234567890])
)
OTHER = st.sampled_from(
    ["", "4", "1e5", "null", True, False, [], [1], {}, {"value": 3}, 10**101, -(10**400)]
)


def by_hand(values: list[Any]) -> dict[str, Any]:
    """Return what some values come to."""
    numbers = [
        float(v) if abs(v) >= 1e-100 else 0.0
        for v in values
        if type(v) in (int, float) and abs(v) <= 1e100
    ]
    missing = values.count(None)
    found: dict[str, Any] = dict.fromkeys(NUMBERS.split())
    found |= {
        "n": len(numbers),
        "missing": missing,
        "other": len(values) - missing - len(numbers),
    }
    if numbers:
        size = max(map(abs, numbers))
        quartiles = np.quantile(numbers, [0, 0.25, 0.5, 0.75, 1])
        found |= {
            name: pytest.approx(float(value), rel=1e-9, abs=size * 1e-12)
            for name, value in zip(("min", "q1", "median", "q3", "max"), quartiles, strict=True)
        }
        found["mean"] = pytest.approx(statistics.fmean(numbers), rel=1e-9, abs=size * 1e-12)
    if len(numbers) > 1:
        found["sd"] = pytest.approx(statistics.stdev(numbers), rel=1e-9, abs=size * 1e-12)
    return found


async def answered(place: Place, values: list[Any], **columns: Any) -> None:
    await place.save(*(a_sparse_rating(place.people[0], value=v, **columns) for v in values))


@ASKING
@given(groups=st.lists(st.lists(st.none() | NUMERIC | OTHER, max_size=12), max_size=3))
async def test_statistics_are_those_of_numpy(api: Api, groups: list[list[Any]]) -> None:
    place = await a_place(api, people=1)
    for i, values in enumerate(groups):
        await answered(place, values, dimension=f"dimension {i}")

    for level in ("participant", "room", "experiment"):
        found = await place.ask(f"statistics(groupBy: DIMENSION) {{ dimension {NUMBERS} }}", level)
        assert found == [
            {"dimension": f"dimension {i}", **by_hand(values)}
            for i, values in enumerate(groups)
            if values
        ]
    whole = [value for values in groups for value in values]
    found = await place.ask(f"statistics(groupBy: []) {{ {NUMBERS} }}")
    assert found == ([by_hand(whole)] if whole else [])


async def test_a_small_spread_about_a_large_mean_is_not_lost(api: Api) -> None:
    place = await a_place(api, people=1)
    await answered(place, [1e9 + 1, 1e9 + 2, 1e9 + 3])

    [found] = await place.ask("statistics(groupBy: []) { sd median }")

    assert found == {"sd": 1, "median": 1e9 + 2}


async def test_answers_are_grouped_by_several_keys_and_by_what_names_none(api: Api) -> None:
    place = await a_place(api, people=1)
    await answered(place, [1, 2], dimension="valence", question="How?", stimulus_id="a")
    await answered(place, [3], dimension="valence", question="Why?", stimulus_id="a")
    await answered(place, [4], dimension=None, question="How?", component_id="cmp_1")

    keys = "[DIMENSION, QUESTION]"
    found = await place.ask(
        f"statistics(groupBy: {keys}) {{ dimension question stimulusId n mean }}"
    )

    assert found == [
        {"dimension": None, "question": "How?", "stimulusId": None, "n": 1, "mean": 4},
        {"dimension": "valence", "question": "How?", "stimulusId": None, "n": 2, "mean": 1.5},
        {"dimension": "valence", "question": "Why?", "stimulusId": None, "n": 1, "mean": 3},
    ]
    twice = "statistics(groupBy: [COMPONENT, COMPONENT]) { componentId n }"
    assert await place.ask(twice) == [
        {"componentId": None, "n": 3},
        {"componentId": "cmp_1", "n": 1},
    ]


async def test_a_person_in_two_rooms_is_one_participant_there(api: Api) -> None:
    place = await a_place(api, people=1)
    room = a_room(place.experiment)
    again = a_participant(room, participant_id=place.people[0]["participant_id"])
    await save(api.db, room, again, a_sparse_rating(again, value=5))
    await answered(place, [1])

    found = await place.ask(
        "statistics(groupBy: PARTICIPANT) { participantId n mean }", "experiment"
    )
    by_room = await place.ask("statistics(groupBy: ROOM) { roomId mean }", "experiment")

    assert found == [{"participantId": place.people[0]["participant_id"], "n": 2, "mean": 3}]
    rooms = [(place.room["room_id"], 1), (room["room_id"], 5)]
    assert by_room == [{"roomId": id_, "mean": mean} for id_, mean in sorted(rooms)]


async def test_statistics_can_be_of_what_a_filter_keeps(api: Api) -> None:
    place = await a_place(api, people=1)
    await place.save(*(a_sparse_rating(place.people[0], value=n, onset=n) for n in range(-3, 3)))

    [found] = await place.ask("statistics(groupBy: [], filter: {onset: {lt: 0}}) { n min max }")

    assert found == {"n": 3, "min": -3, "max": -1}


async def test_too_many_groups_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "GROUPS", replace(resolver.GROUPS, most=2))
    place = await a_place(api, people=1)
    for n in range(3):
        await answered(place, [n], question=str(n))

    code, message = await place.refusal("statistics(groupBy: QUESTION) { n }")

    assert code == "BAD_USER_INPUT"
    assert "more than 2 groups: group by fewer keys" in message
