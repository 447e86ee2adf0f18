"""`hyperdata import`: what people see of an import."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from server.db import Database
from server.errors import ExpectedFailure
from server.importing.asking import Asked
from server.importing.outside.kinds import SourceKind, source_of
from server.importing.outside.ledger import FILE, Ledger
from server.importing.outside.refused import Report, reporting
from server.importing.outside.running import Intake, TakenIn, take_in
from server.importing.packages import Tell
from server.importing.running import Imported, import_package
from server.migrate import SchemaMismatch, migrate, require_current
from server.records.exports import Anonymization
from server.settings import Settings
from server.storage import Storage

DONE, FAILED, SOME_REFUSED, INTERRUPTED = 0, 1, 3, 130

_CODES = (
    "DE-IDENTIFIED: participants are called by codes such as P0001 here, and nobody can tell who "
    "they were. Keep it apart from the identifiable data of the same experiment."
)


def run(settings: Settings, asked: Asked) -> int:
    """Import into a server's database; return what the command ends with."""
    said, bars = (Console(highlight=False, soft_wrap=True, stderr=where) for where in (False, True))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=bars, transient=True) as progress:
            done = asyncio.run(_import(settings, asked, _Bars(progress)))
    except (ExpectedFailure, SchemaMismatch) as refusal:
        bars.print(str(refusal), style="red", markup=False)
        return FAILED
    except KeyboardInterrupt:
        bars.print("Broken off: what is not complete is done by running it again.", style="red")
        return INTERRUPTED
    if isinstance(done, Imported):
        lines, ending = iter(_lines(done, dry_run=asked.dry_run)), DONE
    else:
        lines = _taken_in(done, asked)
        ending = SOME_REFUSED if done.report.count else DONE
    for line in lines:
        said.print(line, markup=False)
    return ending


async def _import(settings: Settings, asked: Asked, watcher: "_Bars") -> Imported | TakenIn:
    if asked.kind is SourceKind.EXPORT:
        asked.require_export()
        async with _database(settings) as db:
            return await import_package(
                db,
                asked.path,
                watcher,
                owner=asked.owner,
                dry_run=asked.dry_run,
                storage=Storage.of(settings),
            )
    source = source_of(asked.kind, asked.path, asked.mapping, asked.wishes)
    with reporting(asked.report) as report:
        async with _database(settings) as db:
            intake = Intake(db, Ledger(settings.data_dir / FILE), asked.owner, asked.dry_run)
            tell = watcher.begin("Importing", source.size)
            return await take_in(intake, source, asked.wishes, tell, report)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncGenerator[Database]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database)
    try:
        if db.file is None:
            await require_current(db)
        else:
            await migrate(db)
        yield db
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
    if imported.files:
        lines.append(f"{imported.files:,} files of recordings.".rjust(12))
    if imported.media:
        lines.append(
            f"{imported.media:,} files of media were not imported: they stay in the package."
        )
    if imported.breaches:
        lines.append("All was kept as it was exported, though it would be refused if it were sent:")
        lines += imported.breaches
    return lines


def _taken_in(taken: TakenIn, asked: Asked) -> Iterator[str]:
    would = "would be " if asked.dry_run else ""
    made = taken.places
    yield (
        f"{taken.stored:,} records {would or 'are '}new, {taken.unchanged:,} were there already, "
        f"{taken.report.count:,} {would or 'were '}refused."
    )
    yield from (f"{count:>12,} {title}" for title, count in taken.counts.items())
    yield (
        f"{'Would make' if asked.dry_run else 'Made'} {made.experiments:,} experiments, "
        f"{made.rooms:,} rooms and {made.participants:,} participants."
    )
    yield from taken.notes
    if taken.report.count:
        yield from _refused(taken.report, asked)


def _refused(report: Report, asked: Asked) -> Iterator[str]:
    reasons = sorted(report.reasons.values(), key=lambda reason: -reason.count)
    width = max(len(reason.code) for reason in reasons)
    yield f"{'REFUSED':<{width}} {'COUNT':>10}  THE FIRST OF THEM"
    for reason in reasons:
        yield f"{reason.code:<{width}} {reason.count:>10,}  {reason.example}"
    if not asked.dry_run:
        yield "The refused ones are in quarantine: correct them, and import again."
    if asked.report is not None:
        yield f"{asked.report} has each of them, with what was wrong."
