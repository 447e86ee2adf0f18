"""What every server is asked, and whether it answers as ours does."""

import re
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.reading.database import LARGE, Built, person_id
from server.global_ids import type_and_key
from server.timestamps import parse

PAGES = {"Q4": 45_000, "Q4, page 1": 1, "Q4, page 5,000": 5_000}
"""Which page of a hundred each Q4 asks for; nine tenths of the way, if not said otherwise."""
PAGE = 100

ROOM = f"room_bench{LARGE.number:02}_07"
PERSON = {"room": ROOM, "participant": person_id(LARGE, 7, 2)}
EXPERIMENT = {"experiment": LARGE.experiment_id}

CURSORS = {"cursor", "startCursor", "endCursor"}


@dataclass(frozen=True)
class Place:
    """A row's place in its list: when it happened, and its key."""

    timestamp: int
    key: int


def place_of(node: Mapping[str, Any]) -> Place:
    """Return the place of a node as ours shows it."""
    known = type_and_key(node["id"])
    assert known is not None
    return Place(parse(node.get("timestamp") or node["createdAt"]), known[1])


def place_before(built: Built, page: int) -> Place:
    """Return the place of the last row before a page of the large experiment's ratings."""
    with sqlite3.connect(f"file:{built.file}?mode=ro", uri=True) as tx:
        found = tx.execute(
            """SELECT timestamp, id FROM continuous_rating
            WHERE experiment_key = (SELECT id FROM experiment WHERE experiment_id = ?)
            ORDER BY timestamp, id LIMIT 1 OFFSET ?""",
            (LARGE.experiment_id, (page - 1) * PAGE - 1),
        )
        return Place(*found.fetchone())


def template(cursor: str, place: Place) -> str:
    """Return what a cursor of a place says, with `%d` where time and key are."""
    said = cursor if _is_plain(cursor) else _decoded(cursor)
    before, time, rest = said.rpartition(str(place.timestamp))
    between, key, after = rest.rpartition(str(place.key))
    assert all((time, key)), f"not a time and a key: {said}"
    return f"{before}%d{between}%d{after}"


def cursor_at(cursor: str, place: Place, wanted: Place) -> str:
    """Return the cursor of another place, from that of a place that is known."""
    said = template(cursor, place) % (wanted.timestamp, wanted.key)
    return said if _is_plain(cursor) else urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _is_plain(cursor: str) -> bool:
    return "," in cursor  # as base64 never has


def _decoded(cursor: str) -> str:
    """Return what a cursor says."""
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def without_cursors(answer: Any) -> Any:
    """Return an answer in which it only counts whether a cursor is there: they are opaque."""
    if isinstance(answer, list):
        return [without_cursors(each) for each in answer]
    if isinstance(answer, dict):
        return {
            name: (value is not None) if name in CURSORS else without_cursors(value)
            for name, value in answer.items()
        }
    return answer


_SAID = re.compile(
    rb'"((?:rat|evt|rec|msg|syn|room)_(?:bench)?\d\w+|bench\w{23})"|"record_?count": ?"?(\d+)', re.I
)


def rows_in(answer: bytes) -> list[tuple[bytes, ...]]:
    """Return the public ids and counts in an answer, sorted: what a schema of any shape shows."""
    return sorted(_SAID.findall(answer))
