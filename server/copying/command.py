"""`hyperdata copy`: what people see of a copy."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import ArgumentError

from server.copying.files import CopiedFiles, copy_files
from server.copying.running import Begin, Copied, copy
from server.db import Database
from server.errors import BadUserInput, ExpectedFailure
from server.migrate import SchemaMismatch, migrate, require_current
from server.settings import Settings
from server.storage import Storage

DONE, FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True, slots=True)
class Ends:
    """From where to where: databases by URL, and stores, if files are copied too."""

    source: str
    target: str
    source_files: str | None
    target_files: str | None


def run(settings: Settings, ends: Ends) -> int:
    """Copy, and compare; return what the command ends with."""
    said, bars = (Console(highlight=False, soft_wrap=True, stderr=where) for where in (False, True))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=bars, transient=True) as progress:
            done, files = asyncio.run(_copy(settings, ends, _watching(progress)))
    except (ExpectedFailure, SchemaMismatch) as refusal:
        bars.print(str(refusal), style="red", markup=False)
        return FAILED
    except KeyboardInterrupt:
        bars.print("Broken off: run the same again, and it goes on from there.", style="red")
        return INTERRUPTED
    for line in _told(done, files):
        said.print(line, markup=False)
    return DONE


async def _copy(settings: Settings, ends: Ends, watch: Begin) -> tuple[Copied, CopiedFiles | None]:
    if (ends.source_files is None) != (ends.target_files is None):
        raise BadUserInput("Name both --from-storage and --to-storage, or none to copy rows alone.")
    async with _source(ends.source) as source, _target(ends.target) as target:
        if source.url == target.url:
            raise BadUserInput("Source and target are one database: name another target.")
        files = None
        if (
            ends.source_files is not None and ends.target_files is not None
        ):  # files first: no row names one in vain
            from_, to = (
                Storage(url, settings.storage_endpoint)
                for url in (ends.source_files, ends.target_files)
            )
            files = await copy_files(from_, to, watch)
        return await copy(source, target, watch), files


@asynccontextmanager
async def _source(url: str) -> AsyncGenerator[Database]:
    async with _opened(url) as db:
        if db.file is not None and not db.file.exists():
            raise BadUserInput(f"There is no file {db.file}: name the database to copy.")
        await require_current(db)
        yield db


@asynccontextmanager
async def _target(url: str) -> AsyncGenerator[Database]:
    async with _opened(url) as db:
        if db.file is not None and not db.file.exists():
            db.file.parent.mkdir(parents=True, exist_ok=True)
            await migrate(db)
        await require_current(db)
        yield db


@asynccontextmanager
async def _opened(url: str) -> AsyncGenerator[Database]:
    try:
        db = Database(url)
    except (ArgumentError, KeyError, ModuleNotFoundError) as error:
        raise BadUserInput(
            "A database is named as sqlite+aiosqlite:///folder/hyperdata.db or "
            "postgresql+asyncpg://user@host/name, which needs the extra `postgres`."
        ) from error
    try:
        yield db
    finally:
        await db.close()


def _watching(progress: Progress) -> Begin:
    def begin(what: str, total: int) -> Callable[[int], object]:
        task = progress.add_task(what, total=total)
        return lambda more: progress.advance(task, more)

    return begin


def _told(done: Copied, files: CopiedFiles | None) -> list[str]:
    lines = [f"{'Went on, and copied' if done.resumed else 'Copied'} all rows:"]
    lines += [f"{count:>12,} {name}" for name, count in done.rows.items()]
    lines.append("Both databases hold the same, by counts and hashes.")
    lines.append(f"The audit log of the copy is whole: {done.entries:,} entries.")
    if files is not None:
        lines.append(
            f"{files.total:,} files are there; {files.came:,} of them came now, with "
            f"{files.bytes:,} bytes."
        )
    return lines
