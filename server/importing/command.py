"""`hyperdata import`: what people see of an import."""

import asyncio
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from server.db import Database
from server.errors import ExpectedFailure
from server.importing.packages import Tell
from server.importing.running import Imported, import_package
from server.migrate import SchemaMismatch, migrate, require_current
from server.records.exports import Anonymization
from server.settings import Settings

_CODES = (
    "DE-IDENTIFIED: participants are called by codes such as P0001 here, and nobody can tell who "
    "they were. Keep it apart from the identifiable data of the same experiment."
)


def run(settings: Settings, path: Path, *, owner: str | None, dry_run: bool) -> int:
    """Import a package into a server's database; return what the command ends with."""
    said, bars = (Console(highlight=False, soft_wrap=True, stderr=where) for where in (False, True))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=bars, transient=True) as progress:
            watcher = _Bars(progress)
            imported = asyncio.run(_import(settings, path, watcher, owner, dry_run=dry_run))
    except (ExpectedFailure, SchemaMismatch) as refusal:
        bars.print(str(refusal), style="red", markup=False)
        return 1
    for line in _lines(imported, dry_run=dry_run):
        said.print(line, markup=False)
    return 0


async def _import(
    settings: Settings, path: Path, watcher: "_Bars", owner: str | None, *, dry_run: bool
) -> Imported:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database)
    try:
        if db.file is None:
            await require_current(db)
        else:
            await migrate(db)
        return await import_package(db, path, watcher, owner=owner, dry_run=dry_run)
    finally:
        await db.close()


class _Bars:
    """A bar for each thing that is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def begin(self, what: str, total: int) -> Tell:
        task = self._progress.add_task(what, total=total)
        return lambda more: self._progress.advance(task, more)


def _lines(imported: Imported, *, dry_run: bool) -> list[str]:
    verb = "Would import" if dry_run else "Imported"
    places = (
        f"{imported.experiments:,} experiments, {imported.rooms:,} rooms and "
        f"{imported.participants:,} participants"
    )
    lines = [f"{verb} {places}, with"]
    lines += [f"{count:>12,} {title}" for title, count in imported.counts.items()]
    if not imported.counts:
        lines.append("no records.".rjust(12))
    if imported.anonymization is Anonymization.REMOVE_IDENTIFIERS:
        lines.append(_CODES)
    if imported.media:
        lines.append(
            f"{imported.media:,} files of media were not imported: they stay in the package."
        )
    return lines
