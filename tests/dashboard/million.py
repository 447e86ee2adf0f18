"""A million ratings of one participant of the demo data."""

import sqlite3
from contextlib import closing
from pathlib import Path

RATINGS = 1_000_000
ROOM = "room_dyadvideo01_01"
KEPT_INDEX = "ix_continuous_rating_participant_key_timestamp"

# A sample each 100 ms, of whoever has the first rating.
INSERT = """
WITH RECURSIVE turn (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM turn WHERE n < :count)
INSERT INTO continuous_rating
SELECT last.id + n, last.experiment_key, last.room_key, last.participant_key,
  last.timestamp + 100 * n, last.onset + 100 * n, 'rat_more_' || n, last.component_id,
  (n % 1000) / 1000.0, (n % 1000) / 10.0, 0.0, 100.0
FROM turn CROSS JOIN (
  SELECT * FROM continuous_rating
  WHERE participant_key = (SELECT participant_key FROM continuous_rating WHERE id = 1)
  ORDER BY timestamp DESC LIMIT 1
) AS last
"""

COUNT = """
UPDATE tally SET record_count = :count,
  last_timestamp = (SELECT max(timestamp) FROM continuous_rating)
WHERE participant_key = :participant AND data_type = 'CONTINUOUS_RATINGS'
"""


def add_ratings(database: Path) -> str:
    """Add them to demo data, which may be served; return the id of the participant.

    They are counted once, and only one index is kept: else it takes minutes.
    """
    with closing(sqlite3.connect(database)) as tx:
        made = "SELECT name, type FROM sqlite_master WHERE tbl_name = 'continuous_rating' AND sql"
        for name, kind in tx.execute(f"{made} IS NOT NULL AND type <> 'table'").fetchall():
            if name != KEPT_INDEX:
                tx.execute(f"DROP {kind} {name}")
        [last] = tx.execute("SELECT max(id) FROM continuous_rating").fetchone()
        [key] = tx.execute("SELECT participant_key FROM continuous_rating WHERE id = 1").fetchone()
        [there] = tx.execute(
            "SELECT count(*) FROM continuous_rating WHERE participant_key = ?", (key,)
        ).fetchone()
        tx.execute(INSERT.replace("last.id + n", f"{last} + n"), {"count": RATINGS - there})
        tx.execute(COUNT, {"count": RATINGS, "participant": key})
        [who] = tx.execute("SELECT participant_id FROM participant WHERE id = ?", (key,)).fetchone()
        tx.commit()
        return str(who)
