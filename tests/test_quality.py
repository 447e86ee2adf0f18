"""Quality reports: what is wrong is named, once and by its right name, and nothing else is."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.records import RecordType
from server.resolvers.quality.checks import CHECKS
from server.resolvers.quality.completeness import EXPECTATIONS
from server.resolvers.quality.sampling import GAP_MS
from server.timestamps import iso, parse
from tests.conftest import Api, opened
from tests.factories import A_RECORD, START, Row
from tests.quality_sessions import ALL, FILM, Session, stored, told

pytestmark = pytest.mark.anyio

TRYING = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def api(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Api]:
    """The server over either kind of database, for all tests: each asks as an owner of its own."""
    async with opened(tmp_path_factory.mktemp("quality"), database_url=shared_url) as api:
        yield api


EVENTS, RATINGS, SYNC = RecordType.EVENTS, RecordType.CONTINUOUS_RATINGS, RecordType.SYNC_METRICS
RECORDINGS, COMPONENTS = RecordType.RECORDINGS, RecordType.COMPONENTS
COMPLETE = "component.complete"

SESSIONS = st.builds(
    Session,
    length=st.integers(15_000, 90_000),
    interval=st.sampled_from([250, 400, 1_000]),
    people=st.integers(1, 3),
    offset=st.integers(0, 200),
)


@TRYING
@given(sessions=st.lists(SESSIONS, min_size=1, max_size=4))
async def test_nothing_is_wrong_with_clean_sessions(api: Api, sessions: list[Session]) -> None:
    for session, found in zip(sessions, await told(api, *sessions), strict=True):
        assert found.codes == (["NO_SYNC_METRICS"] if session.people == 1 else [])
        assert {issue["severity"] for issue in found.issues} <= {"INFO"}
        for level in (found.experiment, found.room, *found.participants):
            assert level["quality"]["completeness"] == 1


@TRYING
@given(data=st.data())
async def test_samples_that_are_lost_in_the_middle_are_one_gap(
    api: Api, data: st.DataObject
) -> None:
    cases: list[tuple[Session, RecordType, list[Row], int, int]] = []
    for sampled in (RATINGS, SYNC) * 2:
        session = Session(interval=data.draw(st.sampled_from([250, 400, 1_000])))
        samples = session.of(sampled, 1)
        enough = GAP_MS // (samples[1]["onset"] - samples[0]["onset"])
        first = data.draw(st.integers(1, len(samples) - enough - 2))
        end = data.draw(st.integers(first + enough, len(samples) - 1))
        session.lose(sampled, samples[first:end])
        cases.append((session, sampled, samples, first, end))

    all_found = await told(api, *(session for session, *_ in cases))

    for (session, sampled, samples, first, end), found in zip(cases, all_found, strict=True):
        [issue] = found.issues
        assert _about(issue) == ("GAP", "WARNING", sampled.name, end - first)
        assert _span(issue) == (samples[first - 1]["timestamp"], samples[end]["timestamp"])
        assert issue["participant"]["participantId"] == session.seats[1]["participant_id"]


def _about(issue: dict[str, Any]) -> tuple[str, str, str | None, int]:
    return issue["code"], issue["severity"], issue["dataType"], issue["affectedCount"]


def _span(issue: dict[str, Any]) -> tuple[int, int]:
    return parse(issue["firstAt"]), parse(issue["lastAt"])


@TRYING
@given(data=st.data())
async def test_completeness_is_what_came_of_what_was_expected(
    api: Api, data: st.DataObject
) -> None:
    sessions = [(Session(people=3), sampled) for sampled in (RATINGS, SYNC)]
    for session, sampled in sessions:
        for seat in range(3):
            lost = data.draw(st.sets(st.integers(0, 119)))
            session.lose(sampled, [r for i, r in enumerate(session.of(sampled, seat)) if i in lost])
        for number in range(data.draw(st.integers(0, 200))):  # more than is expected of the host
            session.rows[sampled].append(A_RECORD[sampled](session.seats[0], onset=number))

    all_found = await told(api, *(session for session, _ in sessions))

    for (session, sampled), found in zip(sessions, all_found, strict=True):
        expected = session.length // (1_000 if sampled is SYNC else session.interval)
        of = range(1, 3) if sampled is SYNC else range(3)
        came = [min(len(session.of(sampled, seat)), expected) for seat in of]
        shown = found.summary[sampled.name]
        assert shown["expectedCount"] == expected * len(of)
        assert shown["completeness"] == pytest.approx(sum(came) / (expected * len(of)))
        for level in (found.experiment, found.room, *found.participants):
            assert 0 <= level["quality"]["completeness"] <= 1
            assert all(0 <= (one["completeness"] or 0) <= 1 for one in level["dataSummary"])


async def test_completeness_of_each_type_has_a_rule(api: Api) -> None:
    session, slow = Session(), Session(interval=250, states_interval=False)
    for row in session.rows[RecordType.SPARSE_RATINGS]:
        row["timed_out"] = row["participant_key"] == session.key(1)
    for row in session.rows[RECORDINGS]:
        row["storage_key"] = (
            row["storage_key"] if row["participant_key"] == session.key(0) else None
        )
    completed = [e for e in session.of(EVENTS, 1) if e["event_type"] == COMPLETE]
    session.lose(EVENTS, completed[:1])
    session.lose(COMPONENTS, session.of(COMPONENTS, 1)[:1])

    found, without_interval = await told(api, session, slow)

    assert {kind: (s["expectedCount"], s["completeness"]) for kind, s in found.summary.items()} == {
        "EVENTS": (8, 7 / 8),
        "RECORDINGS": (2, 1 / 2),
        "CHAT_MESSAGES": (None, None),
        "CONTINUOUS_RATINGS": (240, 1),
        "SPARSE_RATINGS": (2, 1 / 2),
        "SYNC_METRICS": (60, 1),
        "COMPONENTS": (6, 5 / 6),
    }
    mean = (7 / 8 + 1 / 2 + 1 + 1 / 2 + 1 + 5 / 6) / 6
    assert found.room["quality"]["completeness"] == pytest.approx(mean)
    shown = without_interval.summary[RATINGS.name]
    assert (shown["expectedCount"], shown["completeness"]) == (2 * 60_000 // 500, 1)


async def test_where_samples_are_missing(api: Api) -> None:
    short, long, silent, elsewhere = (Session() for _ in range(4))
    for session, seconds in ((short, 9), (long, 12)):
        begins, ends = FILM + seconds * 1_000, session.end - seconds * 1_000
        session.lose(RATINGS, [r for r in session.of(RATINGS, 0) if r["onset"] < begins])
        session.lose(RATINGS, [r for r in session.of(RATINGS, 1) if r["onset"] >= ends])
    for session in (silent, elsewhere):
        session.lose(RATINGS, session.of(RATINGS, 1))
    other_time = A_RECORD[RATINGS](elsewhere.seats[1], onset=-40_000)
    elsewhere.rows[RATINGS].append(other_time)

    found = await told(api, short, long, silent, elsewhere)

    assert found[0].codes == []
    assert found[1].codes == ["GAP", "GAP"]
    first, last = long.of(RATINGS, 0)[0]["timestamp"], long.of(RATINGS, 1)[-1]["timestamp"]
    spans = {(START + FILM, first), (last, START + long.end)}
    assert {_span(issue) for issue in found[1].issues} == spans
    assert {issue["affectedCount"] for issue in found[1].issues} <= {24, 25}
    for each in found[2:]:
        [issue] = each.issues
        assert _about(issue) == ("NO_SAMPLES", "ERROR", RATINGS.name, 120)
        assert _span(issue) == (START + FILM, START + FILM + 60_000)


async def test_who_is_not_there_to_the_end(api: Api) -> None:
    left, stayed, running, empty = (Session() for _ in range(4))
    left.seats[1] |= {"status": "DISCONNECTED", "completion_code": "ABANDONED"}
    until = FILM + 31_000
    for kind in RecordType:
        left.lose(kind, [row for row in left.of(kind, 1) if row["onset"] >= until])
        late = [row for row in running.rows[kind] if row["onset"] > running.end + 800]
        running.lose(kind, late)
        empty.lose(kind, empty.of(kind, 1))
    for row in left.of(COMPONENTS, 1):
        row["completed"] = row["onset"] < FILM
    stayed.seats[1]["status"] = "ACTIVE"
    running.room |= {"status": "ACTIVE", "end_time": None}
    for seat in running.seats:
        seat["status"] = "ACTIVE"
    for row in running.rows[RECORDINGS]:
        row |= {"status": "recording", "storage_key": None}
    for session in (left, stayed, running, empty):
        for seat in session.seats:
            seat.setdefault("completion_code", None)

    found = await told(api, left, stayed, running, empty)

    [issue] = found[0].issues
    assert _about(issue) == ("PARTICIPANT_NOT_FINISHED", "WARNING", None, 1)
    assert issue["likelyCause"] == "They closed the page before the end."
    last = max(left.of(kind, 1)[-1]["timestamp"] for kind in (RATINGS, SYNC))
    assert _span(issue) == (last, last)
    assert found[0].summary[RATINGS.name]["completeness"] == 1
    assert found[1].codes == ["PARTICIPANT_NOT_FINISHED"]
    assert found[2].codes == []
    assert [_about(issue) for issue in found[3].issues] == [("NO_DATA", "ERROR", None, 1)]


async def test_what_came_twice_under_two_ids_is_counted_as_too_many(api: Api) -> None:
    kinds = [kind for kind in RecordType if kind is not COMPONENTS]
    sessions = [Session() for _ in kinds]
    originals: list[Row] = []
    for session, kind in zip(sessions, kinds, strict=True):
        if not session.of(kind, 1):
            session.rows[kind].append(A_RECORD[kind](session.seats[1], onset=50))
        original = session.of(kind, 1)[-1]
        name = kind.value.model.identity[0]
        for copy in range(2):
            row = A_RECORD[kind](session.seats[1])
            row |= {**original, "id": row.key, name: f"{original[name]}_{copy}"}
            session.rows[kind].append(row)
        originals.append(original)
    different = Session()
    for seat in different.seats:
        for component in ("cmp_1", "cmp_2"):
            row = A_RECORD[RATINGS](seat, onset=different.end + 1, component_id=component)
            different.rows[RATINGS].append(row)

    *all_found, not_the_same = await told(api, *sessions, different)

    assert not_the_same.codes == []
    for kind, original, found in zip(kinds, originals, all_found, strict=True):
        [issue] = [each for each in found.issues if each["code"] != "RECORDING_LOST"]
        assert _about(issue) == ("DUPLICATE_RECORDS", "WARNING", kind.name, 2)
        assert _span(issue) == (original["timestamp"], original["timestamp"])


async def test_what_arrives_after_much_later_records_is_out_of_order(api: Api) -> None:
    swapped, late = Session(interval=100), Session(interval=100)
    for session, behind in ((swapped, 5), (late, 30)):
        samples = session.of(RATINGS, 1)
        moved = [*samples[45 : 45 + behind], *samples[40:45]]
        for key, row in zip(sorted(row.key for row in moved), moved, strict=True):
            row["id"] = key

    found = await told(api, swapped, late)

    assert found[0].codes == []
    [issue] = found[1].issues
    assert _about(issue) == ("OUT_OF_ORDER", "WARNING", RATINGS.name, 5)
    samples = late.of(RATINGS, 1)
    assert _span(issue) == (samples[40]["timestamp"], samples[44]["timestamp"])


async def test_a_clock_that_jumps_is_named_and_one_that_drifts_is_not(api: Api) -> None:
    jumps = (1_900, 2_100, -2_100)
    sessions = [Session() for _ in jumps]
    for session, by in zip(sessions, jumps, strict=True):
        for i, event in enumerate(session.of(EVENTS, 1)):
            event["client_timestamp"] += i * 300 + (by - 300 if i >= 4 else 0)

    drifting, *jumping = await told(api, *sessions)

    assert drifting.codes == []
    for session, found in zip(sessions[1:], jumping, strict=True):
        [issue] = found.issues
        assert _about(issue) == ("CLOCK_JUMP", "WARNING", EVENTS.name, 1)
        assert _span(issue) == (session.of(EVENTS, 1)[4]["timestamp"],) * 2
        assert "2.1 s" in issue["message"]


async def test_what_did_not_end_or_was_left_out(api: Api) -> None:
    stuck, last, skipped, late = (Session() for _ in range(4))
    for session in (stuck, last):
        lost = [e for e in session.of(EVENTS, 1) if e["component_id"] == "cmp_bye"][2:]
        assert [e["event_type"] for e in lost] == [COMPLETE]
        end = [e for e in session.of(EVENTS, 1) if e["event_type"] == "experiment.end"]
        session.lose(EVENTS, [*lost, *(end if session is last else [])])
    for session in (skipped, late):
        session.lose(COMPONENTS, session.of(COMPONENTS, 1)[:1])
    late.seats[1]["joined_at"] = START + 200

    found = await told(api, stuck, last, skipped, late)

    [issue] = found[0].issues
    assert _about(issue) == ("COMPONENT_NOT_COMPLETED", "WARNING", EVENTS.name, 1)
    assert "`cmp_bye`" in issue["message"]
    assert found[1].codes == []
    [issue] = found[2].issues
    assert _about(issue) == ("STATE_SKIPPED", "WARNING", COMPONENTS.name, 1)
    assert "`state_1`" in issue["message"]
    assert found[3].codes == []


async def test_what_became_of_recordings(api: Api) -> None:
    never, lost, fileless, failed, unrecorded = (Session() for _ in range(5))
    for session in (never, lost):
        session.lose(RECORDINGS, session.of(RECORDINGS, 1))
    for session, seats in ((never, [1]), (unrecorded, [0, 1])):
        for seat in seats:
            begun = [e for e in session.of(EVENTS, seat) if "recording" in e["event_type"]]
            session.lose(EVENTS, begun)
    fileless.of(RECORDINGS, 1)[0]["storage_key"] = None
    failed.of(RECORDINGS, 1)[0]["status"] = "failed"
    unrecorded.rows[RECORDINGS].clear()
    for row in unrecorded.rows[COMPONENTS]:
        row["config"] = {"record": False}

    *all_found, not_wanted = await told(api, never, lost, fileless, failed, unrecorded)

    assert not_wanted.codes == []
    codes = ["NO_RECORDINGS", "RECORDING_LOST", *["RECORDING_WITHOUT_FILE"] * 2]
    for code, found in zip(codes, all_found, strict=True):
        [issue] = found.issues
        assert _about(issue) == (code, "ERROR", RECORDINGS.name, 1)
        assert ("never given" in issue["likelyCause"]) == (code == "NO_RECORDINGS")
        shown = found.summary[RECORDINGS.name]
        assert (shown["expectedCount"], shown["completeness"]) == (2, 0.5)


BROKEN: list[tuple[RecordType, dict[str, Any], str | None]] = [
    (RATINGS, {"value": 1.01}, "OUT_OF_RANGE"),
    (RATINGS, {"value": -0.01}, "OUT_OF_RANGE"),
    (RATINGS, {"raw_value": 9, "scale_min": 1, "scale_max": 7}, "OFF_SCALE"),
    (RATINGS, {"raw_value": 0, "scale_min": 7, "scale_max": 1}, "OFF_SCALE"),
    (RecordType.SPARSE_RATINGS, {"raw_value": 8, "scale_min": 1, "scale_max": 7}, "OFF_SCALE"),
    (RecordType.SPARSE_RATINGS, {"response_time": -1}, "OUT_OF_RANGE"),
    (SYNC, {"sync_quality": 1.5}, "OUT_OF_RANGE"),
    (SYNC, {"latency": -3.0}, "OUT_OF_RANGE"),
    (EVENTS, {"duration": -1}, "OUT_OF_RANGE"),
    (RECORDINGS, {"end_time": START, "start_time": START + 1}, "ENDS_BEFORE_START"),
    *((kind, {"onset": -70_000, "timestamp": START}, "ONSET_DISAGREES") for kind in RecordType),
    (RATINGS, {"value": 1.0, "raw_value": 7, "scale_min": 7, "scale_max": 1}, None),
    (RATINGS, {"value": 0.0, "raw_value": 3, "scale_min": 1, "scale_max": None}, None),
    (RATINGS, {"raw_value": 1e300, "scale_min": -1e308, "scale_max": 1e308}, None),
    (RATINGS, {"raw_value": 5, "scale_min": float("-inf"), "scale_max": float("inf")}, None),
    (RecordType.SPARSE_RATINGS, {"raw_value": "9", "scale_min": 1, "scale_max": 7}, None),
]


async def test_records_that_break_a_rule_of_their_type_are_named(api: Api) -> None:
    sessions = [Session(length=11_000) for _ in BROKEN]
    records: list[Row] = []
    for session, (kind, changes, _) in zip(sessions, BROKEN, strict=True):
        record = A_RECORD[kind](session.seats[0], **{"onset": session.end + 20_000, **changes})
        session.rows[kind].append(record)
        records.append(record)

    all_found = await told(api, *sessions)

    for (kind, changes, code), record, found in zip(BROKEN, records, all_found, strict=True):
        named = [each for each in found.issues if each["severity"] == "ERROR"]
        lost = {"RECORDING_WITHOUT_FILE"}
        named = [each for each in named if each["code"] not in lost]
        assert [each["code"] for each in named] == ([code] if code else []), changes
        for issue in named:
            assert (issue["dataType"], issue["affectedCount"]) == (kind.name, 1)
            assert issue["firstAt"] == issue["lastAt"] == iso(record["timestamp"])


async def test_what_is_too_far_ahead_is_told_by_the_clock_of_the_moment(api: Api) -> None:
    """Statements are kept compiled: the moment must not be compiled with them."""
    owner = await stored(api, Session())
    key = await api.key_of(owner.key)
    named: list[bool] = []

    for moment in (START, START - 90_000_000, START + 1):
        with patch("server.resolvers.quality.reports.now", lambda moment=moment: moment):
            data = await api.ask(ALL, key)
        [shown] = data["experiments"]["nodes"]
        assert shown["quality"]["checkedAt"] == iso(moment)
        named.append(any(i["code"] == "IMPLAUSIBLE_TIME" for i in shown["quality"]["issues"]))

    assert named == [False, True, False]


async def test_the_worst_come_first_and_what_is_left_out_is_said(api: Api) -> None:
    session = Session(people=6)
    for seat in range(6):
        session.of(RATINGS, seat)[3]["value"] = 2.0
        for event in session.of(EVENTS, seat)[-seat:] if seat else ():
            event["client_timestamp"] += 60_000 * (1 + event["onset"])

    [found] = await told(api, session)
    with patch("server.resolvers.quality.reports.MOST_ISSUES", 4):
        data = await api.ask(ALL, await api.key_of(session.experiment["owner_key"]))
    [cut] = data["experiments"]["nodes"]

    assert [issue["severity"] for issue in found.issues] == ["ERROR"] * 6 + ["WARNING"] * 5
    assert not found.experiment["quality"]["truncated"]
    assert cut["quality"]["truncated"]
    assert cut["quality"]["issues"] == found.issues[:4]


async def test_the_number_of_statements_does_not_grow_with_the_number_of_rooms(api: Api) -> None:
    owner = await stored(api, *(Session(length=11_000) for _ in range(8)))
    key, counts = await api.key_of(owner.key), {}

    for experiments in (1, 8):
        query = ALL.replace("first: 100", f"first: {experiments}")
        with api.counting() as statements:
            data = await api.ask(query, key)
        nodes = data["experiments"]["nodes"]
        assert [node["quality"]["completeness"] for node in nodes] == [1] * experiments
        counts[experiments] = len(statements)

    assert counts[8] == counts[1]
    assert counts[1] < 3 * (len(CHECKS) + 2 * len(EXPECTATIONS) + 4)


def test_every_code_and_every_rule_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "quality.md").read_text()
    told_of = re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)
    assert sorted(told_of) == sorted({code for check in CHECKS for code in check.codes})
    for expectation in EXPECTATIONS:
        assert f"| {expectation.data_type.value.title} |" in page
