"""The databases that are exported: demo data, with more events, and with four times the ratings."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from server.migrate import head

DATA = Path(__file__).parent.parent / ".data"
VERSION = 2
"""Raised when what is built here changes, so that an older database is not taken for it."""

MULTIPLE = 4
"""How many times as many ratings the larger database has."""

RATINGS, EVENTS = "continuous_rating", "event"
_PUBLIC_ID = {RATINGS: "rating_id", EVENTS: "event_id"}


@dataclass(frozen=True)
class Built:
    """A folder of demo data."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "hyperdata.db"

    @property
    def key(self) -> str:
        """The API key of who owns all of it."""
        key: str = json.loads((self.folder / "demo-keys.json").read_text())["owner"]
        return key

    def count(self, table: str) -> int:
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as tx:
            [count] = tx.execute(f"SELECT count(*) FROM {table}").fetchone()
            return int(count)


def database(scale: int, events: int) -> Built:
    """Return demo data with so many events, made the first time and whenever the schema changes."""
    folder = DATA / f"exports-{head()}-{VERSION}-{scale}"
    made = folder / "made"
    if not made.exists():
        start = time.monotonic()
        print("making the database: some minutes, once ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        make = [sys.executable, "-m", "server", "demo", "--no-serve", "--scale", str(scale)]
        subprocess.run([*make, "--data-dir", str(folder)], check=True)
        _repeat(folder / "hyperdata.db", EVENTS, events)
        made.touch()
        print(f"made in {time.monotonic() - start:.0f} s")
    return Built(folder)


def larger(built: Built) -> Built:
    """Return a copy with several times the ratings, and no index but the one exports read by."""
    folder = built.folder / "larger"
    made = folder / "made"
    if not made.exists():
        start = time.monotonic()
        print(f"making a copy with {MULTIPLE} times the ratings, once ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(built.file, folder / "hyperdata.db")
        with closing(sqlite3.connect(folder / "hyperdata.db")) as tx:
            for name, sql in _made_of(tx, RATINGS):
                if "TRIGGER" in sql or "(room_key, timestamp" not in sql:
                    tx.execute(f"DROP {'TRIGGER' if 'TRIGGER' in sql else 'INDEX'} {name}")
            of_ratings = "WHERE data_type = 'CONTINUOUS_RATINGS'"  # which no trigger counts now
            tx.execute(f"UPDATE tally SET record_count = record_count * {MULTIPLE} {of_ratings}")
            tx.commit()
        _repeat(folder / "hyperdata.db", RATINGS, MULTIPLE * built.count(RATINGS))
        made.touch()
        print(f"made in {time.monotonic() - start:.0f} s")
    return Built(folder)


def _made_of(tx: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Return the triggers and indexes of a table that can be dropped."""
    return tx.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
        " AND type IN ('trigger', 'index')",
        (table,),
    ).fetchall()


def _repeat(file: Path, table: str, wanted: int) -> None:
    """Add the records of a table once more, under other ids, until there are so many."""
    own_id = _PUBLIC_ID[table]
    with closing(sqlite3.connect(file)) as tx:
        tx.execute("PRAGMA cache_size = -500000")
        names = [row[1] for row in tx.execute(f"PRAGMA table_info({table})")]
        [there, last] = tx.execute(f"SELECT count(*), max(id) FROM {table}").fetchone()
        changed = {"id": f"id + {last} * :turn", own_id: f"{own_id} || '_' || :turn"}
        shown = ", ".join(changed.get(name, name) for name in names)
        turn, missing = 0, wanted - there
        while missing > 0:
            turn += 1
            added = tx.execute(
                f"INSERT INTO {table} SELECT {shown} FROM {table} WHERE id <= {last}"
                " ORDER BY id LIMIT :missing",
                {"turn": turn, "missing": missing},
            )
            missing -= added.rowcount
        tx.commit()
