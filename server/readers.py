"""Reading SQLite at little cost: on the event loop while that is quick, else on a thread."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, local
from typing import Any

QUICK_STEPS = 400_000
"""How many steps of SQLite's machine may run on the event loop: some milliseconds."""

STEPS = 100_000
"""After how many steps a long read looks whether anybody still waits: about a millisecond."""

THREADS = 2
"""How many long reads may run at once."""


class FileReader:
    """Reads one SQLite file; each statement sees a snapshot of its own."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._quick: sqlite3.Connection | None = None
        self._threads = ThreadPoolExecutor(THREADS, "reader")
        self._slow = local()
        self._opened: list[sqlite3.Connection] = []

    def version(self) -> int | None:
        """Return a number that is another one once any other connection has committed a change.

        None if somebody has the file locked for a moment.
        """
        try:
            return int(self._on_the_loop("PRAGMA data_version", ())[0][0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return None

    def fetch_now(self, text: str, parameters: Sequence[Any]) -> list[Any] | None:
        """Return all rows of a statement; None if it is not quick after all."""
        try:
            return self._on_the_loop(text, parameters)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY):
                raise
            return None

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        """Return all rows of a statement, read on a thread. Who is cancelled stops it."""
        loop = asyncio.get_running_loop()
        stopped = Event()
        try:
            return await loop.run_in_executor(
                self._threads, self._on_a_thread, text, parameters, stopped
            )
        finally:
            stopped.set()  # for a reader whom nobody waits for any more

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._quick = None

    def _on_the_loop(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        if self._quick is None:
            self._quick = self._open(patience=0)
            self._quick.set_progress_handler(_too_long, QUICK_STEPS)
        return self._quick.execute(text, parameters).fetchall()

    def _on_a_thread(self, text: str, parameters: Sequence[Any], stopped: Event) -> list[Any]:
        if not hasattr(self._slow, "connection"):
            self._slow.connection = self._open(patience=30)
        connection: sqlite3.Connection = self._slow.connection
        connection.set_progress_handler(stopped.is_set, STEPS)
        return connection.execute(text, parameters).fetchall()

    def _open(self, patience: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,  # closed by the loop's thread
            cached_statements=512,
        )
        for setting in ("query_only=ON", "cache_size=-65536", "mmap_size=4294967296"):
            connection.execute(f"PRAGMA {setting}")
        self._opened.append(connection)
        return connection


def indented(steps: Sequence[tuple[int, int, int, str]]) -> list[str]:
    """Return the steps of a plan (number, number of the one above, unused, text), as a tree."""
    depths = {0: 0}
    lines: list[str] = []
    for number, above, _, text in steps:
        depths[number] = depths.get(above, 0) + 1
        lines.append("  " * depths.get(above, 0) + text)
    return lines


def _too_long() -> int:
    return 1
