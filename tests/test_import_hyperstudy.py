"""HyperStudy's own downloads come in: folders and ZIPs, CSV and JSON, in any of their spellings."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from server.records import RecordType
from tests.command import hyperdata, into
from tests.conftest import Api
from tests.factories import a_user, save
from tests.packages import rows_of

pytestmark = pytest.mark.anyio

AT = "2024-06-15T10:00:{:06.3f}Z"


def answer(data_type: str, *rows: dict[str, Any], **metadata: Any) -> str:
    """Return JSON as HyperStudy's API gives it, and with it its SDK."""
    scope = {"dataType": data_type, "scope": "experiment", "scopeId": "exp_abc", **metadata}
    return json.dumps({"status": "success", "metadata": scope, "data": rows})


def download(root: Path) -> Path:
    """Make a download of an experiment with two rooms, of all types."""
    files = {
        "events.json": answer(
            "events",
            {
                "id": "evt_1", "roomId": "room_a", "participantId": "u1", "onset": 1500,
                "timestamp": AT.format(1.5), "category": "component",
                "componentType": "TextInput", "content": "7", "response": {"value": "7"},
                "loadedAt": 3,
            },
            {
                "id": "evt_2", "roomId": "room_a", "participantId": "u1", "onset": -500.4,
                "timestamp": AT.format(-0.5 + 1), "eventType": "state.enter",
            },
        ),
        "sparse_ratings.json": answer(
            "ratings",
            {
                "ratingId": "rat_1", "participantId": "u1", "timestamp": AT.format(8.5),
                "onset": 8500, "value": 72.5, "rawValue": 58, "scale": {"min": 0, "max": 80},
                "metadata": {"question": "How?", "dimension": "joy"}, "rawOnset": 8520,
            },
            ratingType="sparse",
        ),
        "recordings.json": answer(
            "recordings",
            {
                "recordingId": "EG_1", "participantId": "u1", "startTime": AT.format(5),
                "endTime": AT.format(9), "duration": 4000, "fileSize": 10, "status": "complete",
                "downloadUrl": "https://storage.test/x?sig=1", "metadata": {"type": "video"},
            },
        ),
        "participants.csv": "participant_id,room_id,role,status,joined_at\n"
        f"u1,room_a,host,completed,{AT.format(0)}\n",
        "rooms.csv": "room_id,status,start_time,experiment_start\n"
        f"room_a,completed,,{AT.format(0)}\n",
        "room_b/u2/events.csv": "\ufeffevent_id,event_type,timestamp,onset,response.value,"
        "response.responseTime,client_timestamp,mood\n"
        f"e1,a.b,{AT.format(1)},1000,5,20,1718445601000,sad\n",
        "room_b/u2/ratings.csv": "timestamp,onset,value,component_id,response_time\n"
        f"{AT.format(1)},1000,0.5,cmp_1,\n{AT.format(1)},1000,0.5,cmp_1,\n"
        f"{AT.format(2)},2000,3,cmp_2,250\n{AT.format(3)},3000,1.5,cmp_1,\n",
        "room_b/chat.csv": "messageId,participantId,senderId,content,timestamp,onset,recipientIds\n"
        f'm1,u2,u2,"=hi, ""you""",{AT.format(1)},1000,u3;u4\n',
        "room_b/sync-metrics.csv": "participantId,timestamp,onset,drift,syncQuality\n"
        f"u2,{AT.format(4)},4000,-12.5,1\n",
        "room_b/components.csv": "participantId,timestamp,onset,componentId,config\n"
        f'u2,{AT.format(4)},4000,cmp_1,"{{""a"":[1]}}"\n',
        "questionnaire.csv": "a\n1\n",
        "metadata.json": '{"exportedBy": "HyperStudy"}',
    }  # fmt: skip
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


async def test_a_download_comes_in(any_api: Api, any_url: str, tmp_path: Path) -> None:
    owner = a_user()
    await save(any_api.db, owner)
    root = download(tmp_path / "My experiment")

    ran = hyperdata("import", root, environment=into(any_url, tmp_path))

    assert ran.returncode == 3, ran.stderr
    assert "10 records are new, 1 were there already, 1 were refused" in ran.stdout
    assert "OUT_OF_RANGE" in ran.stdout
    assert "no type of data here: My experiment/questionnaire.csv" in ran.stdout
    assert "`recordings.downloadUrl`" in ran.stdout
    assert "sig=1" not in ran.stdout
    key = await any_api.key_of(owner.key)
    query = """{ experiment(experimentId: "exp_abc") {
      participants(first: 9) { nodes { participantId role joinedAt } }
      rooms(first: 9) { nodes { roomId experimentStart } }
      events(first: 9, orderBy: {field: EVENT_ID}) { nodes {
        eventId roomId participantId eventType onset response clientTimestamp } }
      sparseRatings(first: 9) { nodes {
        roomId value scaleMax question dimension responseTime details } }
      recordings(first: 9) { nodes { recordingId roomId kind timestamp onset } }
      continuousRatings(first: 9) { nodes { roomId participantId value onset } }
      chatMessages(first: 9) { nodes { content recipientIds } }
      syncMetrics(first: 9) { nodes { timeDrift syncQuality } }
      components(first: 9) { nodes { componentId config } }
    } }"""
    said = (await any_api.ask(query, key))["experiment"]
    got = {name: connection["nodes"] for name, connection in said.items()}
    assert {row["participantId"]: row["role"] for row in got["participants"]} == {
        "u1": "host",
        "u2": None,
    }
    assert {row["experimentStart"] for row in got["rooms"]} == {"2024-06-15T10:00:00.000Z"}
    assert got["events"][0]["response"] == {
        "value": 5,
        "responseTime": 20,
        "more": {"mood": "sad"},
    }
    assert got["events"][0]["clientTimestamp"] == "2024-06-15T10:00:01.000Z"
    assert (got["events"][0]["roomId"], got["events"][0]["participantId"]) == ("room_b", "u2")
    assert got["events"][1]["eventType"] == "TextInput"
    assert got["events"][1]["response"] == {"value": "7", "more": {"loadedAt": 3}}
    assert got["events"][2]["onset"] == -500
    sparse = {row["roomId"]: row for row in got["sparseRatings"]}
    assert sparse["room_a"]["question"] == "How?"
    assert sparse["room_a"]["scaleMax"] == 80
    assert sparse["room_a"]["details"]["more"]["rawOnset"] == 8520
    assert sparse["room_b"]["responseTime"] == 250
    assert got["recordings"] == [
        {
            "recordingId": "EG_1",
            "roomId": "room_a",
            "kind": "VIDEO",
            "timestamp": "2024-06-15T10:00:05.000Z",
            "onset": 5000,
        }
    ]
    assert got["continuousRatings"] == [
        {"roomId": "room_b", "participantId": "u2", "value": 0.5, "onset": 1000}
    ]
    assert got["chatMessages"] == [{"content": '=hi, "you"', "recipientIds": ["u3", "u4"]}]
    assert got["syncMetrics"] == [{"timeDrift": -12.5, "syncQuality": 1}]
    assert got["components"] == [{"componentId": "cmp_1", "config": {"a": [1]}}]


async def test_the_same_in_a_zip_is_the_same(tmp_path: Path) -> None:
    root = download(tmp_path / "down")
    archive = shutil.make_archive(str(tmp_path / "down"), "zip", tmp_path, "down")

    first = hyperdata("import", root, "--data-dir", tmp_path)
    again = hyperdata("import", archive, "--data-dir", tmp_path)

    assert "10 records are new" in first.stdout
    assert "0 records are new, 11 were there already, 1 were refused" in again.stdout
    assert "Made 0 experiments" in again.stdout


def test_one_file_may_be_said_to_be_one(tmp_path: Path) -> None:
    path = download(tmp_path / "down") / "room_b" / "u2" / "events.csv"

    unsaid = hyperdata("import", path, "--data-dir", tmp_path)
    said = hyperdata("import", path, "--data-dir", tmp_path, "--format", "hyperstudy")

    assert "neither a ZIP nor a JSON document" in unsaid.stderr
    assert "0 records are new" in said.stdout
    assert "`roomId`" in said.stdout


def test_what_is_a_zip_of_something_else(tmp_path: Path) -> None:
    for folder, name in (("bids", "sub-1_task-go_events.tsv"), ("ours", "data_dictionary.json")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("{}")
        (tmp_path / folder / "events.csv").write_text("eventId\n")
        archive = shutil.make_archive(str(tmp_path / folder), "zip", tmp_path, folder)
        ran = hyperdata("import", archive, "--data-dir", tmp_path)
        assert ran.returncode == 1
        expected = "unpack it" if folder == "bids" else "There is no metadata.json"
        assert expected in ran.stderr


async def test_a_dry_run_says_the_same_and_keeps_nothing(
    any_api: Api, any_url: str, tmp_path: Path
) -> None:
    await save(any_api.db, a_user())
    root, report = download(tmp_path / "down"), tmp_path / "refused.ndjson"
    around = into(any_url, tmp_path)

    dry = hyperdata("import", root, "--dry-run", "--report", report, environment=around)
    told = report.read_text()
    rows = [await rows_of(any_api.db, each) for each in RecordType]
    real = hyperdata("import", root, "--report", report, environment=around)

    assert dry.returncode == real.returncode == 3
    assert "10 records would be new, 1 were there already, 1 would be refused" in dry.stdout
    assert not any(rows)
    assert report.read_text() == told
    assert "10 records are new, 1 were there already, 1 were refused" in real.stdout
    assert dry.stdout.split("REFUSED")[1].splitlines()[1] in real.stdout


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("events.json", '{"data": [1]}', "no list of JSON objects"),
        ("events.json", '{"data": [{"id"', "no list of JSON objects"),
        ("participants.csv", "role\nhost\n", "row 1: it names no `participantId`"),
        ("rooms.csv", "id,start_time\nroom_a,noon\n", "row 1: `startTime` is no moment"),
    ],
)
def test_what_is_no_download(tmp_path: Path, name: str, content: str, why: str) -> None:
    root = tmp_path / "down"
    root.mkdir()
    (root / "chat.csv").write_text("messageId\n")
    (root / name).write_text(content)

    ran = hyperdata("import", root, "--data-dir", tmp_path)

    assert ran.returncode == 1
    assert why in ran.stderr
