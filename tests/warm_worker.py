"""A warm export worker for tests, and what it wrote, read by Python's own modules and Arrow."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZipFile

from server.db import Database
from server.export.arrow import pa, pq
from server.export.plan import Places, make_plan
from server.export.pseudonyms import assign_pseudonyms
from server.export.recipe import Recipe, take_bounds
from server.export.tables import Plan
from server.records import RecordType
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.timestamps import Timestamp
from tests.factories import START, Row
from tests.folders import files_below

COMMAND = [sys.executable, "-m", "server.export.worker"]

CSV, TSV, JSON = ExportFormat.CSV, ExportFormat.TSV, ExportFormat.JSON
NDJSON, PARQUET = ExportFormat.NDJSON, ExportFormat.PARQUET
ONE, ZIP = ExportPackaging.SINGLE_FILE, ExportPackaging.ZIP

Rows = list[dict[str, Any]]


class Worker:
    """A worker process, spoken to as the server does."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message


@contextmanager
def working() -> Generator[Worker]:
    """Run a worker until the block ends."""
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:  # whose end closes its input, and with that the worker ends: by itself
        worker = Worker(process)
        assert worker.hear() == {"ready": True, "pid": process.pid}
        yield worker


@dataclass
class Exported:
    """A finished file, and what was said of it."""

    path: Path
    done: dict[str, Any]
    progress: list[dict[str, Any]] = field(default_factory=list)

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = self.done["manifest"]
        return manifest

    def csv(self, path: str = "") -> Rows:
        """Read a CSV file, by its path in the ZIP if it is in one."""
        return read_csv(self.members()[path] if path else self.path.read_bytes())

    def json(self, path: str = "") -> Any:
        """Read a JSON file, by its path in the ZIP if it is in one."""
        return json.loads(self.members()[path] if path else self.path.read_bytes())

    def rows(self, path: str = "") -> Rows:
        """Read the rows of a file of any format, by its path in the ZIP if it is in one."""
        ending = (path or self.path.name).rsplit(".", 1)[1]
        return read_rows(self.members()[path] if path else self.path.read_bytes(), ending)

    def members(self) -> dict[str, bytes]:
        """Return the files of a ZIP, by their paths below its one folder."""
        with ZipFile(self.path) as archive:
            assert archive.testzip() is None
            return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}

    def stems(self, stem: str) -> Rows:
        """Return the rows of all files of a data type."""
        paths = [path for path in self.members() if PurePosixPath(path).stem == stem]
        return [row for path in paths for row in self.rows(path)]


def read_rows(data: bytes, ending: str) -> Rows:
    """Read a file; a nested document has no rows, and is not read."""
    match ending:
        case "csv":
            return read_csv(data)
        case "tsv":
            return read_csv(data, "\t")
        case "json":
            rows: Rows = json.loads(data)
            return rows
        case "ndjson":
            return [json.loads(line) for line in data.decode().split("\n")[:-1]]
        case _:
            table: Rows = pq.read_table(pa.BufferReader(data)).to_pylist()
            return table


def read_csv(data: bytes, separator: str = ",") -> Rows:
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, delimiter=separator))


def text_in(data: bytes) -> str:
    """Return all that can be read in a file: of Parquet, what is packed up, too."""
    if not data.startswith(b"PAR1"):
        return data.decode()
    table = pq.read_table(pa.BufferReader(data))
    said = str(table.schema) + str(pq.read_metadata(pa.BufferReader(data)).metadata)
    rows = json.dumps(table.to_pylist(), ensure_ascii=False, default=str)
    return data.decode(errors="replace") + said + rows


async def recipe_of(
    db: Database,
    *,
    experiments: Iterable[Row] = (),
    rooms: Iterable[Row] = (),
    participants: Iterable[Row] = (),
    types: Iterable[RecordType] = RecordType,
    **changes: Any,
) -> Recipe:
    names = tuple(data_type.name for data_type in types)
    async with db.write() as tx:
        bounds = await take_bounds(tx)
    values: dict[str, Any] = {
        "experiment_keys": tuple(row.key for row in experiments),
        "room_keys": tuple(row.key for row in rooms),
        "participant_keys": tuple(row.key for row in participants),
        "data_types": names,
        "format": CSV,
        "packaging": ZIP,
        "anonymization": Anonymization.KEEP,
        "title": "exp_1_2024-10-20",
        "bounds": bounds,
        "snapshot_at": Timestamp(START),
    }
    return Recipe(**{**values, **changes})


async def plan_of(db: Database, folder: Path, recipe: Recipe) -> Plan:
    async with db.write() as tx:
        await assign_pseudonyms(tx, recipe)
    async with db.read() as tx:
        return await make_plan(
            tx,
            Recipe.model_validate(recipe.model_dump(mode="json")),
            Places(db.url, spool_of(folder), f"file://{folder}"),
            name="1",
            key_prefix="exports/1-1",
        )


def spool_of(folder: Path) -> Path:
    """Return where what goes into a folder is written first: beside it."""
    return folder.with_name(f"{folder.name}-spool")


def carry_out(worker: Worker, plan: Plan, folder: Path) -> Exported:
    """Have a plan carried out; what was not done is an error."""
    worker.say(plan.command("job"))
    progress: list[dict[str, Any]] = []
    while "progress" in (message := worker.hear()):
        progress.append(message["progress"])
    assert message["job"] == "job"
    assert "done" in message, message
    return Exported(folder / message["done"]["storage_key"], message["done"], progress)


async def exported(worker: Worker, db: Database, folder: Path, **recipe: Any) -> Exported:
    """Export a selection, which `recipe_of` describes."""
    plan = await plan_of(db, folder, await recipe_of(db, **recipe))
    return carry_out(worker, plan, folder)


def visible(folder: Path) -> list[Path]:
    """Return the files below a folder that the store lets anybody see."""
    return [path for path in files_below(folder) if "#" not in path.name]
