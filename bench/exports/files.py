"""The files that are written, and the ways to write each of them."""

import json
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.exports.costs import run
from bench.exports.database import Built
from bench.exports.ours import Written, export
from bench.exports.statements import ALL, as_csv, as_json, stored
from server.export.tables import Plan

SHELL = "sqlite3"


@dataclass(frozen=True)
class File:
    """A file to be written, below a folder; a ZIP's members, with the key of the room of each."""

    built: Built
    folder: Path
    plan: Plan
    title: str
    rows: int
    members: tuple[tuple[str, int], ...] = ()

    @property
    def format(self) -> str:
        return "ZIP" if self.members else self.plan.format

    def job(self, out: Path, rows: int) -> str:
        """Return what a peer must know, as JSON."""
        tables = {table.stem: table for table in self.plan.records}
        return json.dumps(
            {
                "database": str(self.built.file),
                "out": str(out),
                "format": self.format,
                "rows": rows,
                "columns": [(each.name, each.kind) for each in self.plan.records[0].columns],
                "stored": stored(self.plan.records[0], rows),
                "members": {
                    name: stored(tables[Path(name).stem], where=f"record.room_key = {room}")
                    for name, room in self.members
                },
            }
        )


@dataclass(frozen=True)
class Way:
    """A way to write a file; one that is slow writes only some of the rows."""

    name: str
    title: str
    write: Callable[[File, Path, int], Written]
    share: int = ALL

    @contextmanager
    def written(self, file: File) -> Generator[Written]:
        """Write a file, which is there until the block ends."""
        folder = file.folder / self.name
        folder.mkdir(parents=True)
        try:
            yield self.write(file, folder, min(self.share, file.rows))
        finally:
            shutil.rmtree(folder)


def _export(file: File, _folder: Path, _rows: int) -> Written:
    return export(file.plan)


def _peer(script: str, *options: str) -> Callable[[File, Path, int], Written]:
    def write(file: File, folder: Path, rows: int) -> Written:
        out = folder / f"written.{file.format.lower()}"
        here = [sys.executable, "-m", f"bench.exports.peers.{script}"]
        job = folder / "job.json"  # a plan may be longer than an argument
        job.write_text(file.job(out, rows))
        cost = run([*here, str(job), *options])
        return Written(out, file.rows if rows == ALL else rows, cost)

    return write


def _shell(file: File, folder: Path, _rows: int) -> Written:
    [table] = file.plan.records
    as_lines = file.format == "NDJSON"
    said = ["-list", "-noheader"] if as_lines else ["-csv", "-header"]
    statement = as_json(table) if as_lines else as_csv(table)
    out = folder / "written"
    with out.open("wb") as writing:
        cost = run([SHELL, "-readonly", *said, str(file.built.file), statement], writing)
    return Written(out, file.rows, cost)


OURS = Way("ours", "ours, from a worker's start", _export)


def ways(format_: str, slow: int, slower: int) -> list[Way]:
    """Return how a format is written: ours first."""
    shell = Way("sqlite3", f"{SHELL} (the shell)", _shell)
    duck = Way("duckdb", "DuckDB over ADBC", _peer("duck"))
    thread = partial(Way, "thread", write=_peer("thread"))
    orm = [
        Way("orm", "SQLModel ORM, model_dump, DictWriter", _peer("orm", "dump"), slower),
        Way("orm by hand", "the same, dicts by hand", _peer("orm"), slower),
    ]
    return {
        "CSV": [
            OURS,
            shell,
            duck,
            thread(title="sqlite3 in a thread, csv.writer", share=slow),
            *orm,
        ],
        "PARQUET": [OURS, duck],
        "NDJSON": [OURS, shell, duck, *orm],
        "ZIP": [OURS, thread(title="sqlite3 in a thread, csv.writer, zipfile")],
    }[format_]
