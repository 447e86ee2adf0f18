"""The peer: rows that are ready, into the same table, by SQLAlchemy Core's bulk insert alone."""

import time
from pathlib import Path

from sqlalchemy import create_engine, event, insert

from bench.ingest.samples import PEOPLE, batches, stored
from server.records.continuous_ratings import ContinuousRating


def rate(folder: Path, rows: int) -> float:
    """Return how many rows a second are stored, a transaction for each batch."""
    engine = create_engine(f"sqlite:///{folder}/hyperdata.db")
    event.listen(engine, "connect", _tune)
    keys = list(range(1, len(PEOPLE) + 1))
    spent = 0.0
    for batch in batches(rows):
        ready = [stored(number, keys) for number in batch]
        began = time.perf_counter()
        with engine.begin() as tx:
            tx.execute(insert(ContinuousRating), ready)
        spent += time.perf_counter() - began
    engine.dispose()
    return rows / spent


_AS_OURS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY")


def _tune(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # pyright: ignore - a driver's own
    for pragma in _AS_OURS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
