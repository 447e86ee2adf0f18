"""`hyperdata audit`: for whoever can run commands on the server's own machine."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from sqlalchemy import ColumnElement
from sqlmodel import col

from server.auditing.checking import Checked, check
from server.auditing.entries import entries
from server.column_types import dump_json
from server.db import Database
from server.errors import BadUserInput, ExpectedFailure
from server.migrate import SchemaMismatch, require_current
from server.records.audit import AuditEntry
from server.settings import Settings
from server.timestamps import iso, parse


def verify(settings: Settings, expected: str | None) -> int:
    """Say whether the audit log is whole; return what the command ends with."""

    async def run(say: Callable[[str], None]) -> bool:
        async with _opened(settings) as db:
            checked = await check(db, expected and expected.strip().lower())
        for line in _told(checked):
            say(line)
        return checked.is_whole

    return _ended(run)


def export(settings: Settings, file: Path, since: str | None, experiment: str | None) -> int:
    """Write the audit log to a file, an entry a line; return what the command ends with."""

    async def run(say: Callable[[str], None]) -> bool:
        kept: list[ColumnElement[bool]] = []
        if since is not None:
            kept.append(col(AuditEntry.at) >= _moment(since))
        if experiment is not None:
            kept.append(col(AuditEntry.experiment_id) == experiment)
        async with _opened(settings) as db:
            with _writing(file) as out:
                count = 0
                async for entry in entries(db, *kept):
                    out.write(dump_json({**entry, "time": iso(entry["at"])}) + "\n")
                    count += 1
        if str(file) != "-":
            say(f"{count:,} entries written to {file}.")
        return True

    return _ended(run)


def _told(checked: Checked) -> list[str]:
    if checked.wrong is not None:
        return [
            f"Entry {checked.wrong} does not fit: it was changed or put in, or one before it was "
            f"changed or taken out. The {checked.count:,} entries before it fit together."
        ]
    told = [f"{checked.count:,} entries fit together.", f"Newest hash: {checked.newest or 'none'}"]
    if not checked.met:
        told.append("The hash you expect is not among them: the end of the log was taken away.")
    return told


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[Database]:
    db = Database(settings.database)
    try:
        if db.file is not None and not db.file.exists():
            raise BadUserInput(f"There are no data in {settings.data_dir}: name their folder.")
        await require_current(db)
        yield db
    finally:
        await db.close()


def _writing(file: Path) -> TextIO:
    """Open a new file that its owner alone can read, or standard output for `-`."""
    if str(file) == "-":
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    try:
        return os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        )
    except OSError as error:
        raise BadUserInput(f"{file} cannot be made: {error.strerror}.") from error


def _moment(text: str) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise BadUserInput(str(error)) from error


def _ended(run: Callable[[Callable[[str], None]], Coroutine[Any, Any, bool]]) -> int:
    said, wrong = (
        Console(highlight=False, soft_wrap=True, stderr=where) for where in (False, True)
    )
    try:
        return 0 if asyncio.run(run(lambda line: said.print(line, markup=False))) else 1
    except (ExpectedFailure, SchemaMismatch) as refusal:
        wrong.print(str(refusal), style="red", markup=False)
        return 1
