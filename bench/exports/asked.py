"""Which files are to be written, and how large they are."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from bench.exports.database import Built, larger
from bench.exports.files import File
from bench.exports.ours import TITLE, plan_of
from server.records import RecordType
from server.records.exports import ExportFormat, ExportPackaging

RATINGS = RecordType.CONTINUOUS_RATINGS
TABLES = {
    ExportFormat.CSV: RATINGS,
    ExportFormat.PARQUET: RATINGS,
    ExportFormat.NDJSON: RecordType.EVENTS,
}
OF_ZIP = (RATINGS, RecordType.SYNC_METRICS)


@dataclass(frozen=True)
class Sizes:
    """How much is written.

    scale          of the demo data: each time 38,000 ratings
    rooms          in a ZIP: two members each
    slow, slower   rows that are written in ways that take some times, or dozens of times, as long
    cancellations  how many exports are cancelled
    """

    scale: int
    events: int
    rooms: int
    slow: int
    slower: int
    cancellations: int


FULL = Sizes(132, 500_000, rooms=200, slow=1_000_000, slower=300_000, cancellations=10)
QUICK = Sizes(27, 100_000, rooms=40, slow=100_000, slower=20_000, cancellations=3)


def file(built: Built, format_: ExportFormat) -> File:
    """Return the file of all ratings, or of all events."""
    data_type = TABLES[format_]
    table = data_type.value
    folder = built.folder / "written"
    rows = built.count(str(table.model.__tablename__))
    plan = plan_of(built, folder / "ours", data_types=(data_type.name,), format=format_)
    return File(
        built, folder, asyncio.run(plan), f"{format_}, {rows:,} {table.title.lower()}", rows
    )


def zip_file(built: Built, rooms: int) -> File:
    """Return the ZIP of some rooms' ratings and measures of synchrony, as CSV."""
    folder = built.folder / "written"
    chosen = [room for room in _rooms(built) if room.holds_all][:rooms]
    plan = asyncio.run(
        plan_of(
            built,
            folder / "ours",
            room_keys=tuple(room.key for room in chosen),
            data_types=tuple(data_type.name for data_type in OF_ZIP),
            packaging=ExportPackaging.ZIP,
        )
    )
    members = tuple(
        (f"{TITLE}/{room.name}/{table.stem}.csv", room.key)
        for room in chosen
        for table in plan.records
    )
    rows = sum(room.ratings + room.others for room in chosen)
    return File(built, folder, plan, f"ZIP of {len(members)} CSV files", rows, members)


def of_all_sizes(built: Built) -> Iterator[File]:
    """Yield CSV of a fifth of all ratings, of all, and of several times as many."""
    some = _rooms(built)
    folder = built.folder / "written"
    rooms = tuple(room.key for room in some[: len(some) // 5])
    plan = plan_of(built, folder / "ours", room_keys=rooms, data_types=(RATINGS.name,))
    rows = sum(room.ratings for room in some[: len(some) // 5])
    yield File(built, folder, asyncio.run(plan), "", rows)
    yield file(built, ExportFormat.CSV)
    yield file(larger(built), ExportFormat.CSV)


@dataclass(frozen=True)
class _Room:
    key: int
    name: str
    ratings: int
    others: int

    @property
    def holds_all(self) -> bool:
        return bool(self.ratings and self.others)


def _rooms(built: Built) -> list[_Room]:
    ratings, others = (
        f"(SELECT count(*) FROM {each.value.model.__tablename__} WHERE room_key = room.id)"
        for each in OF_ZIP
    )
    with closing(sqlite3.connect(f"file:{built.file}?mode=ro", uri=True)) as tx:
        found = tx.execute(f"SELECT id, room_id, {ratings}, {others} FROM room ORDER BY id")
        return [_Room(*row) for row in found]
