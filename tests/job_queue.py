"""Exporters to test, exports to give them, and what became of those."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Database
from server.errors import BadUserInput
from server.export.jobs import Allowed, Exporter, Planner, anybody
from server.export.leases import request_cancel
from server.export.progress import Follower, Hub
from server.export.pseudonyms import assign_pseudonyms
from server.export.recipe import Recipe, take_bounds
from server.export.workers import WORKER
from server.records.exports import Export, ExportStatus
from server.settings import Settings
from server.storage import Storage
from server.timestamps import now
from tests.factories import Row as Saved
from tests.factories import a_continuous_rating, a_participant, a_room, a_user, an_experiment, save
from tests.folders import files_below

FAKE = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))
ELSEWHERE = "another-host/1:1:1:abc"
FILES = "files"


def settings(tmp_path: Path, lease_seconds: float = 600, patience: float = 0) -> Settings:
    return Settings(
        data_dir=tmp_path, lease_seconds=lease_seconds, storage_patience_seconds=patience
    )


def fake_plan(settings: Settings) -> Planner:
    async def plan(_tx: AsyncConnection, export: Row[Any], folder: str) -> object:
        if export.recipe["title"] == "no plan":
            raise BadUserInput("Choose one data type.")
        return {
            "title": export.recipe["title"],
            "storage_url": settings.storage,
            "storage_key": f"{folder}/out.csv",
            "file_name": "out.csv",
        }

    return plan


def new_exporter(
    db: Database,
    settings: Settings,
    *flags: str,
    plan: Planner | None = None,
    worker: Sequence[str] = WORKER,
    allowed: Allowed = anybody,
) -> Exporter:
    """Return an exporter on fake workers, or on real ones if it is given a plan for them."""
    command = worker if plan else (*FAKE, *flags)
    storage = Storage(settings.storage)
    return Exporter(
        db,
        storage,
        Hub(db),
        settings,
        plan=plan or fake_plan(settings),
        allowed=allowed,
        command=command,
    )


@asynccontextmanager
async def running(exporter: Exporter) -> AsyncGenerator[Exporter]:
    exporter.start()
    try:
        yield exporter
    finally:
        await exporter.stop()


@contextmanager
def server_process(
    db: Database, tmp_path: Path, lease_seconds: float
) -> Generator[subprocess.Popen[bytes]]:
    """Run an exporter on fake workers in a process of its own."""
    arguments = (url_of(db), str(tmp_path), str(lease_seconds))
    command = [sys.executable, "-m", "tests.job_queue", *arguments]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def url_of(db: Database) -> str:
    """Return what a database is opened by, once more."""
    return db.url.render_as_string(hide_password=False)


async def serve(url: str, data_dir: Path, lease_seconds: float) -> None:
    db = Database(url)
    async with running(new_exporter(db, settings(data_dir, lease_seconds))):
        await asyncio.Event().wait()


async def queue(db: Database, user: Saved, title: str = "write", **changes: Any) -> int:
    values = {
        "requested_by_key": user.key,
        "recipe": {"title": title},
        "created_at": now(),
        "format": "CSV",
        "packaging": "SINGLE_FILE",
        "anonymization": "KEEP",
    }
    async with db.write() as tx:
        added = insert(Export).values(**{**values, **changes}).returning(col(Export.id))
        key = await tx.scalar(added)
    assert key is not None
    return key


async def queue_ratings(db: Database, ratings: int = 3) -> int:
    """Queue the export of some ratings."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(db, owner, experiment, room, person)
    await save(db, *(a_continuous_rating(person, onset=n) for n in range(-1, ratings - 1)))
    async with db.read() as tx:
        bounds = await take_bounds(tx)
    recipe = Recipe.model_validate(
        {
            "experiment_keys": [experiment.key],
            "data_types": ["CONTINUOUS_RATINGS"],
            "format": "CSV",
            "packaging": "SINGLE_FILE",
            "anonymization": "KEEP",
            "title": "faces",
            "bounds": bounds,
            "snapshot_at": now(),
        }
    )
    async with db.write() as tx:
        await assign_pseudonyms(tx, recipe)
    return await queue(db, owner, recipe=recipe.model_dump(mode="json"))


async def export_of(db: Database, key: int) -> Any:
    async with db.read() as tx:
        return (await tx.execute(select(Export).where(col(Export.id) == key))).one()


async def until(db: Database, key: int, status: str) -> Any:
    """Return the export once it has a status; fail if it failed instead."""

    async def there() -> bool:
        return (await export_of(db, key)).status in {status, ExportStatus.FAILED}

    await until_true(there)
    export = await export_of(db, key)
    assert export.status == status, export.error_message
    return export


async def until_true(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.01)


async def cancel(db: Database, key: int) -> bool:
    async with db.write() as tx:
        return await request_cancel(tx, key)


def files(tmp_path: Path) -> list[str]:
    root = tmp_path / FILES
    return [str(path.relative_to(root)) for path in files_below(root)]


def children() -> set[int]:
    pids: set[int] = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # the thread may have ended by now
            pids.update(map(int, (thread / "children").read_text().split()))
    return pids


class Patient:
    """A follower that gives up waiting some time: pytest cannot break off what anyio runs."""

    def __init__(self, states: Follower) -> None:
        self._states = states

    def __aiter__(self) -> "Patient":
        return self

    async def __anext__(self) -> Row[Any]:
        async with asyncio.timeout(60):
            return await anext(self._states)


@contextmanager
def following(hub: Hub, key: int) -> Generator[Patient]:
    with hub.follow(key) as states:
        yield Patient(states)


if __name__ == "__main__":
    logging.basicConfig()
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
