"""Aligned ratings: one time grid for all in a room, against the same done by hand."""

from collections.abc import Sequence
from math import ceil, inf
from operator import itemgetter
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Api
from tests.factories import a_continuous_rating, a_participant, a_room, save
from tests.rollup_rooms import Place, a_place
from tests.studies import ASKING

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


SAMPLES = st.lists(
    st.tuples(
        st.integers(-3_000, 3_000),
        st.none() | st.floats(0, 1) | st.sampled_from([inf, -inf]),
        st.integers(0, 2),
    ),
    max_size=40,
)
RANGES = st.tuples(*[st.none() | st.integers(-3_500, 3_500)] * 2).filter(
    lambda ends: None in ends or ends[0] < ends[1]
)

Samples = list[tuple[int, float | None, int]]
"""Onset, value, and who gave it."""


async def rated(place: Place, samples: Samples) -> None:
    await place.save(
        *(
            a_continuous_rating(place.people[who], onset=onset, value=value, component_id="cmp_1")
            for onset, value, who in samples
        ),
        a_continuous_rating(place.people[0], onset=-9_999, value=0.9, component_id="cmp_2"),
    )


def asked(**arguments: object) -> str:
    given = {"componentId": '"cmp_1"', **arguments}
    text = ", ".join(f"{k}: {'null' if v is None else v}" for k, v in given.items())
    return f"alignedRatings({text}) {{ onset participants {{ participantId value gap }} }}"


def usable(samples: Samples) -> list[tuple[int, float, int]]:
    return [(onset, value, who) for onset, value, who in samples if value not in (None, inf, -inf)]


def grid_by_hand(
    counting: Sequence[int], every: int, start: int | None, end: int | None
) -> list[int]:
    """Return the points of a grid, given those at which samples begin to count."""
    if not counting and None in (start, end):
        return []
    first = min(counting) if start is None else start
    return list(range(first, max(counting) + 1 if end is None else end, every))


@ASKING
@given(samples=SAMPLES, every=st.integers(50, 2_000), ends=RANGES, held=st.integers(0, 4_000))
async def test_a_sample_is_held_until_the_next_one_or_until_it_is_too_old(
    api: Api, samples: Samples, every: int, ends: tuple[int | None, int | None], held: int
) -> None:
    (start, end), place = ends, await a_place(api, people=3)
    await rated(place, samples)
    origin, earliest = start or 0, -inf if start is None else start - held
    within = [s for s in usable(samples) if earliest <= s[0] < (inf if end is None else end)]
    counting = [origin + every * ceil((onset - origin) / every) for onset, _, _ in within]
    points = grid_by_hand([max(each, start or each) for each in counting], every, start, end)

    found = await place.ask(asked(everyMs=every, **{"from": start}, to=end, maxGapMs=held))

    assert found["onset"] == points
    for who, person in enumerate(found["participants"]):
        own = sorted((s for s in within if s[2] == who), key=itemgetter(0))
        before = [[s for s in own if s[0] <= point] for point in points]
        expected = [
            last[-1][1] if last and point - last[-1][0] <= held else None
            for point, last in zip(points, before, strict=True)
        ]
        assert person["participantId"] == place.people[who]["participant_id"]
        assert person["value"] == expected
        assert person["gap"] == [value is None for value in expected]


@ASKING
@given(samples=SAMPLES, every=st.integers(50, 2_000), ends=RANGES)
async def test_a_mean_is_of_the_samples_from_a_point_to_the_next(
    api: Api, samples: Samples, every: int, ends: tuple[int | None, int | None]
) -> None:
    (start, end), place = ends, await a_place(api, people=3)
    await rated(place, samples)
    low, high = -inf if start is None else start, inf if end is None else end
    within = [s for s in usable(samples) if low <= s[0] < high]
    bins = [(start or 0) + (s[0] - (start or 0)) // every * every for s in within]
    points = grid_by_hand(bins, every, start, end)

    found = await place.ask(asked(everyMs=every, **{"from": start}, to=end, rule="MEAN"))

    assert found["onset"] == points
    for who, person in enumerate(found["participants"]):
        for point, value, gap in zip(points, person["value"], person["gap"], strict=True):
            own = [s[1] for s in within if s[2] == who and point <= s[0] < point + every]
            assert value == (pytest.approx(fmean(own)) if own else None)
            assert gap == (not own)


async def test_a_sample_from_before_the_range_is_held_into_it(api: Api) -> None:
    place = await a_place(api, people=1)
    await rated(place, [(-450, 0.1, 0), (-250, 0.2, 0), (-249, 0.3, 0), (150, 0.4, 0)])
    held = {"everyMs": 100, "from": 0, "to": 600, "maxGapMs": 300}

    found = await place.ask(asked(**held))
    without = await place.ask(asked(**held, rule="MEAN"))

    assert found["participants"][0]["value"] == [0.3, None, 0.4, 0.4, 0.4, None]
    assert without["participants"][0]["value"] == [None, 0.4, *[None] * 4]


async def test_a_grid_is_bounded_even_where_nobody_was(api: Api) -> None:
    place = await a_place(api)
    empty = a_room(place.experiment)
    await save(api.db, empty)
    field = asked(everyMs=1, **{"from": -(1 << 31), "to": (1 << 31) - 1})
    query = f'{{ room(roomId: "{empty["room_id"]}") {{ {field} }} }}'

    assert (await api.refusal(query, place.key))[0] == "BAD_USER_INPUT"


async def test_of_samples_at_one_moment_the_last_to_arrive_counts(api: Api) -> None:
    place = await a_place(api, people=1)
    await rated(place, [(100, 0.1, 0), (100, 0.3, 0), (100, 0.2, 0), (90, 0.9, 0)])

    found = await place.ask(asked(everyMs=100))

    assert (found["onset"], found["participants"][0]["value"]) == ([100], [0.2])


async def test_who_gave_no_sample_is_all_gap(api: Api) -> None:
    place = await a_place(api, people=2)
    await rated(place, [(0, 0.1, 0), (100, 0.2, 0)])

    found = await place.ask(asked(everyMs=100))

    assert found["participants"][1] == {
        "participantId": place.people[1]["participant_id"],
        "value": [None, None],
        "gap": [True, True],
    }
    nothing: dict[str, Any] = {"onset": [], "participants": [{"value": [], "gap": []}] * 2}
    other = asked(componentId='"none"', everyMs=100).replace("participantId", "")
    assert await place.ask(other) == nothing


async def test_rooms_side_by_side_have_grids_of_their_own_that_line_up(api: Api) -> None:
    place = await a_place(api, people=1)
    await rated(place, [(-250, 0.1, 0), (-50, 0.2, 0)])
    room = a_room(place.experiment)
    person = a_participant(room)
    late = a_continuous_rating(person, onset=1_001, value=0.5, component_id="cmp_1")
    await save(api.db, room, person, late)
    query = f"{{ {place.at('experiment')} {{ rooms {{ nodes {{ {asked(everyMs=100)} }} }} }} }}"

    nodes = (await api.ask(query, place.key))["experiment"]["rooms"]["nodes"]

    assert [node["alignedRatings"]["onset"] for node in nodes] == [[-200, -100, 0], [1_100]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"everyMs": 0}, "`everyMs` must be from 1 to 3,600,000 ms; it is 0"),
        ({"everyMs": 3_600_001}, "3,600,001"),
        ({"everyMs": 1, "maxGapMs": -1}, "`maxGapMs` must be from 0"),
        ({"everyMs": 1, "from": 1, "to": 1}, "`from` must be before `to`"),
        ({"everyMs": 1, "from": -(1 << 31), "to": (1 << 31) - 1}, "more than 250,000 values"),
        ({"everyMs": 1, "from": 0, "to": 125_001}, "give a larger `everyMs`"),
    ],
)
async def test_a_silly_question_is_refused(api: Api, arguments: dict[str, Any], said: str) -> None:
    place = await a_place(api)

    code, message = await place.refusal(asked(**arguments))

    assert code == "BAD_USER_INPUT"
    assert said in message
