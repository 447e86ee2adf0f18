"""Our worker, spoken to as the server does: a new process for each file."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bench.exports.costs import Cost, cpu_seconds, launched
from bench.exports.database import Built
from server.db import Database
from server.export.plan import Places, make_plan
from server.export.recipe import Recipe, take_bounds
from server.export.tables import Plan
from server.records.experiments import Experiment
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.timestamps import Timestamp

WORKER = (sys.executable, "-m", "server.export.worker")
TITLE = "bench"


@dataclass(frozen=True)
class Written:
    """A file, how many records are in it, and what it cost: to a worker that is warm, as well."""

    path: Path
    rows: int
    cost: Cost
    warm: Cost | None = None


async def plan_of(built: Built, folder: Path, **recipe: Any) -> Plan:
    """Plan an export as the server does; of all experiments, if no rooms are named."""
    db = Database(f"sqlite+aiosqlite:///{built.file}")
    try:
        async with db.read() as tx:
            everything = tuple(await tx.scalars(select(col(Experiment.id))))
            values: dict[str, Any] = {
                "experiment_keys": () if "room_keys" in recipe else everything,
                "format": ExportFormat.CSV,
                "packaging": ExportPackaging.SINGLE_FILE,
                "anonymization": Anonymization.KEEP,
                "title": TITLE,
                "bounds": await take_bounds(tx),
                "snapshot_at": Timestamp(0),
            }
            places = Places(db.url, folder / "spool", f"file://{folder}/store")
            made = Recipe(**{**values, **recipe})
            return await make_plan(tx, made, places, name="1", key_prefix="exports/1")
    finally:
        await db.close()


def export(plan: Plan) -> Written:
    """Have a new worker carry out a plan."""
    with launched(WORKER, subprocess.PIPE) as worker:
        process = worker.process
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        start, cpu = time.perf_counter(), cpu_seconds(ready["pid"])
        process.stdin.write(plan.command("bench"))
        process.stdin.flush()
        while "progress" in (message := json.loads(process.stdout.readline())):
            pass
        assert "done" in message, message
        warm = Cost(cpu_seconds(ready["pid"]) - cpu, time.perf_counter() - start)
    store = Path(plan.storage_url.removeprefix("file://"))
    done = message["done"]
    warm.peak = worker.cost.peak
    return Written(store / done["storage_key"], done["rows"], worker.cost, warm)
