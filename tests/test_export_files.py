"""Export files: every record is in them, as it was stored, in each format and packaging."""

import json
import math
from collections.abc import Generator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server.column_types import dump_json
from server.db import Database
from server.errors import BadUserInput
from server.records import RecordType
from server.records.exports import ExportFormat, ExportPackaging
from server.timestamps import iso
from tests.exporting import (
    CSV,
    JSON,
    ONE,
    ZIP,
    Exported,
    Worker,
    exported,
    plan_of,
    read_csv,
    recipe_of,
    working,
)
from tests.factories import (
    A_RECORD,
    START,
    Row,
    a_chat_message,
    a_component,
    a_participant,
    a_room,
    a_sparse_rating,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

ONSETS = (-2_500, -1, 0, 1_000, 90_000)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "",
        '"',
        '""',
        "a,b",
        "a\nb",
        "a\r\nb",
        "\r",
        "=1+1",
        "-5",
        "\0",
        "😀",
        "\ufeff",
        "null",
        " x ",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | TEXTS
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)

ASKING = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def worker() -> Generator[Worker]:
    with working() as warm:
        yield warm


class Study:
    """Two experiments of two rooms of two people, and five records of every type of each."""

    def __init__(self) -> None:
        self.owner = a_user()
        self.experiments = [an_experiment(self.owner) for _ in range(2)]
        self.rooms = [a_room(experiment) for experiment in self.experiments for _ in range(2)]
        self.people = [a_participant(room) for room in self.rooms for _ in range(2)]
        self.records: dict[RecordType, list[Row]] = {
            data_type: [make(person, onset=onset) for onset in ONSETS for person in self.people]
            for data_type, make in A_RECORD.items()
        }

    async def save(self, db: Database) -> None:
        rows = [row for records in self.records.values() for row in records]
        await save(db, self.owner, *self.experiments, *self.rooms, *self.people, *rows)

    def ids(self, data_type: RecordType, key: str, *keys: int) -> list[str]:
        """Return the public ids of the records in some places, sorted."""
        rows = self.records[data_type]
        return sorted(row[id_column(data_type)] for row in rows if row[key] in keys)


@pytest.fixture
async def study(db: Database) -> Study:
    made = Study()
    await made.save(db)
    return made


async def a_person(db: Database) -> Row:
    """Store a participant in an experiment of their own."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(db, owner, experiment, room, person)
    return person


async def exported_of(
    worker: Worker,
    db: Database,
    folder: Path,
    person: Row,
    data_type: RecordType,
    file_format: ExportFormat = CSV,
    **recipe: Any,
) -> Exported:
    """Export all that a participant has of one type, as one file."""
    chosen = {"participants": [person], "types": [data_type], "packaging": ONE}
    return await exported(worker, db, folder, format=file_format, **{**chosen, **recipe})


def id_column(data_type: RecordType) -> str:
    return data_type.value.model.identity[0]


def id_field(data_type: RecordType) -> str:
    head, *rest = id_column(data_type).split("_")
    return head + "".join(part.capitalize() for part in rest)


def ids_in(rows: list[dict[str, Any]], data_type: RecordType) -> list[str]:
    return sorted(row[id_field(data_type)] for row in rows)


def records_in(document: Any, data_type: RecordType) -> list[dict[str, Any]]:
    return [
        record
        for experiment in document["experiments"]
        for room in experiment["rooms"]
        for person in room["participants"]
        for record in person[data_type.value.name]
    ]


def records_of(person: Row, document: Any, data_type: RecordType) -> list[dict[str, Any]]:
    rows = records_in(document, data_type)
    assert {row["participantId"] for row in rows} <= {person["participant_id"]}
    return rows


def all_keys(study: Study) -> list[int]:
    return [experiment.key for experiment in study.experiments]


# Every record, in every form


async def test_csv_files_in_a_zip_hold_every_record(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)

    for data_type in RecordType:
        rows = made.stems(data_type.value.stem)
        assert ids_in(rows, data_type) == study.ids(data_type, "experiment_key", *all_keys(study))
        assert {int(row["onset"]) for row in rows} == set(ONSETS)


async def test_json_files_in_a_zip_hold_every_record(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments, format=JSON)

    for data_type in RecordType:
        ending = f"/{data_type.value.stem}.json"
        rows = [row for path in made.members() if path.endswith(ending) for row in made.json(path)]
        assert ids_in(rows, data_type) == study.ids(data_type, "experiment_key", *all_keys(study))


async def test_one_json_document_holds_every_record_inside_its_place(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(
        worker, db, tmp_path, experiments=study.experiments, format=JSON, packaging=ONE
    )
    document = made.json()

    assert list(document) == ["metadata", "experiments"]
    for data_type in RecordType:
        rows = records_in(document, data_type)
        assert ids_in(rows, data_type) == study.ids(data_type, "experiment_key", *all_keys(study))
    for experiment in document["experiments"]:
        for room in experiment["rooms"]:
            for person in room["participants"]:
                assert person["events"], "each of them has some"
                place = [experiment["experimentId"], room["roomId"], person["participantId"]]
                for record in person["events"]:
                    assert list(record.values())[:3] == place


@pytest.mark.parametrize("data_type", RecordType)
async def test_one_csv_file_holds_every_record_of_its_type(
    worker: Worker, db: Database, study: Study, tmp_path: Path, data_type: RecordType
) -> None:
    made = await exported(
        worker, db, tmp_path, experiments=study.experiments, types=[data_type], packaging=ONE
    )

    rows = made.csv()
    assert ids_in(rows, data_type) == study.ids(data_type, "experiment_key", *all_keys(study))
    places = [(row["experimentId"], row["roomId"], row["timestamp"]) for row in rows]
    assert places == sorted(places, key=lambda place: (int(place[1].split("_")[1]), place[2]))


@pytest.mark.parametrize("file_format", ExportFormat)
@pytest.mark.parametrize("packaging", ExportPackaging)
async def test_the_ledger_and_the_files_agree_with_what_was_selected(
    worker: Worker,
    db: Database,
    study: Study,
    tmp_path: Path,
    file_format: ExportFormat,
    packaging: ExportPackaging,
) -> None:
    one_csv = (file_format, packaging) == (CSV, ONE)
    types = [RecordType.CHAT_MESSAGES] if one_csv else list(RecordType)
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=study.experiments,
        types=types,
        format=file_format,
        packaging=packaging,
    )

    count = len(ONSETS) * len(study.people)
    assert made.manifest["ledger"] == [
        {"dataType": data_type.name, "selected": count, "written": count, "withheld": []}
        for data_type in types
    ]
    assert made.done["rows"] == count * len(types)
    data = made.path.read_bytes()
    assert (made.done["bytes"], made.done["sha256"]) == (len(data), sha256(data).hexdigest())
    files = (
        {f"exp_1_2024-10-20/{path}": content for path, content in made.members().items()}
        if packaging is ZIP
        else {made.path.name: data}
    )
    assert {file["path"]: (file["bytes"], file["sha256"]) for file in made.manifest["files"]} == {
        path: (len(content), sha256(content).hexdigest()) for path, content in files.items()
    }


async def test_progress_begins_with_the_total(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)

    total = len(RecordType) * len(ONSETS) * len(study.people)
    assert made.progress[0] == {
        "rows": 0,
        "total": total,
        "bytes": 0,
        "message": "Reading the selection",
    }
    assert [step["rows"] for step in made.progress] == sorted(
        step["rows"] for step in made.progress
    )


# The layout of a ZIP


async def test_an_experiment_has_a_folder_for_each_room_with_files_that_have_rows(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    full, empty = a_room(experiment, room_id="../full"), a_room(experiment, room_id="empty")
    person = a_participant(full)
    await save(db, owner, experiment, full, empty, person, an_event(person, onset=-5))

    made = await exported(worker, db, tmp_path, experiments=[experiment])

    assert list(made.members()) == [
        "participants.csv",
        "rooms.csv",
        "_full/events.csv",
        "data_dictionary.json",
        "metadata.json",
    ]
    assert [row["roomId"] for row in made.csv("rooms.csv")] == ["../full", "empty"]
    [participant] = made.csv("participants.csv")
    assert participant["participantId"] == person["participant_id"]
    assert participant["roomId"] == "../full"
    metadata = made.json("metadata.json")
    assert [room["counts"]["events"] for room in metadata["rooms"]] == [1, 0]
    assert metadata["rooms"][1]["counts"]["syncMetrics"] == 0


async def test_several_experiments_have_a_folder_each(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)

    folders = {path.split("/")[0] for path in made.members() if "/" in path}
    assert folders == {experiment["experiment_id"] for experiment in study.experiments}
    for experiment in study.experiments:
        rows = made.csv(f"{experiment['experiment_id']}/rooms.csv")
        assert {row["experimentId"] for row in rows} == {experiment["experiment_id"]}
        assert len(rows) == 2


async def test_the_dictionary_describes_every_column_of_every_file(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    await save(db, an_event(study.people[0], response={"value": 3, "responseTime": 250}))
    made = await exported(worker, db, tmp_path, experiments=study.experiments)

    tables = made.json("data_dictionary.json")["tables"]
    stems = {data_type.value.stem: data_type.value.name for data_type in RecordType}
    for path, content in made.members().items():
        if path.endswith(".csv"):
            stem = path.rsplit("/", 1)[1].removesuffix(".csv")
            described = [column["name"] for column in tables[stems.get(stem, stem)]["columns"]]
            assert content.decode().splitlines()[0] == ",".join(described)
            assert all(column["description"] for column in tables[stems.get(stem, stem)]["columns"])
    by_name = {column["name"]: column for column in tables["events"]["columns"]}
    assert by_name["onset"]["unit"] == "ms"
    assert by_name["response.value"]["jsonTypes"] == ["number"]
    assert by_name["participantId"]["identifies"] == "direct identifier"


async def test_the_same_recipe_gives_the_same_bytes(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    recipe = await recipe_of(db, experiments=study.experiments)
    first = await exported(worker, db, tmp_path / "1", experiments=study.experiments)
    with working() as another:
        second = await exported(another, db, tmp_path / "2", experiments=study.experiments)

    assert recipe == await recipe_of(db, experiments=study.experiments)
    assert first.path.read_bytes() == second.path.read_bytes()


# What is selected


async def test_places_together_are_one_selection_and_nothing_is_there_twice(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    room, person = study.rooms[0], study.people[-1]
    inside = study.people[0]  # lies in the room, and is named as well

    made = await exported(worker, db, tmp_path, rooms=[room], participants=[person, inside])

    for data_type in RecordType:
        expected = [
            *study.ids(data_type, "room_key", room.key),
            *study.ids(data_type, "participant_key", person.key),
        ]
        assert ids_in(made.stems(data_type.value.stem), data_type) == sorted(expected)


async def test_a_filter_is_the_one_of_the_connections(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    filters = {
        "EVENTS": {"onset": {"lt": 0}},
        "SYNC_METRICS": {"participant_id": {"in_": [study.people[0]["participant_id"]]}},
        "COMPONENTS": {"timestamp": {"gte": START + 1}},
    }
    made = await exported(worker, db, tmp_path, experiments=study.experiments, filters=filters)

    assert {int(row["onset"]) for row in made.stems("events")} == {-2_500, -1}
    assert {row["participantId"] for row in made.stems("sync_metrics")} == {
        study.people[0]["participant_id"]
    }
    assert {int(row["onset"]) for row in made.stems("components")} == {1_000, 90_000}
    assert len(made.stems("chat")) == len(ONSETS) * len(study.people)
    ledger = {entry["dataType"]: entry["selected"] for entry in made.manifest["ledger"]}
    assert ledger["EVENTS"] == 2 * len(study.people)


async def test_what_was_added_after_the_snapshot_is_left_out(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    recipe = await recipe_of(db, experiments=study.experiments)
    late = a_participant(study.rooms[0])
    await save(db, late, *(make(study.people[0], onset=-9) for make in A_RECORD.values()))
    await save(db, an_event(late))

    worker.say((await plan_of(db, tmp_path, recipe)).command("job"))
    while "progress" in (message := worker.hear()):
        pass
    made = Exported(tmp_path / message["done"]["storage_key"], message["done"])

    assert all(entry["selected"] == 40 for entry in made.manifest["ledger"])
    assert -9 not in {int(row["onset"]) for row in made.stems("events")}
    people = [row for path in made.members() if "participants" in path for row in made.csv(path)]
    assert late["participant_id"] not in {row["participantId"] for row in people}


async def test_one_csv_file_cannot_hold_two_types(
    db: Database, study: Study, tmp_path: Path
) -> None:
    recipe = await recipe_of(db, experiments=study.experiments, packaging=ONE)
    with pytest.raises(BadUserInput, match="one data type"):
        await plan_of(db, tmp_path, recipe)


async def test_nothing_selected_makes_a_file_without_rows(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    await save(db, owner, experiment)

    for file_format in ExportFormat:
        made = await exported(worker, db, tmp_path, experiments=[experiment], format=file_format)
        assert made.done["rows"] == 0
        ending = file_format.lower()
        assert f"rooms.{ending}" in made.members()
    document = await exported(
        worker, db, tmp_path, experiments=[experiment], format=JSON, packaging=ONE
    )
    assert document.json()["experiments"][0]["rooms"] == []


# Values come back as they were


@ASKING
@given(texts=st.lists(TEXTS | st.none(), min_size=1, max_size=8))
async def test_texts_come_back(
    worker: Worker, db: Database, tmp_path: Path, texts: list[str | None]
) -> None:
    person = await a_person(db)
    await save(db, *(an_event(person, onset=n, content=text) for n, text in enumerate(texts)))

    in_csv = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS)
    in_json = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, JSON)

    assert [row["content"] for row in in_csv.csv()] == [text or "" for text in texts]
    found = records_of(person, in_json.json(), RecordType.EVENTS)
    assert [row["content"] for row in found] == texts


@ASKING
@given(values=st.lists(VALUES, min_size=1, max_size=8))
@example(values=[{"": 1, "\0": 2}])  # two keys, of which a C string would make one
async def test_json_values_come_back(
    worker: Worker, db: Database, tmp_path: Path, values: list[Any]
) -> None:
    person = await a_person(db)
    await save(db, *(a_sparse_rating(person, onset=n, value=v) for n, v in enumerate(values)))

    in_csv = await exported_of(worker, db, tmp_path, person, RecordType.SPARSE_RATINGS)
    in_json = await exported_of(worker, db, tmp_path, person, RecordType.SPARSE_RATINGS, JSON)

    for value, row in zip(values, in_csv.csv(), strict=True):
        assert cells_of(row, "value") == expected_cells(value)
    raw = in_json.path.read_text()
    for value in values:
        assert f'"value":{dump_json(value)},"rawValue"' in raw
    assert [row["value"] for row in records_in(in_json.json(), RecordType.SPARSE_RATINGS)] == values


def cells_of(row: dict[str, str], column: str) -> dict[str, Any]:
    """Return what the columns of a JSON column hold; of what is JSON text, the value."""
    base = {"": json.loads(row[column])} if row[column] else {}
    keys = {name for name in row if name.startswith(f"{column}.")}
    return base | {name: row[name] for name in keys if row[name]}


def expected_cells(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {} if value is None else {"": value}
    texts = {f"value.{key}": cell_text(item) for key, item in value.items()}
    return {name: text for name, text in texts.items() if text}


def cell_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else Same(dump_json(value))


class Same(str):
    """Text that equals any JSON of the same value: `1e16` and `1e+16` are one number."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and json.loads(other) == json.loads(str(self))

    __hash__ = str.__hash__


@ASKING
@given(numbers=st.lists(st.floats(allow_nan=False) | st.none(), min_size=1, max_size=8))
async def test_numbers_come_back(
    worker: Worker, db: Database, tmp_path: Path, numbers: list[float | None]
) -> None:
    person = await a_person(db)
    await save(db, *(a_sync_metric(person, onset=n, latency=x) for n, x in enumerate(numbers)))

    in_csv = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS)
    in_json = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS, JSON)

    cells = [row["latency"] for row in in_csv.csv()]
    assert [float(cell) if cell else None for cell in cells] == numbers
    found = records_in(in_json.json(), RecordType.SYNC_METRICS)
    assert [row["latency"] for row in found] == [
        None if x is None or math.isinf(x) else x for x in numbers
    ]


async def test_infinity_is_a_word_in_csv_and_null_in_json(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    await save(db, *(a_sync_metric(person, latency=x) for x in (math.inf, -math.inf)))

    in_csv = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS)
    in_json = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS, JSON)

    assert [row["latency"] for row in in_csv.csv()] == ["inf", "-inf"]
    found = records_in(in_json.json(), RecordType.SYNC_METRICS)
    assert [row["latency"] for row in found] == [None, None]


async def test_a_missing_text_is_empty_and_an_empty_text_is_quoted(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    await save(
        db,
        an_event(person, onset=0, event_id="evt_a", event_type="t", category=None),
        an_event(person, onset=1, event_id="evt_b", event_type="t", category=""),
    )
    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS)

    assert b",evt_a,t,,," in made.path.read_bytes()
    assert b',evt_b,t,"",,' in made.path.read_bytes()


async def test_a_column_that_is_empty_for_a_whole_batch_may_fill_up_later(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    late = an_event(person, onset=9_000_000, content="late", duration=5, response=1.5)
    await save(db, *(an_event(person, onset=n) for n in range(5_000)), late)

    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS)

    rows = made.csv()
    assert len(rows) == 5_001
    last = rows[-1]
    assert (last["content"], last["duration"], last["response"]) == ("late", "5", "1.5")


async def test_moments_are_iso_8601_in_every_column_of_moments(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    moments = [-62_135_596_800_000, -1, 0, 951_782_400_000, START, 253_402_300_799_999]
    rows = [an_event(person, timestamp=at, client_timestamp=at) for at in moments]
    await save(db, *rows, an_event(person, timestamp=253_402_300_799_999))

    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS)

    found = made.csv()
    assert [row["timestamp"] for row in found[:-1]] == [iso(at) for at in moments]
    assert [row["clientTimestamp"] for row in found] == [*(iso(at) for at in moments), ""]


async def test_truth_values_are_words(worker: Worker, db: Database, tmp_path: Path) -> None:
    person = await a_person(db)
    values = [True, False, None]
    await save(db, *(a_component(person, onset=n, completed=x) for n, x in enumerate(values)))

    in_csv = await exported_of(worker, db, tmp_path, person, RecordType.COMPONENTS)
    in_json = await exported_of(worker, db, tmp_path, person, RecordType.COMPONENTS, JSON)

    assert [row["completed"] for row in in_csv.csv()] == ["true", "false", ""]
    found = records_in(in_json.json(), RecordType.COMPONENTS)
    assert [row["completed"] for row in found] == values


# JSON columns in CSV


async def test_keys_of_objects_become_columns_the_same_in_every_room(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    first, *_, last = study.people
    responses = [{"value": "a", "time": 5}, {"value": [1, {"deep": True}]}, "text", 7, {}, None]
    await save(db, *(an_event(first, onset=n, response=r) for n, r in enumerate(responses)))
    await save(db, an_event(last, response={"other": None}))

    made = await exported(worker, db, tmp_path, experiments=study.experiments)

    files = [made.csv(path) for path in made.members() if path.endswith("/events.csv")]
    assert len({tuple(rows[0]) for rows in files}) == 1
    shown = ("response", "response.other", "response.time", "response.value")
    cells = [
        tuple(row[name] for name in shown)
        for row in made.stems("events")
        if row["participantId"] == first["participant_id"] and any(row[name] for name in shown)
    ]
    assert cells == [
        ("", "", "5", "a"),
        ("", "", "", '[1,{"deep":true}]'),
        ('"text"', "", "", ""),
        ("7", "", "", ""),
        ("{}", "", "", ""),
    ]


async def test_keys_beyond_the_most_frequent_hundred_stay_as_json(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    wide = {f"k{n:03}": n for n in range(150)}
    often = {f"k{n:03}": n for n in range(60, 150)}
    await save(
        db,
        a_component(person, onset=0, variables=wide),
        a_component(person, onset=1, variables=often),
    )
    made = await exported_of(worker, db, tmp_path, person, RecordType.COMPONENTS)

    first, second = made.csv()
    columns = [name for name in first if name.startswith("variables.")]
    assert columns == [f"variables.k{n:03}" for n in [*range(10), *range(60, 150)]]
    assert json.loads(first["variables"]) == {f"k{n:03}": n for n in range(10, 60)}
    assert (first["variables.k149"], second["variables.k149"]) == ("149", "149")
    assert second["variables"] == ""


# For spreadsheets


async def test_a_spreadsheet_gets_a_mark_and_no_formulas_but_all_its_numbers(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    formula = '=HYPERLINK("x")'
    await save(
        db,
        a_chat_message(person, onset=-5, content=formula),
        an_event(person, onset=-5, content="-1", response={"said": formula, "number": -4}),
    )
    chat = await exported_of(worker, db, tmp_path, person, RecordType.CHAT_MESSAGES, excel_bom=True)
    events = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, excel_bom=True)

    assert chat.path.read_bytes().startswith(b"\xef\xbb\xbfexperimentId,")
    [message] = chat.csv()
    assert (message["content"], message["onset"]) == (f"'{formula}", "-5")
    [event] = events.csv()
    assert (event["content"], event["response.said"]) == ("'-1", f"'{formula}")
    assert event["response.number"] == "-4"


async def test_without_being_asked_no_text_is_touched(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    await save(db, a_chat_message(person, content="=1+1"))
    made = await exported_of(worker, db, tmp_path, person, RecordType.CHAT_MESSAGES)

    assert made.path.read_bytes().startswith(b"experimentId,")
    assert read_csv(made.path.read_bytes())[0]["content"] == "=1+1"
