"""The database at the operator's desk: open for one command, which the audit log tells of."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.audit import Origin
from server.db import Database
from server.errors import ExpectedFailure, NotFound
from server.migrate import SchemaMismatch, require_current
from server.records.users import User
from server.settings import Settings
from server.timestamps import iso

Outcome = TypeVar("Outcome")

said = Console(highlight=False, soft_wrap=True)
wrong = Console(highlight=False, soft_wrap=True, stderr=True)


@dataclass(frozen=True, slots=True)
class Account:
    """The key of an account, and whether it is closed."""

    key: int
    is_closed: bool


def at_desk(
    data_dir: Path | None, work: Callable[[AsyncConnection], Awaitable[Outcome]]
) -> Outcome:
    """Do something in one transaction; what is refused ends the command, with the reason."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    try:
        return asyncio.run(_do(settings, work))
    except (ExpectedFailure, SchemaMismatch) as refusal:
        wrong.print(str(refusal), style="red", markup=False)
        raise SystemExit(1) from refusal


async def _do(settings: Settings, work: Callable[[AsyncConnection], Awaitable[Outcome]]) -> Outcome:
    db = Database(settings.database)
    try:
        if db.file is not None and not db.file.exists():
            raise NotFound(f"There is no database in {settings.data_dir}: see `hyperdata migrate`.")
        await require_current(db)
        async with db.write() as tx:
            return await work(tx)
    finally:
        await db.close()


def origin(command: str, reason: str | None) -> Origin:
    """Return who asks, for the audit log: nobody known, at the command line of the server."""
    return Origin(user_agent=f"hyperdata {command} (command line)", reason=reason)


async def account(tx: AsyncConnection, user_id: str) -> Account:
    """Return an account by its public id."""
    columns = col(User.id), col(User.disabled_at)
    found = (await tx.execute(select(*columns).where(col(User.user_id) == user_id))).one_or_none()
    key, disabled_at = (None, None) if found is None else tuple(found)
    if key is None:
        raise NotFound(f"There is no account `{user_id}`: look at `hyperdata users list`.")
    return Account(key, is_closed=disabled_at is not None)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Print rows below their headings; a line with tabs for each where nobody is looking."""
    if not said.is_terminal:
        for row in rows:
            typer.echo("\t".join(cell or "" for cell in row))
        return
    table = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell or "") for cell in row))
    said.print(table)


def moment(at: int | None) -> str:
    """Return a moment to the second, for people; nothing for none."""
    return "" if at is None else f"{iso(at)[:19]}Z"
