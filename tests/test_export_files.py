"""Export files: every record, in every form, and nothing else."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from server.db import Database
from server.errors import BadUserInput
from server.records import RecordType
from server.records.exports import ExportFormat, ExportPackaging
from tests.factories import (
    A_RECORD,
    START,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.studies import ONSETS, Study, all_keys, ids_in, records_in
from tests.warm_worker import (
    JSON,
    ONE,
    ZIP,
    Exported,
    Worker,
    exported,
    plan_of,
    recipe_of,
    working,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_the_files_in_a_zip_hold_every_record(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: ExportFormat
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments, format=file_format)

    for data_type in RecordType:
        rows = made.stems(data_type.value.stem)
        assert ids_in(rows, data_type) == study.ids(data_type, "experiment_key", *all_keys(study))
        assert {int(row["onset"]) for row in rows} == set(ONSETS)
    assert len(made.stems("rooms")) == len(study.rooms)
    assert len(made.stems("participants")) == len(study.people)


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


@pytest.mark.parametrize("file_format", [each for each in ExportFormat if each is not JSON])
@pytest.mark.parametrize("data_type", RecordType)
async def test_one_file_holds_every_record_of_its_type(
    worker: Worker,
    db: Database,
    study: Study,
    tmp_path: Path,
    data_type: RecordType,
    file_format: ExportFormat,
) -> None:
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=study.experiments,
        types=[data_type],
        format=file_format,
        packaging=ONE,
    )

    rows = made.rows()
    assert made.path.suffix == f".{file_format.lower()}"
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
    one_table = packaging is ONE and file_format is not JSON
    types = [RecordType.CHAT_MESSAGES] if one_table else list(RecordType)
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
    if packaging is ZIP:
        assert made.json("metadata.json")["ledger"] == made.manifest["ledger"]
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
        "datapackage.json",
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


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_the_same_recipe_gives_the_same_bytes(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: ExportFormat
) -> None:
    wanted: dict[str, Any] = {"experiments": study.experiments, "format": file_format}
    recipe = await recipe_of(db, **wanted)
    first = await exported(worker, db, tmp_path / "1", **wanted)
    with working() as another:
        second = await exported(another, db, tmp_path / "2", **wanted)

    assert recipe == await recipe_of(db, **wanted)
    assert first.path.read_bytes() == second.path.read_bytes()


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
