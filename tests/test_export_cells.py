"""The cells of CSV and TSV: what is missing, what was nested, what a spreadsheet takes amiss."""

import json
import math
from pathlib import Path

import pytest

from server.db import Database
from server.records import RecordType
from server.records.exports import ExportFormat
from tests.factories import (
    a_chat_message,
    a_component,
    a_sync_metric,
    an_event,
    save,
)
from tests.studies import Study, a_person, exported_of
from tests.warm_worker import CSV, TSV, Worker, exported

pytestmark = pytest.mark.anyio

DELIMITED = (CSV, TSV)


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


async def test_keys_of_objects_become_columns_the_same_in_every_room(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    first, *_, last = study.people
    responses = [
        {"value": "a", "time": 5},
        {"value": [1, {"deep": True}]},
        {"value": "5"},
        "text",
        7,
        {},
        None,
        {"time": None},
    ]
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
        ("", "", "", '"5"'),
        ('"text"', "", "", ""),
        ("7", "", "", ""),
        ("{}", "", "", ""),
        ('{"time":null}', "", "", ""),
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


@pytest.mark.parametrize("file_format", DELIMITED)
async def test_a_spreadsheet_gets_no_formulas_but_all_its_numbers(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    formula = '=HYPERLINK("x")'
    response = {"said": formula, "again": f"'{formula}", "number": -4, "list": [-1]}
    event = an_event(person, onset=-5, content="-1", response=response)
    await save(db, event, a_sync_metric(person, latency=-math.inf))

    guarded = {"formula_guard": True}
    events = await exported_of(
        worker, db, tmp_path, person, RecordType.EVENTS, file_format, **guarded
    )
    metrics = await exported_of(
        worker, db, tmp_path, person, RecordType.SYNC_METRICS, file_format, **guarded
    )

    [row] = events.rows()
    assert events.path.read_bytes().startswith(b"experimentId")  # no mark: that is another switch
    assert (row["content"], row["onset"], row["response.number"]) == ("'-1", "-5", "-4")
    assert (row["response.said"], row["response.again"]) == (f"'{formula}", f"''{formula}")
    assert metrics.rows()[0]["latency"] == "-inf"


@pytest.mark.parametrize("file_format", DELIMITED)
async def test_a_mark_tells_a_spreadsheet_the_encoding_and_touches_no_text(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    await save(db, a_chat_message(person, content="=1+1"))

    plain = await exported_of(worker, db, tmp_path, person, RecordType.CHAT_MESSAGES, file_format)
    before = plain.path.read_bytes()
    marked = await exported_of(
        worker, db, tmp_path, person, RecordType.CHAT_MESSAGES, file_format, excel_bom=True
    )

    assert plain.rows()[0]["content"] == "=1+1"
    assert marked.path.read_bytes() == b"\xef\xbb\xbf" + before
