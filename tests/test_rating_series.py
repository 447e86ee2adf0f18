"""Rating series: samples in buckets, against the same done by hand."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import inf, isinf
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.resolvers import rating_series
from tests.conftest import Api
from tests.factories import a_continuous_rating, a_participant, a_room, save
from tests.rollup_rooms import Place, a_place
from tests.studies import ASKING

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


LINE = "roomId participantId componentId onset count missing min max mean"
SERIES = f"{{ start bucketMs lines {{ {LINE} }} }}"

ONSETS = st.integers(-5_000, 5_000) | st.sampled_from([-1, 0, 1, -(1 << 31), (1 << 31) - 1])
VALUES = st.none() | st.floats(0, 1) | st.sampled_from([0.0, 1.0, inf, -inf])
SAMPLES = st.lists(
    st.tuples(ONSETS, VALUES, st.integers(0, 1), st.sampled_from([None, "cmp_a", "cmp_b"])),
    max_size=30,
)


async def rated(place: Place, samples: Sequence[tuple[int, float | None, int, str | None]]) -> None:
    await place.save(
        *(
            a_continuous_rating(place.people[who], onset=onset, value=value, component_id=component)
            for onset, value, who, component in samples
        )
    )


def width_of(samples: Sequence[tuple[int, float | None, int, str | None]], points: int) -> int:
    """Return how many milliseconds a bucket is wide."""
    onsets = [onset for onset, *_ in samples]
    return -(-(max(onsets) - min(onsets) + 1) // points) if onsets else 0


def by_hand(
    place: Place, samples: Sequence[tuple[int, float | None, int, str | None]], points: int
) -> dict[str, Any]:
    """Return the series of all samples, made without a database."""
    if not samples:
        return {"start": None, "bucketMs": None, "lines": []}
    start, width = min(s[0] for s in samples), width_of(samples, points)
    buckets: dict[tuple[int, str], dict[int, list[float | None]]] = defaultdict(dict)
    for onset, value, who, component in samples:
        buckets[who, component or ""].setdefault((onset - start) // width, []).append(value)
    lines = []
    for (who, component), line in sorted(buckets.items()):
        numbers = {
            i: [v for v in values if v is not None and not isinf(v)] for i, values in line.items()
        }
        order = sorted(line)
        lines.append(
            {
                "roomId": place.room["room_id"],
                "participantId": place.people[who]["participant_id"],
                "componentId": component or None,
                "onset": [start + i * width for i in order],
                "count": [len(numbers[i]) for i in order],
                "missing": [len(line[i]) - len(numbers[i]) for i in order],
                "min": [min(numbers[i], default=None) for i in order],
                "max": [max(numbers[i], default=None) for i in order],
                "mean": [
                    pytest.approx(sum(numbers[i]) / len(numbers[i])) if numbers[i] else None
                    for i in order
                ],
            }
        )
    return {"start": start, "bucketMs": width, "lines": lines}


@ASKING
@given(samples=SAMPLES, points=st.integers(2, 40) | st.just(5_000))
async def test_a_series_is_what_its_samples_come_to(
    api: Api, samples: list[tuple[int, float | None, int, str | None]], points: int
) -> None:
    assume(width_of(samples, points) < 1 << 31)
    place = await a_place(api)
    await rated(place, samples)

    for level in ("room", "experiment"):
        found = await place.ask(f"ratingSeries(points: {points}) {SERIES}", level)
        assert found == by_hand(place, samples, points)
    own = await place.ask(f"ratingSeries(points: {points}) {SERIES}", "participant", 1)
    assert own == by_hand(place, [sample for sample in samples if sample[2] == 1], points)


async def test_a_bucket_of_more_than_the_api_can_say_is_refused(api: Api) -> None:
    place = await a_place(api)
    await rated(place, [(-(1 << 31), 0.5, 0, None), ((1 << 31) - 1, 0.5, 0, None)])
    asked = f"{{ {place.at('room')} {{ ratingSeries(points: 2) {SERIES} }} }}"

    assert await api.refusal(asked, place.key) == (
        "BAD_USER_INPUT",
        "That is too long a time: give `from` and `to`.",
    )


async def test_buckets_are_half_open_and_begin_where_the_range_does(api: Api) -> None:
    place = await a_place(api, people=1)
    await rated(place, [(onset, 0.5, 0, None) for onset in (-101, -100, -1, 0, 99, 100, 300)])

    found = await place.ask(f"ratingSeries(from: -100, to: 300, points: 4) {SERIES}")

    assert (found["start"], found["bucketMs"]) == (-100, 100)
    [line] = found["lines"]
    assert (line["onset"], line["count"]) == ([-100, 0, 100], [2, 2, 1])


async def test_a_range_without_samples_has_buckets_but_no_lines(api: Api) -> None:
    place = await a_place(api)

    assert await place.ask(f"ratingSeries(from: -10, to: 11, points: 4) {SERIES}") == {
        "start": -10,
        "bucketMs": 6,
        "lines": [],
    }
    assert await place.ask(f"ratingSeries(from: -10) {SERIES}") == {
        "start": -10,
        "bucketMs": None,
        "lines": [],
    }


async def test_a_series_can_be_of_one_component_and_of_what_a_filter_keeps(api: Api) -> None:
    place = await a_place(api)
    await rated(place, [(n * 10, n / 10, n % 2, f"cmp_{n % 3}") for n in range(10)])
    who = place.people[1]["participant_id"]
    kept = f'componentId: "cmp_1", points: 1, filter: {{participantId: {{in: ["{who}"]}}}}'

    [line] = (await place.ask(f"ratingSeries({kept}) {SERIES}"))["lines"]

    assert (line["componentId"], line["count"]) == ("cmp_1", [2])
    assert (line["min"], line["max"], line["mean"]) == ([0.1], [0.7], [pytest.approx(0.4)])
    assert line["onset"] == [10]


async def test_participants_can_be_drawn_as_one_line(api: Api) -> None:
    place = await a_place(api, people=3)
    await rated(place, [(n, n / 10, n % 3, "cmp_1") for n in range(9)])

    [line] = (await place.ask(f"ratingSeries(points: 3, pooled: true) {SERIES}"))["lines"]

    assert (line["roomId"], line["participantId"], line["componentId"]) == (None, None, "cmp_1")
    assert (line["onset"], line["count"], line["min"]) == ([0, 3, 6], [3, 3, 3], [0, 0.3, 0.6])


async def test_each_of_many_rooms_has_buckets_of_its_own(api: Api) -> None:
    place = await a_place(api)
    await rated(place, [(0, 0.5, 0, None), (999, 0.5, 0, None)])
    await save(api.db, *(rooms := [a_room(place.experiment) for _ in range(2)]))
    await save(api.db, *(people := [a_participant(room) for room in rooms]))
    await place.save(*(a_continuous_rating(people[1], onset=onset) for onset in (-50, -11)))
    series = f"ratingSeries(points: 10) {SERIES}"
    query = f"{{ {place.at('experiment')} {{ rooms {{ nodes {{ roomId {series} }} }} }} }}"

    nodes = (await api.ask(query, place.key))["experiment"]["rooms"]["nodes"]

    found = {node["roomId"]: node["ratingSeries"] for node in nodes}
    starts = [found[room["room_id"]]["start"] for room in (place.room, *rooms)]
    widths = [found[room["room_id"]]["bucketMs"] for room in (place.room, *rooms)]
    assert (starts, widths) == ([0, None, -50], [100, None, 4])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("points: 0", "`points` must be from 1 to 5,000"),
        ("points: 5001", "it is 5,001"),
        ("from: 5, to: 5", "`from` must be before `to`"),
        ("from: 6, to: -5", "6 is not before -5"),
    ],
)
async def test_a_silly_question_is_refused(api: Api, arguments: str, said: str) -> None:
    place = await a_place(api)

    code, message = await place.refusal(f"ratingSeries({arguments}) {SERIES}")

    assert code == "BAD_USER_INPUT"
    assert said in message


async def test_what_is_too_much_to_draw_is_refused_and_takes_nothing_else_along(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rating_series, "BUCKETS", replace(rating_series.BUCKETS, most=3))
    place = await a_place(api)
    await rated(place, [(n, 0.5, 0, None) for n in range(4)])
    query = f"""{{ place: {place.at("room")} {{
      few: ratingSeries(points: 3) {SERIES} many: ratingSeries(points: 4) {SERIES} }} }}"""

    answer = (await api.post(query, place.key)).json()

    [error] = answer["errors"]
    assert error["path"] == ["place", "many"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "more than 3 buckets: ask for fewer `points`" in error["message"]
    few = f"ratingSeries(points: 3) {SERIES}"
    assert len((await place.ask(few))["lines"][0]["onset"]) == 2
