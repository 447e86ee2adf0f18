"""Values come back from files as they were stored."""

import json
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.column_types import dump_json
from server.db import Database
from server.export.arrow import pa, pq
from server.records import RecordType
from server.records.exports import ExportFormat
from server.timestamps import iso
from tests.factories import (
    START,
    Row,
    a_component,
    a_participant,
    a_recording,
    a_room,
    a_sparse_rating,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.studies import (
    ASKING,
    TEXTS,
    VALUES,
    a_person,
    exported_of,
    storable,
    values_in,
)
from tests.warm_worker import CSV, JSON, NDJSON, ONE, PARQUET, TSV, Worker, exported

pytestmark = pytest.mark.anyio


DELIMITED = (CSV, TSV)


@pytest.fixture
def db(any_db: Database) -> Database:
    """Either kind of database."""
    return any_db


def exactly(text: str | None) -> Any:
    """Return JSON with numbers as they are written: `1e16` and `10000000000000000` are one."""
    return None if text is None else json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize("file_format", ExportFormat)
@ASKING
@given(texts=st.lists(TEXTS | st.none(), min_size=1, max_size=8), guard=st.booleans())
@example(texts=["=1", "'=1", "''-", "'", None, ""], guard=True)
async def test_texts_come_back(
    worker: Worker,
    db: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    texts: list[str | None],
    guard: bool,
) -> None:
    person = await a_person(db)
    texts = storable(db, texts)
    await save(db, *(an_event(person, onset=n, content=text) for n, text in enumerate(texts)))

    made = await exported_of(
        worker, db, tmp_path, person, RecordType.EVENTS, file_format, formula_guard=guard
    )

    found = [row["content"] for row in values_in(made, RecordType.EVENTS)]
    if guard and file_format in DELIMITED:
        assert not any(re.match(r"[=+\-@\t\r\n]", text) for text in found if text)
        found = [text and re.sub(r"^'('*[=+\-@\t\r\n＝＋－＠])", r"\1", text) for text in found]
    assert found == texts


_SHORT = st.text('aé"\0,\n=', min_size=1, max_size=2)


@pytest.mark.parametrize("file_format", DELIMITED)
@ASKING
@given(
    ids=st.lists(_SHORT, min_size=1, max_size=3, unique=True),
    rows=st.lists(st.tuples(st.integers(0), _SHORT | st.none()), min_size=1, max_size=8),
    columns=st.sampled_from(
        [
            ("participantId", "content"),
            ("roomId", "participantId", "timestamp", "content", "duration"),
            ("participantId", "duration", "content"),
            ("roomId",),
        ]
    ),
)
@example(
    ids=["é", "ab"], rows=[(0, "x"), (1, "y"), (0, "z")], columns=("participantId", "content")
)  # as long in bytes, not in characters
async def test_ids_and_what_stands_behind_them_come_back(
    worker: Worker,
    db: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    ids: list[str],
    rows: list[tuple[int, str | None]],
    columns: tuple[str, ...],
) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    ids = [*dict.fromkeys(text for text in storable(db, ids) if text)] or ["a"]
    people = [a_participant(room, participant_id=text) for text in ids]
    events = [
        an_event(
            people[whose % len(ids)],
            onset=n,
            timestamp=START + n,
            content=storable(db, content),
            duration=7 if len(rows) % 2 else None,
        )
        for n, (whose, content) in enumerate(rows)
    ]
    await save(db, owner, experiment, room, *people, *events)

    shown = {"EVENTS": columns}
    chosen = {"rooms": [room], "types": [RecordType.EVENTS], "packaging": ONE}
    made = await exported(worker, db, tmp_path, format=file_format, columns=shown, **chosen)

    def expected(event: Row) -> dict[str, str | None]:
        [person] = (each for each in people if each.key == event["participant_key"])
        values = {
            "roomId": room["room_id"],
            "participantId": person["participant_id"],
            "timestamp": iso(event["timestamp"]),
            "content": event["content"],
            "duration": None if event["duration"] is None else str(event["duration"]),
        }
        return {name: values[name] for name in columns}

    assert values_in(made, RecordType.EVENTS) == [expected(event) for event in events]


@pytest.mark.parametrize("file_format", ExportFormat)
@ASKING
@given(values=st.lists(VALUES, min_size=1, max_size=8))
@example(values=[{"": 1, "\0": 2}])  # two keys, of which a C string would make one
async def test_json_values_come_back(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat, values: list[Any]
) -> None:
    person = await a_person(db)
    values = storable(db, values)
    await save(db, *(a_sparse_rating(person, onset=n, value=v) for n, v in enumerate(values)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.SPARSE_RATINGS, file_format)

    texts_only = keys_of_texts_only(values)
    rows = values_in(made, RecordType.SPARSE_RATINGS)
    for value, row in zip(values, rows, strict=True):
        if file_format in DELIMITED:
            assert cells_of(row, "value") == expected_cells(value, texts_only)
        elif file_format is PARQUET:
            assert exactly(row["value"]) == (None if value is None else exactly(dump_json(value)))
        elif db.file:
            assert row["value"] == value
    if file_format in (JSON, NDJSON) and db.file:  # byte by byte: PostgreSQL spells it anew
        raw = made.path.read_text()
        for value in values:
            assert f'"value":{dump_json(value)},"rawValue"' in raw


def cells_of(row: dict[str, Any], column: str) -> dict[str, Any]:
    """Return what the columns of a JSON column hold; of what is JSON text, the value."""
    base = {"": exactly(row[column])} if row[column] is not None else {}
    keys = {name for name in row if name.startswith(f"{column}.")}
    return base | {name: row[name] for name in keys if row[name] is not None}


def expected_cells(value: Any, texts_only: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {} if value is None else {"": exactly(dump_json(value))}
    left = {key: None for key, item in value.items() if item is None}
    items = {
        f"value.{key}": item if key in texts_only else cell_text(item)
        for key, item in value.items()
        if item is not None
    }
    return ({"": left} if left else {}) | items


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
        return isinstance(other, str) and exactly(other) == exactly(str(self))

    __hash__ = str.__hash__


@pytest.mark.parametrize("file_format", ExportFormat)
@ASKING
@given(numbers=st.lists(st.floats(allow_nan=False) | st.none(), min_size=1, max_size=8))
@example(numbers=[math.inf, -math.inf, None, -0.0, 5e-324, 1.7976931348623157e308])
@example(numbers=[0.0, -0.0])  # which are equal, and not the same
@example(numbers=[0.1, 0.1])
async def test_numbers_come_back(
    worker: Worker,
    db: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    numbers: list[float | None],
) -> None:
    person = await a_person(db)
    await save(db, *(a_sync_metric(person, onset=n, latency=x) for n, x in enumerate(numbers)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS, file_format)

    found = [row["latency"] for row in values_in(made, RecordType.SYNC_METRICS)]
    if db.file:  # SQLite keeps no -0.0
        numbers = [x if x is None else x + 0.0 for x in numbers]
    assert [None if x is None else repr(float(x)) for x in found] == [
        None if x is None else repr(x) for x in numbers
    ]


@pytest.mark.parametrize("file_format", ExportFormat)
@ASKING
@given(numbers=st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.none(), min_size=1, max_size=8))
async def test_integers_of_64_bits_come_back(
    worker: Worker,
    db: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    numbers: list[int | None],
) -> None:
    person = await a_person(db)
    await save(db, *(a_recording(person, onset=n, file_size=x) for n, x in enumerate(numbers)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.RECORDINGS, file_format)

    found = [row["fileSize"] for row in values_in(made, RecordType.RECORDINGS)]
    assert [None if x is None else int(x) for x in found] == numbers


MOMENTS = {
    -(1 << 63): "-292275055-05-16T16:47:04.192Z",
    -62_167_219_200_001: "-000001-12-31T23:59:59.999Z",
    -62_167_219_200_000: "0000-01-01T00:00:00.000Z",
    -62_135_596_800_000: "0001-01-01T00:00:00.000Z",
    -1: "1969-12-31T23:59:59.999Z",
    0: "1970-01-01T00:00:00.000Z",
    253_402_300_799_999: "9999-12-31T23:59:59.999Z",
    253_402_300_800_000: "+010000-01-01T00:00:00.000Z",
    (1 << 63) - 1: "+292278994-08-17T07:12:55.807Z",
}
"""Moments, and how ISO 8601 writes them: years of more or less than four digits have a sign."""


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_moments_of_any_year_come_back(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    moments = [START, None, *MOMENTS]
    rows = [an_event(person, onset=n, client_timestamp=at) for n, at in enumerate(moments)]
    await save(db, *rows)

    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, file_format)

    if file_format is PARQUET:
        column = pq.read_table(made.path)["clientTimestamp"]
        assert column.type == pa.timestamp("ms", "UTC")
        assert column.cast(pa.int64()).to_pylist() == moments
    else:
        texts = MOMENTS | {START: iso(START)}
        found = [row["clientTimestamp"] for row in values_in(made, RecordType.EVENTS)]
        assert found == [None if at is None else texts[at] for at in moments]


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_infinity_is_a_word_in_text_and_a_number_in_parquet(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    await save(db, *(a_sync_metric(person, latency=x) for x in (math.inf, -math.inf)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS, file_format)

    found = [row["latency"] for row in values_in(made, RecordType.SYNC_METRICS)]
    words = {JSON: "Infinity", NDJSON: "Infinity", PARQUET: math.inf}
    infinite = words.get(file_format, "inf")
    assert found == [infinite, -infinite if infinite == math.inf else f"-{infinite}"]


@pytest.mark.parametrize("file_format", ExportFormat)
@pytest.mark.parametrize(
    "stored", [r'"\ud800"', r'{"a":"\udfff","b":12345678901234567890}', "[1,\n 2]"]
)
async def test_json_that_was_stored_otherwise_comes_back(
    worker: Worker, file_db: Database, tmp_path: Path, file_format: ExportFormat, stored: str
) -> None:
    """Half a character is no text in UTF-8, but JSON can say it in an escape; and it has lines."""
    person = await a_person(file_db)
    await save(file_db, row := an_event(person, response="x"))
    async with file_db.write() as tx:
        await tx.exec_driver_sql("UPDATE event SET response = ? WHERE id = ?", (stored, row.key))
    made = await exported_of(worker, file_db, tmp_path, person, RecordType.EVENTS, file_format)

    [found] = values_in(made, RecordType.EVENTS)
    response = found["response"]
    asked = response if file_format in (JSON, NDJSON) else json.loads(response)
    assert asked == json.loads(stored)


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_a_column_that_is_empty_throughout_keeps_its_type(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    await save(db, *(an_event(person, onset=n) for n in range(3)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, file_format)

    empty = ("clientTimestamp", "content", "response", "duration", "category")
    for row in values_in(made, RecordType.EVENTS):
        assert [row[name] for name in empty] == [None] * len(empty)
    if file_format is PARQUET:
        types = pq.read_schema(made.path)
        assert types.field("clientTimestamp").type == pa.timestamp("ms", "UTC")
        assert types.field("response").type == pa.json_()
        assert types.field("duration").type == pa.int64()
        assert types.field("content").type == pa.string()


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


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_truth_values_come_back(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    values = [True, False, None]
    await save(db, *(a_component(person, onset=n, completed=x) for n, x in enumerate(values)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.COMPONENTS, file_format)

    words = ["true", "false", None] if file_format in DELIMITED else values
    assert [row["completed"] for row in values_in(made, RecordType.COMPONENTS)] == words
