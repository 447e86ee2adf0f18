"""BIDS events come in without an edit, and all that they say comes out again.

The data sets are public ones: ds000005, of mixed gambles (Tom and others, 2007), and ds000117, of
faces (Wakeman and Henson, 2015), as the package `pybids` ships them.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest

from server.db import Database
from server.records import RecordType
from server.records.events import Event
from tests.command import hyperdata, into
from tests.conftest import Api
from tests.factories import a_user, save
from tests.packages import is_empty, rows_of
from tests.warm_worker import Worker, exported

pytestmark = pytest.mark.anyio

UNKNOWN = "2001-01-01T00:00:00.000Z"


def dataset(name: str) -> Path:
    """Return where the package has a data set."""
    [file] = [
        file
        for file in files("pybids") or ()
        if file.parts[-2:] == (name, "dataset_description.json")
    ]
    return Path(str(file.locate())).parent


def originals(root: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Read the events files of a data set's own, by another reader than ours."""
    for path in sorted(root.glob("sub-*/**/*_events.tsv")):
        with path.open(newline="") as stream:
            yield path.relative_to(root).as_posix(), list(csv.DictReader(stream, delimiter="\t"))


def same(original: str, exported: str) -> bool:
    """Tell whether two texts say the same: as numbers, if they are some."""
    if original == "n/a":
        return exported in ("", "null")
    if original == exported:
        return True
    return Decimal(original) == Decimal(exported)


@pytest.mark.parametrize(
    ("name", "stored", "refused"), [("ds005", 4096, 0), ("ds000117", 3554, 596)]
)
async def test_a_public_data_set_comes_in_as_it_is_and_goes_out_equal(
    worker: Worker, tmp_path: Path, name: str, stored: int, refused: int
) -> None:
    root, report = dataset(name), tmp_path / "refused.ndjson"
    ran = hyperdata("import", root, "--data-dir", tmp_path, "--report", report)
    assert ran.returncode == (3 if refused else 0), ran.stderr
    kept = [json.loads(line) for line in report.read_text().splitlines()]

    db = Database(f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db")
    made = await exported(worker, db, tmp_path / "out", experiments=[await first(db)])
    await db.close()

    file_of = {
        row["roomId"]: row["config.file"]
        for row in made.stems("components")
        if row["componentType"] == "bids"
    }
    back: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in made.stems("events"):
        back[file_of[row["roomId"]]].append(row)
    assert sum(map(len, back.values())) == stored
    assert len(kept) == refused
    told = 0
    for file, rows in originals(root):
        timed = [row for row in rows if row["onset"] != "n/a"]
        assert len(back[file]) == len(timed)
        for old, new in zip(timed, back[file], strict=True):
            assert all(same(old[column], new[f"response.{column}"]) for column in old), (old, new)
            assert int(new["onset"]) == round(Decimal(old["onset"]) * 1000)
            assert int(new["duration"]) == round(Decimal(old["duration"]) * 1000)
            assert new["participantId"] == file.partition("/")[0]
        untimed = [row for row in rows if row["onset"] == "n/a"]
        told += len(untimed)
        mine = [each for each in kept if each["file"] == file]
        assert [each["row"] for each in mine] == [
            number for number, row in enumerate(rows, 1) if row["onset"] == "n/a"
        ]
        for old, new in zip(untimed, mine, strict=True):
            assert all(
                same(old[column], json.dumps(new["record"]["response"][column]).strip('"'))
                for column in old
            )
    assert told == refused
    assert stored + told == sum(len(rows) for _, rows in originals(root))


async def first(db: Database) -> Any:
    from tests.test_import import experiments_of

    [experiment] = await experiments_of(db)
    return experiment


def write(root: Path, name: str, *lines: str) -> Path:
    """Write a table, or JSON, below a folder."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def small(root: Path) -> Path:
    """Make a data set with all that may lie beside events."""
    write(root, "dataset_description.json", '{"Name": "Small", "BIDSVersion": "1.9.0"}')
    write(root, "participants.tsv", "participant_id\tage\tgroup", "sub-1\t31\tn/a")
    write(root, "task-go_events.json", '{"trial_type": {"Levels": {"go": "Press"}}, "x": 1}')
    write(root, "sub-1/ses-a/beh/sub-1_ses-a_task-go_run-2_events.json", '{"x": 2}')
    write(
        root,
        "sub-1/ses-a/sub-1_ses-a_scans.tsv",
        "filename\tacq_time",
        "beh/sub-1_ses-a_task-go_run-1_beh.tsv\t2020-03-01T09:00:00",
        "beh/sub-1_ses-a_task-go_run-2_beh.tsv\t2020-03-01T10:00:00.5Z",
        "beh/sub-1_ses-a_task-go_run-3_beh.tsv\t1880-03-01T10:00:00",
    )
    for run in (1, 2, 3):
        write(
            root,
            f"sub-1/ses-a/beh/sub-1_ses-a_task-go_run-{run}_events.tsv",
            "onset\tduration\ttrial_type\tresponse_time\tvalue\tsample\tHED\tcode",
            "-0.5\t0\tgo\t.25\tleft\t100\t(A, B)\t007",
            "1e1\tn/a\tn/a\tn/a\tn/a\tn/a\tn/a\t1.00000000000000000001",
        )
    write(root, "derivatives/x/sub-1_task-go_events.tsv", "onset\tduration", "1\t1")
    write(root, "task-go_events.tsv", "onset\tduration", "1\t1")
    return root


async def test_what_lies_beside_events_is_read_too(
    any_api: Api, any_url: str, tmp_path: Path
) -> None:
    owner = a_user()
    await save(any_api.db, owner)
    root = small(tmp_path / "My study")

    ran = hyperdata(
        "import", root, "--time-zone", "Europe/Berlin", environment=into(any_url, tmp_path)
    )

    assert ran.returncode == 0, ran.stderr
    assert "6 events" in ran.stdout
    assert "1 of 3 runs" in ran.stdout
    assert "name no participant: task-go_events.tsv" in ran.stdout
    key = await any_api.key_of(owner.key)
    query = """{ experiment(experimentId: "exp_my-study") { name rooms(first: 9) { nodes {
      roomId experimentStart startTime
      events(first: 9) { nodes { timestamp onset duration eventType response participantId } }
      components(first: 9) { nodes { componentId config variables } }
    } } } }"""
    experiment = (await any_api.ask(query, key))["experiment"]
    rooms = {room["roomId"][-5:]: room for room in experiment["rooms"]["nodes"]}
    assert experiment["name"] == "Small"
    assert {name: room["experimentStart"] for name, room in rooms.items()} == {
        "run-1": "2020-03-01T08:00:00.000Z",
        "run-2": "2020-03-01T10:00:00.500Z",
        "run-3": UNKNOWN,
    }
    assert rooms["run-3"]["startTime"] is None
    one, two = rooms["run-1"]["events"]["nodes"]
    assert one == {
        "timestamp": "2020-03-01T07:59:59.500Z",
        "onset": -500,
        "duration": 0,
        "eventType": "go",
        "participantId": "sub-1",
        "response": {
            "onset": -0.5,
            "duration": 0,
            "trial_type": "go",
            "response_time": 0.25,
            "responseTime": 250,
            "value": "left",
            "sample": 100,
            "HED": "(A, B)",
            "code": "007",
        },
    }
    assert (two["onset"], two["duration"], two["eventType"]) == (10_000, None, "go")
    assert two["response"]["trial_type"] is None
    assert two["response"]["code"] == "1.00000000000000000001"
    [told] = rooms["run-2"]["components"]["nodes"]
    assert told["componentId"] == "cmp_task-go"
    assert told["variables"] == {"participant_id": "sub-1", "age": 31, "group": None}
    assert told["config"]["sidecar"] == {"trial_type": {"Levels": {"go": "Press"}}, "x": 2}
    assert told["config"]["columns"][:2] == ["onset", "duration"]


async def test_one_file_and_the_whole_data_set_are_the_same_records(tmp_path: Path) -> None:
    root = small(tmp_path / "study")
    one = next(root.rglob("*run-1_events.tsv"))

    folder = one.parent
    first_ran = hyperdata("import", one.name, "--data-dir", tmp_path, within=folder)
    then = hyperdata("import", root, "--data-dir", tmp_path)
    again = hyperdata("import", root, "--data-dir", tmp_path)

    assert "3 records are new, 0 were there already" in first_ran.stdout
    assert "6 records are new, 3 were there already" in then.stdout
    assert "0 records are new, 9 were there already" in again.stdout
    assert "Made 0 experiments, 0 rooms and 0 participants" in again.stdout


async def test_a_start_may_be_named(tmp_path: Path) -> None:
    root = small(tmp_path / "study")

    ran = hyperdata("import", root, "--data-dir", tmp_path, "--start", "2021-01-01T00:00:00Z")

    assert "real date" not in ran.stdout
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db")
    times = [row["timestamp"] for row in await rows_of(db, RecordType.EVENTS)]
    await db.close()
    assert 1_609_459_199_500 in times


async def test_a_changed_row_is_refused_and_what_is_stored_stays(tmp_path: Path) -> None:
    root = small(tmp_path / "study")
    path = next(root.rglob("*run-1_events.tsv"))
    hyperdata("import", root, "--data-dir", tmp_path)

    path.write_text(path.read_text().replace("left", "right"))
    ran = hyperdata("import", root, "--data-dir", tmp_path)

    assert ran.returncode == 3
    assert "0 records are new, 8 were there already, 1 were refused" in ran.stdout
    assert "ID_TAKEN" in ran.stdout
    assert "right" not in ran.stdout


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("time\tduration\n1\t1\n", "has no column `onset`"),
        ("onset\tonset\n1\t1\n", "each column must have a name of its own"),
        ('onset\tduration\n1\t"1\n', "no table that can be read"),
        ("onset\tduration\n1\t\xff\n", "is not UTF-8"),
    ],
)
async def test_what_is_no_table_of_events(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "sub-1_task-go_events.tsv"
    path.write_bytes(content.encode("latin-1"))

    ran = hyperdata("import", path, "--data-dir", tmp_path)

    assert ran.returncode == 1
    assert why in ran.stderr
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db")
    assert await is_empty(db, Event)
    await db.close()
