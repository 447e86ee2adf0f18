"""The demo data keep their promises: deterministic, whole, and shaped like real data."""

import asyncio
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import wave
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server import timestamps
from server.db import Database
from server.demo import DemoPeople, fill
from server.demo.signals import LARGEST_STEP
from server.errors import BadUserInput
from server.migrate import migrate
from server.records import RecordType

FILM = "cmp_dyadvideo01_film"
DYADS = "exp_dyadvideo01"
TABLES = [str(each.value.model.__tablename__) for each in RecordType]
INDEXES = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"


def filled(
    folder: Path, *, scale: int = 1, seed: int = 1, storage: Path | None = None
) -> DemoPeople:
    """Migrate and fill a new database in a folder."""

    async def make() -> DemoPeople:
        db = Database(f"sqlite+aiosqlite:///{folder / 'demo.db'}")
        try:
            await migrate(db)
            return await fill(db, storage or folder, scale=scale, seed=seed)
        finally:
            await db.close()

    return asyncio.run(make())


def rows(folder: Path, statement: str, *values: object) -> list[sqlite3.Row]:
    connection = sqlite3.connect(folder / "demo.db")
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def dump(folder: Path) -> str:
    connection = sqlite3.connect(folder / "demo.db")
    try:
        return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()
    finally:
        connection.close()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "recordings").iterdir()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    filled(folder)
    return folder


def test_the_same_seed_gives_the_same_rows_and_files_in_another_process(
    demo: Path, tmp_path: Path
) -> None:
    again = "import sys, pathlib, tests.test_demo_data as it; it.filled(pathlib.Path(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", again, str(tmp_path)],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        check=True,
    )
    assert dump(tmp_path) == dump(demo)
    assert files(tmp_path) == files(demo)


def test_another_seed_gives_other_people(demo: Path, tmp_path: Path) -> None:
    filled(tmp_path, seed=2)
    ids = "SELECT participant_id FROM participant"
    here, there = ({row[0] for row in rows(folder, ids)} for folder in (demo, tmp_path))
    assert not here & there


def test_there_are_three_experiments_of_one_two_and_four_in_a_room(demo: Path) -> None:
    found = rows(
        demo,
        """SELECT e.experiment_id, e.status, count(DISTINCT r.id) AS rooms,
        count(*) * 1.0 / count(DISTINCT r.id) AS seats FROM experiment e
        JOIN room r ON r.experiment_key = e.id JOIN participant p ON p.room_key = r.id
        GROUP BY e.id""",
    )
    assert {row["experiment_id"] for row in found} == {DYADS, "exp_groupchat01", "exp_solorating01"}
    assert {row["status"] for row in found} == {"ACTIVE", "COMPLETED", "ARCHIVED"}
    assert {row["seats"] for row in found} == {1, 2, 4}
    assert sum(row["rooms"] for row in found) >= 12


def test_the_scale_multiplies_the_rooms_of_two_and_all_that_is_in_them(
    demo: Path, tmp_path: Path
) -> None:
    filled(tmp_path, scale=3)
    count = "SELECT count(*) FROM room WHERE room_id LIKE 'room_dyadvideo01_%'"
    assert rows(tmp_path, count)[0][0] == 3 * rows(demo, count)[0][0]
    in_dyads = """SELECT count(*) FROM continuous_rating x JOIN experiment e
        ON e.id = x.experiment_key WHERE e.experiment_id = 'exp_dyadvideo01'"""
    assert rows(tmp_path, in_dyads)[0][0] > 3 * rows(demo, in_dyads)[0][0]
    assert not rows(tmp_path, "PRAGMA foreign_key_check")


def test_every_record_belongs_to_a_participant_and_every_index_is_back(
    demo: Path, tmp_path: Path
) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'demo.db'}")

    async def make() -> None:
        await migrate(db)
        await db.close()

    asyncio.run(make())
    assert not rows(demo, "PRAGMA foreign_key_check")
    assert rows(demo, "PRAGMA integrity_check")[0][0] == "ok"
    assert [tuple(r) for r in rows(demo, INDEXES)] == [tuple(r) for r in rows(tmp_path, INDEXES)]


def test_public_ids_have_their_form_and_none_comes_twice(demo: Path) -> None:
    for table, column, prefix in (
        ("event", "event_id", "evt"),
        ("recording", "recording_id", "rec"),
        ("chat_message", "message_id", "msg"),
        ("continuous_rating", "rating_id", "rat"),
        ("sparse_rating", "rating_id", "rat"),
        ("sync_metric", "metric_id", "syn"),
    ):
        ids = [row[0] for row in rows(demo, f"SELECT {column} FROM {table}")]
        assert all(re.fullmatch(rf"{prefix}_[0-9A-Za-z]+", each) for each in ids)
        assert len(set(ids)) == len(ids) > 0
    people = [row[0] for row in rows(demo, "SELECT participant_id FROM participant")]
    assert all(re.fullmatch(r"[A-Za-z0-9]{28}", each) for each in people)


@pytest.mark.parametrize("table", TABLES)
def test_timestamps_are_the_experiment_start_plus_the_onset_in_2026(demo: Path, table: str) -> None:
    first, last = (timestamps.parse(f"{year}-01-01T00:00:00Z") for year in (2026, 2027))
    wrong = rows(
        demo,
        f"""SELECT x.id FROM {table} x JOIN room r ON r.id = x.room_key
        WHERE x.timestamp <> r.experiment_start + x.onset
        OR x.timestamp NOT BETWEEN {first} AND {last}""",
    )
    assert rows(demo, f"SELECT id FROM {table} LIMIT 1")
    assert not wrong


def test_every_participant_consents_and_passes_before_time_zero(demo: Path) -> None:
    for event_type in (
        "consent.accepted",
        "instructions.page_view",
        "instructions.comprehension_attempt",
        "instructions.comprehension_passed",
    ):
        without = rows(
            demo,
            """SELECT id FROM participant WHERE id NOT IN
            (SELECT participant_key FROM event WHERE event_type = ? AND onset < 0)""",
            event_type,
        )
        assert not without
    assert not rows(
        demo,
        """SELECT x.id FROM event x JOIN participant p ON p.id = x.participant_key
        WHERE x.timestamp < p.joined_at""",
    )


def test_a_clock_of_its_own_runs_in_each_browser(demo: Path) -> None:
    spans = rows(
        demo,
        """SELECT min(client_timestamp - timestamp) AS least, max(client_timestamp - timestamp)
        AS most FROM event GROUP BY participant_key""",
    )
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
    for viewer in viewers:
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


def test_answers_are_of_every_kind_that_json_has(demo: Path) -> None:
    answers = [
        None if row[0] is None else json.loads(row[0])
        for row in rows(demo, "SELECT value FROM sparse_rating")
    ]
    kinds = {type(answer) for answer in answers}
    assert kinds >= {int, float, str, list, dict, type(None)}


def test_some_questions_are_not_answered_in_time(demo: Path) -> None:
    late = rows(demo, "SELECT * FROM sparse_rating WHERE timed_out")
    assert 3 <= len(late) < 0.3 * rows(demo, "SELECT count(*) FROM sparse_rating")[0][0]
    assert all(row["value"] is None and row["submitted"] == 0 for row in late)
    assert {row["interacted"] for row in late} == {0, 1}
    assert all(row["response_time"] is None for row in late)


def texts(demo: Path) -> list[str]:
    return [row[0] for row in rows(demo, "SELECT content FROM chat_message")]


@pytest.mark.parametrize(
    "holds",
    [
        r"^=",
        r"^-",
        r"^@",
        '"',
        "'",
        ",",
        "\n",
        "\r",
        "\t",
        "👩‍👩‍👧‍👦",
        "日本語",
        "עברית",
        r"^ ",
        "<b>",
    ],
)
def test_chat_holds_what_breaks_careless_files(demo: Path, holds: str) -> None:
    assert any(re.search(holds, text) for text in texts(demo))


def test_chat_messages_are_their_senders_and_have_an_event_each(demo: Path) -> None:
    strangers = rows(
        demo,
        """SELECT m.id FROM chat_message m JOIN participant p ON p.id = m.participant_key
        WHERE p.participant_id IS NOT m.sender_id""",
    )
    assert not strangers
    events = rows(demo, "SELECT content FROM event WHERE event_type = 'communication.message'")
    assert sorted(row[0] for row in events) == sorted(texts(demo))
    recipients = rows(demo, "SELECT DISTINCT recipient_ids FROM chat_message")
    assert "[]" in {row[0] for row in recipients}
    assert len(recipients) > 1


def test_a_participants_email_is_in_a_chat_message_and_in_a_json_answer(demo: Path) -> None:
    emails = {row[0] for row in rows(demo, "SELECT email FROM participant WHERE email IS NOT NULL")}
    answers = [r[0] for r in rows(demo, "SELECT response FROM event WHERE response IS NOT NULL")]
    assert any(email in text for email in emails for text in texts(demo))
    nested = [json.loads(answer)["value"] for answer in answers if "@" in answer]
    assert nested
    assert all(value["email"] in emails for value in nested)


def test_addresses_are_reserved_ones_and_not_everyone_left_theirs(demo: Path) -> None:
    people = rows(demo, "SELECT email, ip_address, user_agent FROM participant")
    for column, form in (
        ("email", r"[\w.]+@example\.org"),
        ("ip_address", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("user_agent", r"Mozilla/5\.0 .+"),
    ):
        found = [row[column] for row in people]
        assert None in found
        assert all(re.fullmatch(form, each) for each in found if each is not None)


def test_one_person_was_in_two_rooms_and_has_an_account(tmp_path: Path) -> None:
    people = filled(tmp_path)
    twice = rows(
        tmp_path,
        """SELECT participant_id, count(DISTINCT room_key) AS rooms, count(DISTINCT role) AS roles,
        experiment_key FROM participant GROUP BY participant_id HAVING count(*) > 1""",
    )
    assert [(row["rooms"], row["roles"]) for row in twice] == [(2, 2)]
    account = rows(tmp_path, 'SELECT * FROM "user" WHERE id = ?', people.participant)[0]
    assert account["participant_id"] == twice[0]["participant_id"]
    experiment = rows(
        tmp_path, "SELECT * FROM experiment WHERE id = ?", twice[0]["experiment_key"]
    )[0]
    assert experiment["experiment_id"] == DYADS
    assert experiment["participants_may_request_data"] == 1


def test_the_owner_owns_all_and_shares_two_of_three_one_of_them_for_export(tmp_path: Path) -> None:
    people = filled(tmp_path)
    owners = rows(tmp_path, "SELECT DISTINCT owner_key FROM experiment")
    assert [row[0] for row in owners] == [people.owner]
    shared = rows(tmp_path, "SELECT user_key, can_export FROM collaborator ORDER BY can_export")
    assert [tuple(row) for row in shared] == [(people.collaborator, 0), (people.collaborator, 1)]
    roles = {row["id"]: row["role"] for row in rows(tmp_path, 'SELECT id, role FROM "user"')}
    assert roles == {
        people.owner: "RESEARCHER",
        people.collaborator: "RESEARCHER",
        people.participant: "PARTICIPANT",
        people.administrator: "ADMINISTRATOR",
    }


def test_one_room_is_running_and_its_people_are_in_it(demo: Path) -> None:
    running = rows(demo, "SELECT * FROM room WHERE status = 'ACTIVE'")
    assert [row["end_time"] for row in running] == [None]
    people = rows(demo, "SELECT * FROM participant WHERE room_key = ?", running[0]["id"])
    assert {(row["status"], row["completed_at"]) for row in people} == {("ACTIVE", None)}
    ended = "SELECT id FROM event WHERE room_key = ? AND event_type = 'experiment.end'"
    assert not rows(demo, ended, running[0]["id"])
    assert rows(
        demo, "SELECT id FROM component WHERE room_key = ? AND NOT completed", running[0]["id"]
    )
    elsewhere = "SELECT id FROM room WHERE status = 'COMPLETED' AND end_time <= start_time"
    assert not rows(demo, elsewhere)


def test_streams_end_where_people_left_early(demo: Path) -> None:
    left = rows(demo, "SELECT * FROM participant WHERE status = 'DISCONNECTED'")
    assert {row["completion_code"] for row in left} == {"ABANDONED", "TECHNICAL"}
    for person in left:
        assert person["completed_at"] is None
        for tables in (TABLES, ["event"], ["continuous_rating"]):
            own, room = (
                last_onset(demo, tables, "participant_key", person["id"]),
                last_onset(demo, tables, "room_key", person["room_key"]),
            )
            assert own == room == 0 or 0 < own < room - 60_000


def last_onset(demo: Path, tables: list[str], place: str, key: int) -> int:
    """Return when the last record came from a room or a participant; 0 if there is none."""
    ends = " UNION ALL ".join(
        f"SELECT max(onset) AS onset FROM {table} WHERE {place} = {key}" for table in tables
    )
    onset: int | None = rows(demo, f"SELECT max(onset) FROM ({ends})")[0][0]
    return onset or 0


def test_recordings_are_small_files_that_play_for_as_long_as_their_rows_say(demo: Path) -> None:
    kept = rows(demo, "SELECT * FROM recording WHERE storage_key IS NOT NULL")
    assert {row["kind"] for row in kept} == {"VIDEO", "AUDIO"}
    assert {row["storage_key"] for row in kept} == {f"recordings/{name}" for name in files(demo)}
    for row in kept:
        path = demo / row["storage_key"]
        assert path.stem == row["recording_id"]
        assert path.stat().st_size == row["file_size"] < 20_000
        assert row["end_time"] - row["start_time"] == row["duration"]
        assert row["status"] == "completed"
        if row["kind"] == "AUDIO":
            with wave.open(str(path)) as sound:
                assert 1000 * sound.getnframes() == row["duration"] * sound.getframerate()
                assert len(set(sound.readframes(sound.getnframes()))) > 20  # it is not silence
        else:
            film = elements(path.read_bytes())
            assert film["4282"] == [b"webm"]
            assert film["86"] == [b"V_VP8"]
            width, height = (int.from_bytes(film[name][0], "big") for name in ("b0", "ba"))
            assert row["resolution"] == f"{width}x{height}"
            assert np.frombuffer(film["4489"][0], ">f8")[0] == row["duration"]
            frame_ms = int.from_bytes(film["23e383"][0], "big") // 1_000_000
            assert len(film["a3"]) * frame_ms == row["duration"]
            for block in film["a3"]:
                assert block[7:10] == b"\x9d\x01\x2a"  # a VP8 key frame, after the block's header
                assert np.frombuffer(block[10:14], "<u2").tolist() == [width, height]
            assert path.read_bytes()[seek_place(film) :].startswith(bytes.fromhex("1f43b675"))


def elements(content: bytes) -> dict[str, list[bytes]]:
    """Read EBML as far as the tests need it: every element's content by the element's id."""
    parents = {"1a45dfa3", "18538067", "1549a966", "1654ae6b", "ae", "e0", "1c53bb6b", "bb", "b7"}
    found: dict[str, list[bytes]] = {}
    place = 0
    while place < len(content):
        id_length = 9 - content[place].bit_length()
        name = content[place : place + id_length].hex()
        place += id_length
        length = int.from_bytes(content[place + 1 : place + 8], "big")
        assert content[place] == 1, "lengths are eight bytes long"
        body = content[place + 8 : place + 8 + length]
        assert len(body) == length
        found.setdefault(name, []).append(body)
        if name in parents | {"1f43b675"}:
            for inner, contents in elements(body).items():
                found.setdefault(inner, []).extend(contents)
        place += 8 + length
    return found


def seek_place(film: dict[str, list[bytes]]) -> int:
    """Return where a player that seeks looks for the pictures, from the start of the file."""
    before_segment = 4 + 8 + len(film["1a45dfa3"][0]) + 4 + 8
    return before_segment + int.from_bytes(film["f1"][0], "big")


def test_one_recording_started_and_never_arrived(demo: Path) -> None:
    failed = rows(demo, "SELECT * FROM recording WHERE storage_key IS NULL")
    assert [(row["status"], row["file_size"], row["end_time"]) for row in failed] == [
        ("failed", None, None)
    ]


def test_components_keep_their_setup_and_variables_as_json(demo: Path) -> None:
    shown = rows(demo, "SELECT * FROM component WHERE state_id IS NOT NULL")
    ids: set[str] = {row[0] for row in rows(demo, "SELECT participant_id FROM participant")}
    variables: list[dict[str, Any]] = [json.loads(row["variables"]) for row in shown]
    assert all(isinstance(json.loads(row["config"]), dict) for row in shown)
    assert {partner for each in variables for partner in each["partnerIds"]} <= ids
    assert any(each["partnerIds"] for each in variables)
    film = [row for row in shown if row["component_id"] == FILM]
    assert {row["completed"] for row in film} == {0, 1}


def test_filling_what_is_not_empty_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    before = dump(tmp_path)
    with pytest.raises(BadUserInput, match="database of its own"):
        filled(tmp_path)
    assert dump(tmp_path) == before


def test_a_fill_that_fails_leaves_the_database_empty(tmp_path: Path) -> None:
    not_a_folder = tmp_path / "storage"
    not_a_folder.write_text("in the way")
    with pytest.raises(OSError, match="storage"):
        filled(tmp_path, storage=not_a_folder)
    assert not rows(tmp_path, 'SELECT id FROM "user"')
    assert rows(tmp_path, INDEXES + " LIMIT 1 OFFSET 40")  # dropped, and rolled back
