"""Tallies: how many records of each type a participant has, and from when to when.

Triggers keep them, so that they are right whoever writes, in the writer's own transaction.
Migrations make the triggers; one that has SQLite write a counted table anew, which drops them, must
make them again.
"""

# ruff: noqa: S608 - every part of these statements is written here or in a migration

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from server.column_types import KEY_TYPE
from server.db import Table
from server.records.columns import column, moment
from server.timestamps import Timestamp


class Tally(Table, table=True):
    """What a participant has of one data type. Where there is nothing, there is no tally."""

    __table_args__ = (
        Index("ix_tally_room_key", "room_key", "data_type"),
        Index("ix_tally_experiment_key", "experiment_key", "data_type"),
        {"sqlite_with_rowid": False},
    )

    participant_key: int = Field(primary_key=True, sa_type=KEY_TYPE)
    data_type: str = column("Name of the data type, such as SYNC_METRICS.", primary_key=True)
    experiment_key: int = Field(sa_type=KEY_TYPE)
    room_key: int = Field(sa_type=KEY_TYPE)
    record_count: int = column("How many records there are.", sa_type=BigInteger)
    first_timestamp: Timestamp = moment("When the first of them happened.")
    last_timestamp: Timestamp = moment("When the last of them happened.")


def keep_tallies(dialect: str, table: str, data_type: str) -> list[str]:
    """Return the statements that have a table counted: what comes, and what is there."""
    create = _POSTGRESQL if dialect == "postgresql" else _SQLITE
    return [each.format(table=table, data_type=data_type) for each in (*create, _WHAT_IS_THERE)]


def drop_tallies(dialect: str, table: str) -> list[str]:
    """Return the statements after which a table is no longer counted."""
    if dialect == "postgresql":
        return [f"DROP FUNCTION {name.format(table=table)}() CASCADE" for name in _CHANGES]
    return [f"DROP TRIGGER {name.format(table=table)}" for name in _CHANGES[:3]]


_CHANGES = tuple(
    f"tally_{{table}}_{change}" for change in ("insert", "delete", "update", "truncate")
)
_INSERT, _DELETE, _UPDATE, _TRUNCATE = _CHANGES

_COLUMNS = """participant_key, data_type, experiment_key, room_key,
    record_count, first_timestamp, last_timestamp"""

_WHAT_IS_THERE = f"""
INSERT INTO tally ({_COLUMNS})
SELECT participant.id, '{{data_type}}', experiment_key, room_key, n, first, last
FROM (
    SELECT participant_key, count(*) AS n, min(timestamp) AS first, max(timestamp) AS last
    FROM {{table}} GROUP BY participant_key
) AS counted JOIN participant ON participant.id = participant_key
"""


def _fewer(gone: str, first: str, last: str) -> str:
    """Return what takes some records off a tally that keeps others.

    The ends are looked for only if one of them is gone, and inwards from where they were, past
    nothing that this transaction has deleted.
    """
    inwards = "SELECT {end}(timestamp) FROM {{table}} WHERE participant_key = tally.participant_key"
    return f"""UPDATE tally SET record_count = record_count - {gone},
    first_timestamp = CASE WHEN {first} > first_timestamp THEN first_timestamp ELSE (
        {inwards.format(end="min")} AND timestamp >= first_timestamp) END,
    last_timestamp = CASE WHEN {last} < last_timestamp THEN last_timestamp ELSE (
        {inwards.format(end="max")} AND timestamp <= last_timestamp) END"""


# SQLite calls a trigger for each row.

_ONE_MORE = f"""
INSERT INTO tally ({_COLUMNS}) VALUES (
    NEW.participant_key, '{{data_type}}', NEW.experiment_key, NEW.room_key,
    1, NEW.timestamp, NEW.timestamp
) ON CONFLICT (participant_key, data_type) DO UPDATE SET
    record_count = record_count + 1,
    first_timestamp = min(first_timestamp, excluded.first_timestamp),
    last_timestamp = max(last_timestamp, excluded.last_timestamp);
"""
_ITS_TALLY = "participant_key = OLD.participant_key AND data_type = '{data_type}'"
_ONE_FEWER = f"""
DELETE FROM tally WHERE {_ITS_TALLY} AND record_count = 1;
{_fewer("1", "OLD.timestamp", "OLD.timestamp")} WHERE {_ITS_TALLY};
"""
_COUNTED = "timestamp, experiment_key, room_key, participant_key"
_SQLITE = (
    f"CREATE TRIGGER {_INSERT} AFTER INSERT ON {{table}} BEGIN {_ONE_MORE} END",
    f"CREATE TRIGGER {_DELETE} AFTER DELETE ON {{table}} BEGIN {_ONE_FEWER} END",
    f"CREATE TRIGGER {_UPDATE} AFTER UPDATE OF {_COUNTED} ON {{table}} "
    f"BEGIN {_ONE_FEWER} {_ONE_MORE} END",
)

# PostgreSQL calls a trigger for each statement, with tables of the rows that came and went.

_SOME_MORE = f"""
INSERT INTO tally ({_COLUMNS})
SELECT participant_key, '{{data_type}}', min(experiment_key), min(room_key),
    count(*), min(timestamp), max(timestamp)
FROM came GROUP BY participant_key ORDER BY participant_key
ON CONFLICT (participant_key, data_type) DO UPDATE SET
    record_count = tally.record_count + excluded.record_count,
    first_timestamp = least(tally.first_timestamp, excluded.first_timestamp),
    last_timestamp = greatest(tally.last_timestamp, excluded.last_timestamp);
"""
_THEIR_TALLY = "tally.participant_key = gone.participant_key AND data_type = '{data_type}'"
_GONE = """(
    SELECT participant_key, count(*) AS n, min(timestamp) AS first, max(timestamp) AS last
    FROM went GROUP BY participant_key
) AS gone"""
# locked first, and in a statement of its own: the next one then sees what others have committed
_SOME_FEWER = f"""
PERFORM 1 FROM tally JOIN {_GONE} ON {_THEIR_TALLY}
    ORDER BY tally.participant_key FOR UPDATE OF tally;
DELETE FROM tally USING {_GONE} WHERE {_THEIR_TALLY} AND record_count = n;
{_fewer("n", "first", "last")} FROM {_GONE} WHERE {_THEIR_TALLY};
"""
_ALL_GONE = "DELETE FROM tally WHERE data_type = '{data_type}';"


def _function(name: str, body: str) -> str:
    return f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN {body} RETURN NULL; END $$"""


def _trigger(name: str, event: str, tables: str) -> str:
    return f"""CREATE TRIGGER {name} AFTER {event} ON {{table}} {tables}
FOR EACH STATEMENT EXECUTE FUNCTION {name}()"""


_CAME, _WENT = "NEW TABLE AS came", "OLD TABLE AS went"
_POSTGRESQL = (
    _function(_INSERT, _SOME_MORE),
    _trigger(_INSERT, "INSERT", f"REFERENCING {_CAME}"),
    _function(_DELETE, _SOME_FEWER),
    _trigger(_DELETE, "DELETE", f"REFERENCING {_WENT}"),
    _function(_UPDATE, _SOME_FEWER + _SOME_MORE),
    _trigger(_UPDATE, "UPDATE", f"REFERENCING {_WENT} {_CAME}"),
    _function(_TRUNCATE, _ALL_GONE),
    _trigger(_TRUNCATE, "TRUNCATE", ""),
)
