"""Experiments of very different sizes in PostgreSQL, and what its catalogue says of partitions."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from server.db import Database
from server.partitions.moving import Partitioner
from server.partitions.tables import PARTITIONED
from server.records import RecordType
from tests.factories import START, Row, a_participant, a_room, a_user, an_experiment, save

OWN_COLUMNS = {
    RecordType.CONTINUOUS_RATINGS: ("rating_id, value", "0.25 + (n % 50) / 100.0"),
    RecordType.EVENTS: ("event_id, event_type", "'key_' || n % 7"),
    RecordType.SYNC_METRICS: ("metric_id, time_drift", "n % 90"),
    RecordType.SPARSE_RATINGS: ("rating_id, value", "to_jsonb(n % 5)"),
}


class Laboratory:
    """An owner's experiments: large ones, and many small ones; each has rooms of two people."""

    def __init__(self, large: int = 1, small: int = 1, rooms: int = 2) -> None:
        self.owner = a_user()
        self.experiments = [an_experiment(self.owner) for _ in range(large + small)]
        self.large, self.small = self.experiments[:large], self.experiments[large:]
        self.rooms = [a_room(each) for each in self.experiments for _ in range(rooms)]
        self.people = [a_participant(each) for each in self.rooms for _ in range(2)]

    async def save(self, db: Database, many: int, few: int) -> None:
        """Store everybody, and so many records of each type for each of the people."""
        await save(db, self.owner, *self.experiments, *self.rooms, *self.people)
        keys = [each.key for each in self.large]
        large = [each for each in self.people if each["experiment_key"] in keys]
        await self.add(db, large, many)
        await self.add(db, [each for each in self.people if each not in large], few)
        await run(db, "ANALYZE")

    async def add(self, db: Database, people: Sequence[Row], count: int, start: int = 0) -> None:
        """Store records of some people, of each type that may have partitions."""
        if not people or not count:
            return
        places = "experiment_key, room_key, participant_key"
        keys = ", ".join(f"({p['experiment_key']}, {p['room_key']}, {p.key})" for p in people)
        for record_type in PARTITIONED:
            names, value = OWN_COLUMNS[record_type]
            await run(
                db,
                f"INSERT INTO {record_type.value.model.table_name()}"
                f" ({places}, timestamp, onset, {names})"
                f" SELECT {places}, {START} + n * 100, n * 100,"
                f" 'rec_' || participant_key || '_' || n, {value}"
                f" FROM (VALUES {keys}) AS people ({places}),"
                f" generate_series({start}, {start + count - 1}) AS n",
            )


async def run(db: Database, statement: str, *arguments: Any) -> Sequence[Any]:
    """Execute a statement past the server, and return its rows."""
    url = make_url(db.url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection: Any = await asyncpg.connect(url)
    try:
        rows: Sequence[Any] = await connection.fetch(statement, *arguments)
        return rows
    finally:
        await connection.close()


async def own_tables(db: Database) -> set[str]:
    """Return the partitions that belong to one experiment each."""
    found = await run(
        db,
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class"
        " ON pg_class.oid = inhrelid WHERE relkind = 'r'",
    )
    return {name for (name,) in found if not name.endswith("_rest")}


def owned(*experiments: Row) -> set[str]:
    """Return how the partitions of some experiments are called."""
    tables = [each.value.model.table_name() for each in PARTITIONED]
    return {f"{table}_of_{each.key}" for table in tables for each in experiments}


async def move(db: Database, from_rows: int = 1, most: int = 64) -> None:
    """Have what is large moved now."""
    await Partitioner(db, from_rows, most).run(asyncio.Event())
