"""Python's own sqlite3 in a thread, csv.writer and, for a ZIP, zipfile.

`thread.py JOB`, which is JSON.
"""

import asyncio
import csv
import io
import json
import sqlite3
import sys
import zipfile
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

AT_ONCE = 5_000
TIMESTAMP = 3  # its place among the columns


def write(job: dict[str, Any]) -> None:
    with closing(sqlite3.connect(f"file:{job['database']}?mode=ro", uri=True)) as connection:
        if job["members"]:
            with zipfile.ZipFile(job["out"], "w", zipfile.ZIP_DEFLATED) as archive:
                for name, statement in job["members"].items():
                    with archive.open(name, "w") as member:
                        text = io.TextIOWrapper(member, "utf-8", newline="")
                        write_csv(text, connection.execute(statement))
                        text.flush()
        else:
            with open(job["out"], "w", newline="") as file:  # noqa: PTH123 - as scripts do
                write_csv(file, connection.execute(job["stored"]))


def write_csv(file: IO[str], rows: sqlite3.Cursor) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([each[0] for each in rows.description])
    while some := rows.fetchmany(AT_ONCE):
        writer.writerows(written(some))


def written(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*row[:TIMESTAMP], iso(row[TIMESTAMP]), *row[TIMESTAMP + 1 :]) for row in rows]


def iso(moment: int) -> str:
    text = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


if __name__ == "__main__":
    asyncio.run(asyncio.to_thread(write, json.loads(Path(sys.argv[1]).read_text())))
