"""The signals of the demo data: ratings, drift and clocks that look like measured ones."""

import sqlite3
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from server.demo.faults import ClockJump, SampleFault, Stopped
from server.demo.signals import LARGEST_STEP
from tests.demo_data import DYADS, rows, seats_with


def test_a_clock_of_its_own_runs_in_each_browser(demo: Path) -> None:
    spans = rows(
        demo,
        """SELECT min(client_timestamp - timestamp) AS least, max(client_timestamp - timestamp)
        AS most, participant_key FROM event GROUP BY participant_key""",
    )
    jumped = seats_with(demo, ClockJump)
    spans = [row for row in spans if row["participant_key"] not in jumped]
    assert all(row["most"] - row["least"] <= 30 for row in spans)
    assert all(0 < abs(row["most"]) < 2000 for row in spans)
    assert len({row["most"] for row in spans}) > len(spans) / 2


def test_those_who_follow_a_film_report_each_second_and_once_fall_far_behind(demo: Path) -> None:
    viewers = rows(
        demo,
        """SELECT p.id, p.role FROM participant p JOIN experiment e ON e.id = p.experiment_key
        WHERE e.experiment_id = ?""",
        DYADS,
    )
    stopped = seats_with(demo, Stopped)
    for viewer in viewers:
        if viewer["id"] in stopped:
            continue
        reports = rows(
            demo, "SELECT * FROM sync_metric WHERE participant_key = ? ORDER BY onset", viewer["id"]
        )
        if viewer["role"] == "host":
            assert not reports
            continue
        assert all(900 <= b["onset"] - a["onset"] <= 1100 for a, b in pairwise(reports))
        poor = [n for n, report in enumerate(reports) if abs(report["time_drift"]) > 500]
        assert len(poor) >= 5
        assert poor == list(range(poor[0], poor[-1] + 1))  # one stretch
        around = [abs(reports[n]["time_drift"]) for n in (0, poor[0] - 1, poor[-1] + 1, -1)]
        assert around[0] < 200 < around[1] < 500
        assert around[3] < 200 < around[2] < 500
        worst = reports[poor[len(poor) // 2]]
        assert worst["sync_quality"] < 0.5 < reports[0]["sync_quality"]


def test_only_films_that_two_watch_have_sync_metrics_and_playback_events(demo: Path) -> None:
    for statement in (
        "SELECT DISTINCT experiment_id FROM sync_metric x",
        "SELECT DISTINCT experiment_id FROM event x",
    ):
        where = "" if "sync" in statement else " WHERE event_type LIKE 'media.%'"
        found = rows(demo, f"{statement} JOIN experiment e ON e.id = x.experiment_key{where}")
        assert [row[0] for row in found] == [DYADS]
    kinds = rows(demo, "SELECT DISTINCT event_type FROM event WHERE event_type LIKE 'media.%'")
    assert {row[0] for row in kinds} == {
        f"media.{what}" for what in ("loaded", "play", "pause", "seek", "ended")
    }


def test_the_scanner_pulses_every_two_seconds(demo: Path) -> None:
    pulses = rows(
        demo,
        """SELECT participant_key, onset FROM event WHERE event_type = 'scanner_pulse'
        ORDER BY participant_key, onset""",
    )
    steps = [b[1] - a[1] for a, b in pairwise(pulses) if a[0] == b[0]]
    assert len(pulses) > 1000
    assert all(1990 <= step <= 2010 for step in steps)
    assert rows(demo, "SELECT id FROM event WHERE event_type = 'trigger'")


def ratings_of(demo: Path) -> list[sqlite3.Row]:
    return rows(
        demo,
        """SELECT x.*, r.room_id FROM continuous_rating x JOIN room r ON r.id = x.room_key
        ORDER BY participant_key, onset""",
    )


def test_ratings_come_each_250_ms_and_move_by_small_steps_within_the_scale(demo: Path) -> None:
    samples = ratings_of(demo)
    assert 40_000 <= len(samples) <= 60_000
    spoiled = seats_with(demo, SampleFault)
    samples = [each for each in samples if each["participant_key"] not in spoiled]
    steps = [
        (b["onset"] - a["onset"], abs(b["value"] - a["value"]))
        for a, b in pairwise(samples)
        if a["participant_key"] == b["participant_key"]
    ]
    usual = [moved for after, moved in steps if after < 300]
    assert len(usual) > 0.99 * len(steps)
    assert min(after for after, _ in steps) > 200
    assert max(usual) <= LARGEST_STEP + 0.002
    assert len(usual) < len(steps), "some samples should be missing"
    assert all(0 <= each["value"] <= 1 for each in samples)
    assert all(
        each["raw_value"] == pytest.approx(100 * each["value"], abs=0.06) for each in samples
    )
    assert {(each["scale_min"], each["scale_max"]) for each in samples} == {(0.0, 100.0)}


def test_ratings_resemble_each_other_within_a_room_more_than_across_rooms(demo: Path) -> None:
    series: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for each in ratings_of(demo):
        place = (each["room_id"], each["participant_key"])
        series.setdefault(place, []).append((each["onset"], each["value"]))
    grid = np.arange(60_000, 290_000, 250)
    curves = {
        place: np.interp(grid, *np.transpose(points))
        for place, points in series.items()
        if "dyad" in place[0]
    }
    within, across = list[float](), list[float]()
    for one, other in combinations(curves, 2):
        likeness = float(np.corrcoef(curves[one], curves[other])[0, 1])
        (within if one[0] == other[0] else across).append(likeness)
    assert np.mean(within) > 0.6
    assert abs(np.mean(across)) < 0.2
