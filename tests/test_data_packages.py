"""`datapackage.json`: a ZIP that is unpacked is a Data Package, whose values have their types."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from frictionless import Package, Resource, Schema

from server.db import Database
from server.export.media_types import MEDIA_TYPES
from server.records.exports import Anonymization, ExportFormat
from tests.factories import START, a_component, a_sync_metric, an_event, save
from tests.studies import Study
from tests.warm_worker import CSV, JSON, NDJSON, PARQUET, TSV, Exported, Worker, exported

pytestmark = pytest.mark.anyio

DELIMITED = (CSV, TSV)
FRICTIONLESS = [sys.executable, "-m", "frictionless"]


@pytest.fixture
async def full(db: Database, study: Study) -> Study:
    """The study, and records whose values are of every kind and awkward."""
    person, *_ = study.people
    awkward = 'a\r\nb\t"c"; \N{GRINNING FACE}'
    told = {"value": 3, "said": awkward, "ok": False, "mixed": [1], " odd\n": 2**70, "none": None}
    await save(
        db,
        an_event(person, content=awkward, response=told, client_timestamp=START, duration=1 << 50),
        an_event(person, content="", response={"value": -1.5, "mixed": "x"}),
        an_event(person, content="=1+1", response="alone"),
        *(a_sync_metric(person, latency=x) for x in (float("inf"), 1e300, -0.5)),
        *(a_component(person, completed=x) for x in (True, False, None)),
    )
    return study


def unpacked(made: Exported, folder: Path) -> Path:
    """Unpack a ZIP; return where its Data Package is."""
    with ZipFile(made.path) as archive:
        archive.extractall(folder)
    [package] = folder.glob("*/datapackage.json")
    return package


def faults(package: Path) -> list[list[Any]]:
    report = Package(str(package)).validate()
    found: list[list[Any]] = report.flatten(["type", "rowNumber", "fieldName", "note"])
    return found


def command_finds_no_fault(package: Path) -> bool:
    command = [*FRICTIONLESS, "validate", package.name]
    return subprocess.run(command, cwd=package.parent, check=False).returncode == 0


def change(path: Path, separator: str, column: str, text: str) -> None:
    """Put another text into the first row of a table."""
    with path.open(newline="") as file:
        header, first, *others = csv.reader(file, delimiter=separator)
    first[header.index(column)] = text
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(
            [header, first, *others]
        )


@pytest.mark.parametrize("file_format", [*DELIMITED, PARQUET])
@pytest.mark.parametrize("anonymization", [Anonymization.KEEP, Anonymization.REMOVE_IDENTIFIERS])
@pytest.mark.parametrize("for_spreadsheets", [False, True])
async def test_a_package_is_valid(
    worker: Worker,
    db: Database,
    full: Study,
    tmp_path: Path,
    file_format: ExportFormat,
    anonymization: Anonymization,
    for_spreadsheets: bool,
) -> None:
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=full.experiments,
        format=file_format,
        anonymization=anonymization,
        excel_bom=for_spreadsheets,
        formula_guard=for_spreadsheets,
    )
    assert faults(unpacked(made, tmp_path / "out")) == []


async def test_the_command_of_frictionless_finds_it_valid(
    worker: Worker, db: Database, full: Study, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=full.experiments)
    assert command_finds_no_fault(unpacked(made, tmp_path / "out"))


@pytest.mark.parametrize("file_format", [JSON, NDJSON])
async def test_the_objects_of_json_have_the_types_of_their_fields(
    worker: Worker, db: Database, full: Study, tmp_path: Path, file_format: ExportFormat
) -> None:
    made = await exported(worker, db, tmp_path, experiments=full.experiments, format=file_format)
    resources = made.json("datapackage.json")["resources"]

    for resource in resources:
        rows = made.rows(resource["path"])
        schema = Schema.from_descriptor(resource["schema"])
        assert Resource(data=rows, schema=schema).validate().valid
        assert resource["rows"] == len(rows)
        assert all(list(row) == schema.field_names for row in rows)


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_a_package_names_every_table_its_bytes_and_what_it_is(
    worker: Worker, db: Database, full: Study, tmp_path: Path, file_format: ExportFormat
) -> None:
    made = await exported(worker, db, tmp_path, experiments=full.experiments, format=file_format)

    package = made.json("datapackage.json")
    resources = {resource["path"]: resource for resource in package["resources"]}
    about_all = {"metadata.json", "data_dictionary.json", "datapackage.json"}
    assert set(resources) == set(made.members()) - about_all
    assert package["description"].startswith("IDENTIFIABLE")
    for file in made.manifest["files"]:
        path = file["path"].split("/", 1)[1]
        if path in resources:
            assert resources[path]["hash"] == f"sha256:{file['sha256']}"
            assert resources[path]["bytes"] == file["bytes"]
            assert resources[path]["mediatype"] == MEDIA_TYPES[file_format.lower()]
    names = [resource["name"] for resource in resources.values()]
    assert len(set(names)) == len(names)
    assert json.loads(made.members()["metadata.json"])["files"][-1]["path"].endswith(
        "datapackage.json"
    )


@pytest.mark.parametrize(
    ("stem", "column", "text", "fault"),
    [
        ("events", "onset", "1.5", "type-error"),
        ("events", "timestamp", "yesterday", "type-error"),
        ("events", "duration", "long", "type-error"),
        ("events", "response.ok", "7", "type-error"),
        ("events", "response.value", "seven", "type-error"),
        ("sync_metrics", "latency", "late", "type-error"),
        ("components", "completed", "yes", "type-error"),
        ("events", "content", "changed", "hash-count"),
    ],
)
@pytest.mark.parametrize("file_format", DELIMITED)
async def test_a_value_of_another_type_is_found_and_so_is_any_change(
    worker: Worker,
    db: Database,
    full: Study,
    tmp_path: Path,
    file_format: ExportFormat,
    stem: str,
    column: str,
    text: str,
    fault: str,
) -> None:
    made = await exported(worker, db, tmp_path, rooms=[full.rooms[0]], format=file_format)
    package = unpacked(made, tmp_path / "out")
    [path] = package.parent.glob(f"*/{stem}.*")
    change(path, "," if file_format is CSV else "\t", column, text)

    assert fault in {each[0] for each in faults(package)}
