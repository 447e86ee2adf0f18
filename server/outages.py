"""Failures of the database that pass by themselves: they are told as Busy, not as bugs of ours."""

import logging
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import TimeoutError as NoneFree

from server.errors import Busy
from server.logs import whereabouts

_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_PRIMARY = 0xFF
"""The bits of an SQLite error code that say which kind it is."""

_POSTGRESQL = (
    "08",  # the connection broke, or cannot be made
    "53",  # too many connections, no memory, no space on its disk
    "57P",  # it is shut down, or not up yet
    "58",  # its disk fails
    "40001",  # a snapshot that cannot be kept beside others
)

_MESSAGE = "The database cannot be reached, or cannot take more, at this moment: ask again soon."

log = logging.getLogger(__name__)


def passing(error: BaseException | None, *, disconnected: bool = False) -> Busy | None:
    """Return what to tell of an error that passes by itself; None if it is none of those."""
    if not disconnected and not any(map(_passes, _chain(error))):
        return None
    log.warning("The database is out of reach, or full: %s", whereabouts(error))
    return Busy(_MESSAGE)


@contextmanager
def reaching() -> Generator[None]:
    """Have it told as Busy if the database cannot be reached during the block."""
    try:
        yield
    except (OSError, NoneFree) as error:
        raise _told(error) from error
    except Exception as error:
        if (busy := passing(error)) is not None:
            raise busy from error
        raise


def _told(error: Exception) -> Busy:
    log.warning("The database cannot be reached: %s", whereabouts(error))
    return Busy(_MESSAGE)


def _chain(error: BaseException | None) -> Generator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _passes(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _SQLITE
    return str(getattr(error, "sqlstate", "")).startswith(_POSTGRESQL)
