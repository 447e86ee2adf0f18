"""Any table comes in by a mapping file, whose mistakes are named by their keys."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.errors import BadUserInput
from server.importing.outside.cells import number_or_text
from server.importing.outside.mapped import MappedTables
from server.importing.outside.sources import Wishes
from tests.command import hyperdata, into
from tests.conftest import Api
from tests.factories import a_user, an_experiment, save

pytestmark = pytest.mark.anyio

EVENTS = """
dataType = "EVENTS"
experimentId = "exp_pilot"
experimentName = "Pilot"
timeZone = "Europe/Berlin"
missing = ["", "NA"]
rest = "response"

[fields]
eventId = "id"
roomId = { column = "session", prefix = "room_" }
participantId = { from = "file", prefix = "subject-" }
timestamp = "when"
onset = { column = "t", unit = "s" }
duration = { column = "took", unit = "min" }
eventType = { constant = "key.press" }
clientTimestamp = { column = "clock", unit = "s" }
"response.value" = "key"
"""

RATINGS = """
dataType = "CONTINUOUS_RATINGS"
start = "2026-03-01T09:00:00Z"
delimiter = ";"
[fields]
roomId = { from = "folder", prefix = "room_" }
participantId = "who"
onset = "ms"
rawValue = "slider"
scaleMin = { constant = 0 }
scaleMax = { constant = 100 }
"""


def written(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


async def test_a_table_comes_in_by_its_mapping(any_api: Api, any_url: str, tmp_path: Path) -> None:
    owner = a_user()
    await save(any_api.db, owner)
    mapping = written(tmp_path / "mapping.toml", EVENTS)
    table = written(
        tmp_path / "7.csv",
        "\ufeffid,session,when,t,took,clock,key,mood,n",
        'e1,1,2026-03-01T09:00:01.250,1.25,0.5,1772355601.5,"a ""b"", c",good,007',
        "e2,1,2026-03-01T09:00:02+00:00,,NA,,5,NA,7",
        "e3,1,soon,3,,,x,,1",
        "e4,1,2026-03-01T09:00:03,2,0,,x,,1,too,many",
    )

    ran = hyperdata(
        "import", table, "--mapping", mapping, "--report", tmp_path / "refused.ndjson",
        environment=into(any_url, tmp_path),
    )  # fmt: skip

    assert ran.returncode == 3, ran.stderr
    assert "2 records are new, 0 were there already, 2 were refused" in ran.stdout
    assert "WRONG_TYPE" in ran.stdout
    assert "UNKNOWN_FIELD" in ran.stdout
    assert "soon" not in ran.stdout
    report = tmp_path / "refused.ndjson"
    assert report.stat().st_mode & 0o077 == 0
    told = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(each["row"], each["field"]) for each in told] == [(3, "timestamp"), (4, "…")]
    assert told[0]["record"]["timestamp"] == "soon"
    assert told[1]["record"]["…"] == ["too", "many"]
    key = await any_api.key_of(owner.key)
    query = """{
      quarantine(first: 9) { totalCount nodes { code record } }
      experiment(experimentId: "exp_pilot") { name rooms(first: 9) { nodes {
        roomId experimentStart
        events(first: 9) { nodes {
          eventId participantId timestamp onset duration eventType clientTimestamp response
    } } } } } }"""
    answer = await any_api.ask(query, key)
    assert answer["experiment"]["name"] == "Pilot"
    assert [node["code"] for node in answer["quarantine"]["nodes"]].count("WRONG_TYPE") == 1
    [room] = answer["experiment"]["rooms"]["nodes"]
    assert (room["roomId"], room["experimentStart"]) == ("room_1", "2026-03-01T08:00:00.000Z")
    assert room["events"]["nodes"] == [
        {
            "eventId": "e1",
            "participantId": "subject-7",
            "timestamp": "2026-03-01T08:00:01.250Z",
            "onset": 1250,
            "duration": 30_000,
            "eventType": "key.press",
            "clientTimestamp": "2026-03-01T09:00:01.500Z",
            "response": {"value": 'a "b", c', "mood": "good", "n": "007"},
        },
        {
            "eventId": "e2",
            "participantId": "subject-7",
            "timestamp": "2026-03-01T09:00:02.000Z",
            "onset": 3_602_000,
            "duration": None,
            "eventType": "key.press",
            "clientTimestamp": None,
            "response": {"value": 5, "mood": None, "n": 7},
        },
    ]


@given(
    st.from_regex(r"[+-]?[0-9]{0,20}\.?[0-9]{0,20}([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.floats().map(repr)
    | st.text(max_size=5)
)
@example("007")
@example("00.")
@example("-0")
@example(".5")
@example("9223372036854775808")
@example("1.00000000000000000001")
@example("1e999")
def test_a_number_is_one_only_if_nothing_is_lost(text: str) -> None:
    value = number_or_text(text)

    if isinstance(value, str):
        assert value == text
    else:
        assert Decimal(repr(value)) == Decimal(text)
        assert not re.match(r"[+-]?0[0-9]", text)
        assert json.loads(json.dumps(value)) == value


async def test_a_folder_of_tables_under_an_experiment_that_is_there(
    any_api: Api, any_url: str, tmp_path: Path
) -> None:
    owner, other = a_user(), a_user()
    mine, theirs = an_experiment(owner), an_experiment(other)
    await save(any_api.db, owner, other, mine, theirs)
    mapping = written(tmp_path / "mapping.toml", RATINGS)
    for room in ("a", "b"):
        written(
            tmp_path / "all" / room / "slider.csv", "who;ms;slider;x", "p1;100;20;1", "p2;100;120;1"
        )
    command: list[Any] = ["import", tmp_path / "all", "--mapping", mapping, "--into"]
    around = into(any_url, tmp_path)

    ran = hyperdata(*command, mine["experiment_id"], environment=around)
    again = hyperdata(*command, mine["experiment_id"], environment=around)
    elsewhere = hyperdata(
        *command, theirs["experiment_id"], "--owner", owner["user_id"], environment=around
    )

    assert "2 records are new, 0 were there already, 2 were refused" in ran.stdout
    assert "OFF_SCALE" in ran.stdout
    assert "Left out, as the mapping does not name them: `x`" in ran.stdout
    assert "0 records are new, 2 were there already, 2 were refused" in again.stdout
    assert elsewhere.returncode == 1
    assert "somebody else's experiment" in elsewhere.stderr
    key = await any_api.key_of(owner.key)
    query = """query($id: String!) {
      quarantine(first: 9) { totalCount }
      experiment(experimentId: $id) { continuousRatings(first: 9) { nodes {
        roomId participantId timestamp rawValue scaleMax } } }
    }"""
    answer = await any_api.ask(query, key, id=mine["experiment_id"])
    assert answer["quarantine"]["totalCount"] == 2
    assert {row["roomId"] for row in answer["experiment"]["continuousRatings"]["nodes"]} == {
        "room_a",
        "room_b",
    }
    assert answer["experiment"]["continuousRatings"]["nodes"][0] == {
        "roomId": answer["experiment"]["continuousRatings"]["nodes"][0]["roomId"],
        "participantId": "p1",
        "timestamp": "2026-03-01T09:00:00.100Z",
        "rawValue": 20,
        "scaleMax": 100,
    }


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('dataType = "EVENTS"', 'dataType = "EVENT"', "dataType"),
        ('"Europe/Berlin"', '"Berlin"', "timeZone"),
        ('rest = "response"', 'rest = "content"', "rest"),
        ('rest = "response"', 'rests = "response"', "rests"),
        ('unit = "s"', 'unit = "sec"', "fields.onset.unit"),
        ('onset = { column = "t"', 'onset = { colum = "t"', "fields.onset.colum"),
        ('onset = { column = "t"', 'onsets = { column = "t"', "fields.onsets"),
        ('onset = { column = "t"', 'onset = { from = "file", column = "t"', "fields.onset"),
        ('eventId = "id"', 'eventId = { column = "id", unit = "s" }', "fields.eventId.unit"),
        ('eventId = "id"', 'eventId = { column = "id", timeZone = "UTC" }', "fields.eventId.time"),
        ('eventId = "id"', 'eventId = "identity"', "fields.eventId.column"),
        ('roomId = { column = "session", prefix = "room_" }', "", "fields.roomId"),
        ("[fields]", "start = 'noon'\n[fields]", "start"),
    ],
)
def test_a_mistake_in_a_mapping_is_named_by_its_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    table = written(tmp_path / "7.csv", "id,session,when,t,took,clock,key")
    assert old in EVENTS
    mapping = written(tmp_path / "mapping.toml", EVENTS.replace(old, new, 1))

    with pytest.raises(BadUserInput) as refused:
        MappedTables(table, mapping, Wishes())

    assert f"mapping.toml: `{key}" in refused.value.message


@pytest.mark.parametrize("text", ["dataType = ", "\ufffd = 1", "{"])
def test_what_is_no_mapping(tmp_path: Path, text: str) -> None:
    for ending in ("toml", "json"):
        mapping = written(tmp_path / f"mapping.{ending}", text)
        with pytest.raises(BadUserInput, match="neither TOML nor JSON"):
            MappedTables(mapping, mapping, Wishes())
    with pytest.raises(BadUserInput, match="There is no mapping file"):
        MappedTables(tmp_path, tmp_path / "none.toml", Wishes())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--format", "table"], "Say which column is which field"),
        (["--format", "xlsx"], "`--format` is one of"),
        (["--format", "bids", "--time-zone", "Berlin"], "such as Europe/Berlin"),
        (["--format", "bids", "--start", "noon"], "`--start` is a moment"),
        (["--format", "bids", "--into", "pilot"], "`--into` is the id of an experiment"),
        (["--format", "bids"], "There is no `sub-…_events.tsv`"),
        (["--into", "exp_1"], "are for data from elsewhere"),
        ([], "neither a ZIP nor a JSON document"),
    ],
)
def test_what_is_asked_wrongly(tmp_path: Path, arguments: list[str], why: str) -> None:
    table = written(tmp_path / "table.csv", "a,b", "1,2")

    ran = hyperdata("import", table, "--data-dir", tmp_path / "data", *arguments)

    assert ran.returncode == 1
    assert why in ran.stderr.replace("\n", " ")
