"""A warm export worker for tests, and what it wrote, read by Python's own csv, json and zipfile."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from server.db import Database
from server.export.plan import make_plan
from server.export.pseudonyms import assign_pseudonyms
from server.export.recipe import Recipe, take_bounds
from server.export.tables import Plan
from server.records import RecordType
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.timestamps import Timestamp
from tests.factories import START, Row
from tests.folders import files_below

COMMAND = [sys.executable, "-m", "server.export.worker"]

CSV, JSON = ExportFormat.CSV, ExportFormat.JSON
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
    with process:
        try:
            worker = Worker(process)
            assert worker.hear() == {"ready": True, "pid": process.pid}
            yield worker
        finally:
            process.kill()


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

    def members(self) -> dict[str, bytes]:
        """Return the files of a ZIP, by their paths below its one folder."""
        with ZipFile(self.path) as archive:
            assert archive.testzip() is None
            return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}

    def stems(self, stem: str) -> Rows:
        """Return the rows of all CSV files of a data type."""
        paths = [path for path in self.members() if path.endswith(f"/{stem}.csv")]
        return [row for path in paths for row in self.csv(path)]


def read_csv(data: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


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
            database_url=db.url,
            storage_url=f"file://{folder}",
            key_prefix="exports/1-1",
        )


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
