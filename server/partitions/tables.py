"""Which tables have partitions, what these are called, and which experiments have their own."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records import RecordType

PARTITIONED: Sequence[RecordType] = (
    RecordType.CONTINUOUS_RATINGS,
    RecordType.EVENTS,
    RecordType.SYNC_METRICS,
    RecordType.SPARSE_RATINGS,
)
"""The data types of which an experiment may have so many records that they need a partition.

All rows of an experiment lie in one: in its own if it has one, else in the rest. The names of
tables are the code's, and an experiment's key is a number, so that SQL can be made of them.
"""

MODELS: frozenset[type[Any]] = frozenset(each.value.model for each in PARTITIONED)

_OWN = text("""SELECT relname, split_part(relname, '_of_', 2)::bigint FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass(:parent) AND relname LIKE '%\\_of\\_%' AND NOT inhdetachpending
    ORDER BY relname""")


def rest_of(record_type: RecordType) -> str:
    """Return the partition of all experiments that have none of their own."""
    return f"{record_type.value.model.table_name()}_rest"


def own_of(record_type: RecordType, experiment_key: int) -> str:
    """Return what an experiment's own partition is called."""
    return f"{record_type.value.model.table_name()}_of_{experiment_key:d}"


async def with_own(tx: AsyncConnection, record_type: RecordType) -> set[int]:
    """Return the experiments that have a partition of their own; none on SQLite."""
    if tx.dialect.name != "postgresql" or record_type not in PARTITIONED:
        return set()
    parent = record_type.value.model.table_name()
    return {key for _, key in await tx.execute(_OWN, {"parent": parent})}


async def has_own(tx: AsyncConnection, record_type: RecordType, experiment_key: int) -> bool:
    """Say whether an experiment has a partition of its own for records of a type."""
    return experiment_key in await with_own(tx, record_type)
