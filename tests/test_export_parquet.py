"""Parquet files: what they say of themselves, and that they are written a part at a time."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from server.db import Database
from server.export.arrow import pa, pq
from server.export.formats import Text, text_of
from server.export.parquet_files import BYTES, ROWS
from server.records import RecordType
from server.records.exports import Anonymization
from tests.factories import START, an_event, save
from tests.studies import a_person, exported_of
from tests.warm_worker import PARQUET, Worker, plan_of, recipe_of

pytestmark = pytest.mark.anyio

BATCH = 4_096
LEVELS = {Anonymization.KEEP: "IDENTIFIABLE", Anonymization.REMOVE_IDENTIFIERS: "DE-IDENTIFIED"}


@pytest.mark.parametrize("anonymization", LEVELS)
async def test_a_file_says_what_it_is_and_how_private(
    worker: Worker, db: Database, tmp_path: Path, anonymization: Anonymization
) -> None:
    person = await a_person(db)
    await save(db, an_event(person))
    made = await exported_of(
        worker, db, tmp_path, person, RecordType.EVENTS, PARQUET, anonymization=anonymization
    )
    said = pq.read_schema(made.path).metadata

    assert said[b"formatVersion"] == b"1"
    assert said[b"createdBy"].startswith(b"hyperstudy-data ")
    assert said[b"snapshotAt"] == b"2024-10-20T14:30:45.123Z"
    assert said[b"anonymization"] == anonymization.encode()
    assert said[b"privacy"].decode().startswith(LEVELS[anonymization])
    assert said[b"table"] == b"events"


async def test_a_column_says_what_it_means(worker: Worker, db: Database, tmp_path: Path) -> None:
    person = await a_person(db)
    await save(db, an_event(person))
    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, PARQUET)
    schema = pq.read_schema(made.path)

    onset = schema.field("onset").metadata
    assert (onset[b"kind"], onset[b"unit"]) == (b"integer", b"ms")
    assert onset[b"description"].startswith(b"Milliseconds from the room's experiment start")
    assert b"identifies" not in onset
    assert schema.field("participantId").metadata[b"identifies"] == b"direct identifier"
    assert schema.field("content").metadata[b"identifies"] == b"free text"


async def test_it_is_compressed_by_zstandard(worker: Worker, db: Database, tmp_path: Path) -> None:
    person = await a_person(db)
    await save(db, an_event(person))
    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, PARQUET)

    group = pq.read_metadata(made.path).row_group(0)
    assert {group.column(n).compression for n in range(group.num_columns)} == {"ZSTD"}


async def test_nested_values_can_be_asked_for_in_sql(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    await save(db, an_event(person, response={"value": [1, 2]}), an_event(person))
    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, PARQUET)

    with duckdb.connect() as database:
        found = database.sql(f"SELECT response -> '$.value[1]' FROM '{made.path}'").fetchall()
    assert sorted(found, key=str) == [("2",), (None,)]


async def text(db: Database, folder: Path) -> Text:
    person = await a_person(db)
    recipe = await recipe_of(
        db,
        participants=[person],
        types=[RecordType.EVENTS],
        format=PARQUET,
        columns={"EVENTS": ("timestamp", "onset", "content")},
    )
    plan = await plan_of(db, folder, recipe)
    return text_of(plan.records[0], plan, {})


def batch(count: int, content: str) -> dict[str, Any]:
    return {
        "timestamp": pa.array([START] * count),
        "onset": pa.array(range(count)),
        "content": pa.array([content] * count),
    }


@pytest.mark.parametrize(
    ("content", "batches"), [("short", 3 * ROWS // BATCH), ("long" * 1024, 3 * BYTES // BATCH**2)]
)
async def test_no_more_than_one_group_of_rows_is_held(
    db: Database, tmp_path: Path, content: str, batches: int
) -> None:
    table = await text(db, tmp_path)
    parts = [bytes(table.head())]
    parts += [bytes(table.rows(batch(BATCH, content))) for _ in range(batches)]
    written = [n for n, part in enumerate(parts) if n and part]
    parts.append(bytes(table.tail()))

    file = pq.ParquetFile(pa.BufferReader(b"".join(parts)))
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert sum(groups) == file.metadata.num_rows == batches * BATCH
    assert len(written) == len(groups) >= 3  # each as soon as it was whole
    assert max(groups) <= ROWS
    assert max(groups) * len(content) <= BYTES + BATCH * len(content)
    assert file.read()["content"].to_pylist() == [content] * (batches * BATCH)


async def test_a_table_without_rows_is_a_file_with_columns(db: Database, tmp_path: Path) -> None:
    table = await text(db, tmp_path)
    data = bytes(table.head()) + bytes(table.tail())

    assert pq.read_table(pa.BufferReader(data)).schema.names == ["timestamp", "onset", "content"]
