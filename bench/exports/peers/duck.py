"""DuckDB, given the rows by ADBC as Arrow: `duck.py JOB`, which is JSON."""

import json
import sys
from pathlib import Path

import duckdb
from adbc_driver_sqlite import dbapi

BATCH = 65_536
"""Rows of a batch; the first of them tells ADBC the types of the columns."""

WRITTEN = {
    "CSV": "FORMAT csv, HEADER",
    "NDJSON": "FORMAT json",
    "PARQUET": "FORMAT parquet, COMPRESSION zstd",
}


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    with dbapi.connect(f"file:{job['database']}?mode=ro") as source, source.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH)})
        cursor.execute(job["stored"])
        duck = duckdb.connect()
        duck.register("stored", cursor.fetch_record_batch())
        text = job["format"] != "PARQUET"
        columns = ", ".join(f"{shown(name, kind, text)} AS {name}" for name, kind in job["columns"])
        written = f"'{job['out']}' ({WRITTEN[job['format']]})"
        duck.execute(f"COPY (SELECT {columns} FROM stored) TO {written}")


def shown(name: str, kind: str, text: bool) -> str:
    if kind == "timestamp":
        moment = f"make_timestamp_ms({name})"
        return f"strftime({moment}, '%Y-%m-%dT%H:%M:%S.%gZ')" if text else moment
    return f"{name}::JSON" if kind == "json" else name


if __name__ == "__main__":
    main()
