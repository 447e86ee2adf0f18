"""The database: whether it is there, at the right version, in the right time, and has accounts."""

import asyncio
import time
from collections.abc import AsyncIterator
from importlib.util import find_spec

from sqlalchemy import func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Database
from server.doctor.findings import Finding, error, ok, warning
from server.health import checks
from server.migrate import known_versions, version_in
from server.records.audit import AuditEntry
from server.records.users import User
from server.settings import Settings

CONNECT_SECONDS = 10.0

MOST_OFF = 5.0
"""By how many seconds the clocks of two machines may differ."""


async def database(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is wrong with the database; nothing is changed in it."""
    try:
        url = make_url(settings.database)
    except ArgumentError:
        yield error(
            "database",
            "HYPERDATA_DATABASE_URL is no address: `sqlite+aiosqlite:///file` or "
            "`postgresql+asyncpg://user:password@host/name`.",
        )
        return
    if (wrong := _driver(url)) is not None:
        yield error("database", wrong)
        return
    db = Database(settings.database)
    if db.file is not None and not db.file.exists():
        await db.close()
        yield ok("database", "There is none yet: `hyperdata serve` makes it.")
        return
    try:
        async with asyncio.timeout(CONNECT_SECONDS), db.read() as tx:
            async for finding in _looked_at(tx, url):
                yield finding
    except Exception as failure:
        yield error("database", f"{_unreachable(url, failure)} Look at HYPERDATA_DATABASE_URL.")
    finally:
        await db.close()


def _driver(url: URL) -> str | None:
    """Say what is wrong with the kind of database that is asked for."""
    if url.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        return (
            f"HYPERDATA_DATABASE_URL begins with `{url.drivername}`: it must be `sqlite+aiosqlite` "
            "or `postgresql+asyncpg`."
        )
    if url.get_backend_name() == "postgresql" and not find_spec("asyncpg"):
        return "The driver of PostgreSQL is not there: install hyperstudy-data[postgres]."
    return None


def _unreachable(url: URL, failure: Exception) -> str:
    """Say why the database does not answer, without the address's password."""
    where = f"{url.host or 'this machine'}:{url.port or 5432}" if url.host else "the file"
    cause: BaseException | None = getattr(failure, "orig", None) or failure
    kinds: set[str] = set()
    while cause is not None:
        kinds.add(type(cause).__name__)
        cause = cause.__cause__
    if kinds & {"InvalidPasswordError", "InvalidAuthorizationSpecificationError"}:
        return f"{where} refuses the user or the password."
    if "InvalidCatalogNameError" in kinds:
        return f"{where} has no database `{url.database}`: create it."
    if "ConnectionRefusedError" in kinds:
        return f"Nothing listens on {where}: is PostgreSQL running there?"
    if "gaierror" in kinds:
        return f"There is no machine of the name {url.host}."
    if "TimeoutError" in kinds:
        return f"{where} does not answer within {CONNECT_SECONDS:g} seconds."
    return f"{where} cannot be read ({sorted(kinds)[0]})."


async def _looked_at(tx: AsyncConnection, url: URL) -> AsyncIterator[Finding]:
    version, needed = await version_in(tx), checks.needed()
    is_sqlite = url.get_backend_name() == "sqlite"
    if version != needed:
        yield _other_version(version, needed, is_sqlite=is_sqlite)
        return
    yield ok("database", f"It answers, and is at version {version}.")
    yield await _clock(tx, is_sqlite=is_sqlite)
    if not await tx.scalar(select(func.count()).select_from(User)):
        yield warning(
            "accounts",
            checks.NOBODY,
        )


def _other_version(version: str | None, needed: str, *, is_sqlite: bool) -> Finding:
    if version is not None and version not in known_versions():
        return error(
            "database",
            f"It is at version {version}, which is newer than this server ({needed}): install the "
            "server's newer version.",
        )
    behind = f"It is at version {version}" if version else "It is empty"
    if is_sqlite:
        return warning(
            "database",
            f"{behind}, and `hyperdata serve` will bring it to {needed}; of what is there it keeps "
            "a copy beside.",
        )
    return error("database", f"{behind}, and {needed} is needed: run `hyperdata migrate`.")


async def _clock(tx: AsyncConnection, *, is_sqlite: bool) -> Finding:
    """Compare this machine's clock with the database's, and with what was written last."""
    if not is_sqlite:
        theirs = float(await tx.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
        if abs(off := time.time() - theirs) > MOST_OFF:
            return error(
                "clock",
                f"This machine's clock is {abs(off):.0f} seconds "
                f"{'ahead of' if off > 0 else 'behind'} the database's: leases and links go by it. "
                "Set both by NTP.",
            )
    newest = await tx.scalar(
        select(col(AuditEntry.at)).order_by(col(AuditEntry.id).desc()).limit(1)
    )
    if newest is not None and (ahead := newest / 1000 - time.time()) > MOST_OFF:
        return error(
            "clock",
            f"The newest entry of the audit log is {ahead:.0f} seconds in the future: this "
            "machine's clock is behind, or was ahead. Set it by NTP.",
        )
    return ok("clock", "It agrees with the database.")
