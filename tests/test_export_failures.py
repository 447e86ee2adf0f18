"""Exports that cannot be kept: they fail with a code and a sentence, and leave nothing behind."""

import sys
from pathlib import Path

import pytest

from server.db import Database
from server.export.jobs import Exporter
from server.export.plan import planner
from server.settings import Settings
from tests.folders import files_below
from tests.job_queue import new_exporter, queue_ratings, running, settings, until

pytestmark = pytest.mark.anyio

LITTLE_SPACE = """import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
runpy.run_module("server.export.worker", run_name="__main__")
"""
"""A worker whose files may have 2 kB, as if the disk were full then."""


def exporter(db: Database, at: Settings, *worker: str) -> Exporter:
    made = planner(db.url, at)
    return (
        new_exporter(db, at, plan=made, worker=worker)
        if worker
        else new_exporter(db, at, plan=made)
    )


def left_of(tmp_path: Path) -> list[Path]:
    return [path for name in ("files", "spool") for path in files_below(tmp_path / name)]


async def test_a_full_disk(db: Database, tmp_path: Path) -> None:
    key = await queue_ratings(db, 500)
    async with running(exporter(db, settings(tmp_path), sys.executable, "-c", LITTLE_SPACE)):
        export = await until(db, key, "FAILED")

        assert export.error_code == "STORAGE_FULL"
        assert "space" in export.error_message
    assert left_of(tmp_path) == []


async def test_a_store_that_takes_nothing(db: Database, tmp_path: Path) -> None:
    key = await queue_ratings(db)
    at = settings(tmp_path)
    async with running(exporter(db, at)):
        (tmp_path / "files").rmdir()
        (tmp_path / "files").write_text("no folder")
        export = await until(db, key, "FAILED")

    assert export.error_code == "STORAGE_FAILED"
    assert left_of(tmp_path) == []


async def test_space_that_is_there_again(db: Database, tmp_path: Path) -> None:
    first = await queue_ratings(db, 500)
    async with running(exporter(db, settings(tmp_path), sys.executable, "-c", LITTLE_SPACE)):
        await until(db, first, "FAILED")
    second = await queue_ratings(db, 500)
    async with running(exporter(db, settings(tmp_path))):
        export = await until(db, second, "COMPLETED")

    assert [path.name for path in left_of(tmp_path)] == [export.file_name]
