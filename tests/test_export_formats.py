"""Files open in the programs that researchers use, with the types that were recorded."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from server.db import Database
from server.records import RecordType
from server.records.exports import ExportFormat
from tests.factories import START, a_component, a_sync_metric, an_event, save
from tests.studies import a_person, exported_of, values_in
from tests.warm_worker import CSV, NDJSON, PARQUET, TSV, Worker

pytestmark = pytest.mark.anyio

SEPARATORS = {CSV: ",", TSV: "\t"}
MOMENT = datetime.fromtimestamp(START / 1000, UTC)
TIMES = ("timestamp", "clientTimestamp")


class Read(dict[str, tuple[str, list[Any]]]):
    """Columns as a program read them: for each its type, in our words, and its values."""

    def texts(self, name: str) -> list[Any]:
        kind, values = self[name]
        assert kind == "text"
        return values


def by_pandas(path: Path, file_format: ExportFormat) -> Read:
    nullable: dict[str, Any] = {"dtype_backend": "numpy_nullable"}
    if file_format is PARQUET:
        frame = pd.read_parquet(path, **nullable)
    elif file_format is NDJSON:
        frame = pd.read_json(path, lines=True, **nullable)
    else:
        frame = pd.read_csv(path, sep=SEPARATORS[file_format], **nullable)
    for name in set(TIMES) & set(frame):
        frame[name] = pd.to_datetime(frame[name])
    return Read(
        (str(name), (kind_of(str(column.dtype)), [None if x is pd.NA else x for x in column]))
        for name, column in frame.items()
    )


def by_polars(path: Path, file_format: ExportFormat) -> Read:
    whole: dict[str, Any] = {"infer_schema_length": None}
    if file_format is PARQUET:
        frame = pl.read_parquet(path)
    elif file_format is NDJSON:
        frame = pl.read_ndjson(path, **whole)
        times = [name for name in TIMES if name in frame.columns]
        frame = frame.with_columns(pl.col(times).cast(pl.String).str.to_datetime(time_zone="UTC"))
    else:
        separator = SEPARATORS[file_format]
        frame = pl.read_csv(path, separator=separator, try_parse_dates=True, **whole)
    return Read((c.name, (kind_of(str(c.dtype)), c.to_list())) for c in frame)


def by_duckdb(path: Path, file_format: ExportFormat) -> Read:
    read = {
        PARQUET: f"read_parquet('{path}')",
        NDJSON: f"read_json('{path}')",
    }.get(file_format, f"read_csv('{path}', allow_quoted_nulls = false, sample_size = -1)")
    with duckdb.connect() as database:
        relation = database.sql(f"SELECT * FROM {read}")
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        shown = ", ".join(
            f'epoch_ms("{name}")' if "TIME" in kind else f'"{name}"' for name, kind in types.items()
        )
        columns = zip(*database.sql(f"SELECT {shown} FROM {read}").fetchall(), strict=True)
    return Read(
        (name, (kind_of(kind), [_moment(x) if "TIME" in kind else x for x in values]))
        for (name, kind), values in zip(types.items(), columns, strict=True)
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def kind_of(kind: str) -> str:
    kinds = {
        r"(?i)int64|bigint|hugeint": "integer",
        r"(?i)float64|double": "number",
        r"(?i)bool(ean)?": "boolean",
        r"(?i)datetime.*UTC.*|timestamp( with time zone)?": "moment",
        r"(?i)str(ing)?|varchar|object": "text",
        r"(?i)json|ext\[arrow\.json\]": "json",
    }
    return next((name for like, name in kinds.items() if re.fullmatch(like, kind)), kind)


READERS: Mapping[str, Callable[[Path, ExportFormat], Read]] = {
    "pandas": by_pandas,
    "polars": by_polars,
    "duckdb": by_duckdb,
}
FORMATS = [each for each in ExportFormat if each is not ExportFormat.JSON]
every_reader = pytest.mark.parametrize("reader", READERS)
every_format = pytest.mark.parametrize("file_format", FORMATS)


@every_reader
@every_format
async def test_events_have_their_types(
    worker: Worker, db: Database, tmp_path: Path, reader: str, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    awkward = 'tab\t, "quote"\r\n\N{GRINNING FACE}'
    response = {"value": 3, "ok": True, "said": awkward}
    first = an_event(person, onset=-5, content="", category=awkward, response=response)
    await save(
        db,
        first,
        an_event(person, onset=0, content=None, duration=1 << 40, client_timestamp=START),
    )
    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, file_format)

    read = READERS[reader](made.path, file_format)
    assert read["onset"] == ("integer", [-5, 0])
    assert read["duration"] == ("integer", [None, 1 << 40])
    assert read["timestamp"][0] == read["clientTimestamp"][0] == "moment"
    assert read["timestamp"][1][1] == read["clientTimestamp"][1][1] == MOMENT
    assert pd.isna(read["clientTimestamp"][1][0])
    assert read.texts("category") == [awkward, None]
    assert read.texts("participantId") == [person["participant_id"]] * 2
    if file_format in SEPARATORS:
        assert read["response.value"] == ("integer", [3, None])
        assert read["response.ok"] == ("boolean", [True, None])
        assert read.texts("response.said") == [awkward, None]


@every_reader
@every_format
async def test_a_missing_text_is_not_an_empty_one(
    worker: Worker, db: Database, tmp_path: Path, reader: str, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    texts = ["", None, "x"]
    await save(db, *(an_event(person, onset=n, content=text) for n, text in enumerate(texts)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.EVENTS, file_format)

    cannot_tell = reader == "pandas" and file_format in SEPARATORS
    expected = [None if cannot_tell else "", None, "x"]
    assert READERS[reader](made.path, file_format).texts("content") == expected


@every_reader
@every_format
async def test_truth_values_are_truth_values(
    worker: Worker, db: Database, tmp_path: Path, reader: str, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    values = [True, False, None]
    await save(db, *(a_component(person, onset=n, completed=x) for n, x in enumerate(values)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.COMPONENTS, file_format)

    assert READERS[reader](made.path, file_format)["completed"] == ("boolean", values)


@every_reader
@every_format
async def test_numbers_are_numbers(
    worker: Worker, db: Database, tmp_path: Path, reader: str, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    values = [1.5, None, -1e300, 0.1 + 0.2]
    await save(db, *(a_sync_metric(person, onset=n, latency=x) for n, x in enumerate(values)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS, file_format)

    assert READERS[reader](made.path, file_format)["latency"] == ("number", values)


@every_reader
@every_format
async def test_infinite_numbers_are_there_for_who_says_that_they_are_numbers(
    worker: Worker, db: Database, tmp_path: Path, reader: str, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    values = [1.5, math.inf, -math.inf, None]
    await save(db, *(a_sync_metric(person, onset=n, latency=x) for n, x in enumerate(values)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS, file_format)

    _, found = READERS[reader](made.path, file_format)["latency"]
    texts = (str(x).strip('"') for x in found if x is not None)  # DuckDB: a column of JSON
    assert [*map(float, texts), None] == values


@every_format
async def test_duckdb_takes_infinite_numbers_in_a_column_that_is_said_to_be_of_numbers(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    values = [1.5, math.inf, -math.inf, None]
    await save(db, *(a_sync_metric(person, onset=n, latency=x) for n, x in enumerate(values)))

    made = await exported_of(worker, db, tmp_path, person, RecordType.SYNC_METRICS, file_format)

    read = {
        PARQUET: f"read_parquet('{made.path}')",
        NDJSON: f"read_json('{made.path}', columns = {{latency: 'DOUBLE'}})",
    }.get(file_format, f"read_csv('{made.path}', types = {{'latency': 'DOUBLE'}})")
    with duckdb.connect() as database:
        assert database.sql(f"SELECT latency FROM {read}").fetchall() == [(x,) for x in values]


# What read.csv of R makes of a file, by the letter of its documentation: there is no R here

R_NAME = r"[A-Za-z][A-Za-z0-9._]*"
R_INTEGER, R_NUMBER = r"-?\d+", r"-?(\d+(\.\d+)?(e-?\d+)?|inf)"
R_LOGICAL = r"true|false"
R_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.mark.parametrize("file_format", SEPARATORS)
async def test_tables_are_as_r_takes_them(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    await save(
        db,
        an_event(person, duration=1_234_567, client_timestamp=START, response={"value": 1e-9}),
        an_event(person, duration=None),
        *(a_component(person, onset=n, completed=x) for n, x in enumerate([True, False, None])),
        *(a_sync_metric(person, latency=x) for x in (1234567.5, -math.inf, 5e-324, None)),
    )
    columns = {
        RecordType.EVENTS: {
            "onset": R_INTEGER,
            "duration": R_INTEGER,
            "timestamp": R_MOMENT,
            "clientTimestamp": R_MOMENT,
            "response.value": R_NUMBER,
        },
        RecordType.COMPONENTS: {"completed": R_LOGICAL},
        RecordType.SYNC_METRICS: {"latency": R_NUMBER, "timeDrift": R_NUMBER},
    }
    for data_type, expected in columns.items():
        made = await exported_of(worker, db, tmp_path, person, data_type, file_format)
        header = made.path.read_text().split("\n", 1)[0].split(SEPARATORS[file_format])
        assert all(re.fullmatch(R_NAME, name) for name in header)  # unquoted, and kept as they are
        for row in values_in(made, data_type):
            for name, like in expected.items():
                assert row[name] is None or re.fullmatch(like, row[name])
