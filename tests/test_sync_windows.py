"""Sync windows: drift and quality window by window, against the same done by hand."""

from collections import defaultdict
from math import inf, isinf
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Api
from tests.factories import a_sync_metric
from tests.rollup_rooms import Place, a_place
from tests.studies import ASKING

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


WINDOWS = """{ roomId participantId onset count missing meanDrift meanAbsoluteDrift
  maxAbsoluteDrift meanQuality band }"""

DRIFTS = st.none() | st.floats(-1_000, 1_000) | st.sampled_from([100.0, -100.0, 500.0, inf, -inf])
Metrics = list[tuple[int, float | None, float | None, int]]
"""Onset, drift, quality, and whose."""

METRICS: st.SearchStrategy[Metrics] = st.lists(
    st.tuples(st.integers(-5_000, 5_000), DRIFTS, st.none() | st.floats(0, 1), st.integers(0, 1)),
    max_size=30,
)


async def measured(place: Place, metrics: Metrics) -> None:
    await place.save(
        *(
            a_sync_metric(place.people[who], onset=onset, time_drift=drift, sync_quality=quality)
            for onset, drift, quality, who in metrics
        )
    )


@ASKING
@given(metrics=METRICS, window=st.integers(1, 4_000))
async def test_a_window_is_what_its_measurements_come_to(
    api: Api, metrics: Metrics, window: int
) -> None:
    place = await a_place(api)
    await measured(place, metrics)

    for level in ("room", "experiment"):
        found = await place.ask(f"syncWindows(windowMs: {window}) {WINDOWS}", level)

        people = sorted({metric[3] for metric in metrics})
        assert [each["participantId"] for each in found] == [
            place.people[who]["participant_id"] for who in people
        ]
        for who, shown in zip(people, found, strict=True):
            whole = defaultdict[int, list[tuple[float | None, float | None]]](list)
            for onset, drift, quality, person in metrics:
                if person == who:
                    whole[onset // window * window].append((drift, quality))
            assert shown["roomId"] == place.room["room_id"]
            assert shown["onset"] == sorted(whole)
            for i, onset in enumerate(sorted(whole)):
                drifts = [d for d, _ in whole[onset] if d is not None and not isinf(d)]
                sizes = [abs(d) for d in drifts]
                qualities = [q for _, q in whole[onset] if q is not None]
                assert shown["count"][i] == len(whole[onset])
                assert shown["missing"][i] == len(whole[onset]) - len(drifts)
                assert shown["meanDrift"][i] == mean(drifts)
                assert shown["meanAbsoluteDrift"][i] == mean(sizes)
                assert shown["maxAbsoluteDrift"][i] == max(sizes, default=None)
                assert shown["meanQuality"][i] == mean(qualities)


def mean(numbers: list[float]) -> Any:
    return pytest.approx(fmean(numbers), rel=1e-9, abs=1e-9) if numbers else None


async def test_a_band_is_that_of_the_mean_size_of_the_drift(api: Api) -> None:
    place = await a_place(api, people=1)
    drifts = [(0, -99.0), (0, 99.0), (1, -100.0), (2, 400.0), (2, -600.0), (3, 500.5), (4, inf)]
    await measured(place, [(second * 1_000, drift, 1.0, 0) for second, drift in drifts])

    [windows] = await place.ask(f"syncWindows(windowMs: 1000) {WINDOWS}", "participant")

    assert windows["band"] == ["GOOD", "ACCEPTABLE", "ACCEPTABLE", "POOR", None]


async def test_windows_can_be_of_a_range(api: Api) -> None:
    place = await a_place(api, people=1)
    await measured(place, [(onset, 1.0, 1.0, 0) for onset in (-1_001, -1_000, 0, 999, 1_000)])

    [windows] = await place.ask(f"syncWindows(windowMs: 1000, from: -1000, to: 1000) {WINDOWS}")

    assert (windows["onset"], windows["count"]) == ([-1_000, 0], [1, 2])
    assert await place.ask(f"syncWindows(windowMs: 1000, from: 1001) {WINDOWS}") == []


@pytest.mark.parametrize("width", [0, -1, 86_400_001])
async def test_a_silly_window_is_refused(api: Api, width: int) -> None:
    place = await a_place(api)

    code, message = await place.refusal(f"syncWindows(windowMs: {width}) {WINDOWS}")

    assert code == "BAD_USER_INPUT"
    assert "`windowMs` must be from 1 to 86,400,000 ms" in message
