"""Values come back from files as they were stored."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.column_types import dump_json
from server.db import Database
from server.records import RecordType
from server.timestamps import iso
from tests.factories import (
    START,
    a_chat_message,
    a_component,
    a_sparse_rating,
    a_sync_metric,
    an_event,
    save,
)
from tests.studies import (
    ASKING,
    TEXTS,
    VALUES,
    Study,
    a_person,
    exported_of,
    records_in,
    records_of,
)
from tests.warm_worker import (
    JSON,
    Worker,
    exported,
    read_csv,
)

pytestmark = pytest.mark.anyio


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

    texts_only = keys_of_texts_only(values)
    for value, row in zip(values, in_csv.csv(), strict=True):
        assert cells_of(row, "value") == expected_cells(value, texts_only)
    raw = in_json.path.read_text()
    for value in values:
        assert f'"value":{dump_json(value)},"rawValue"' in raw
    assert [row["value"] for row in records_in(in_json.json(), RecordType.SPARSE_RATINGS)] == values


def cells_of(row: dict[str, str], column: str) -> dict[str, Any]:
    """Return what the columns of a JSON column hold; of what is JSON text, the value."""
    base = {"": json.loads(row[column])} if row[column] else {}
    keys = {name for name in row if name.startswith(f"{column}.")}
    return base | {name: row[name] for name in keys if row[name]}


def expected_cells(value: Any, texts_only: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {} if value is None else {"": value}
    left = {key: None for key, item in value.items() if item is None}
    texts = {
        f"value.{key}": item if key in texts_only else cell_text(item)
        for key, item in value.items()
        if item is not None
    }
    return ({"": left} if left else {}) | {name: text for name, text in texts.items() if text}


def keys_of_texts_only(values: list[Any]) -> set[str]:
    items = [item for value in values if isinstance(value, dict) for item in value.items()]
    others = {key for key, item in items if not isinstance(item, str | None)}
    return {key for key, item in items if isinstance(item, str)} - others


def cell_text(value: Any) -> str:
    """Return the cell of a key that holds more than texts."""
    if isinstance(value, str) and not is_json(value):
        return value
    return Same(dump_json(value))


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


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
