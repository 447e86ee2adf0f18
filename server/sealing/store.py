"""What is sealed: rows that were moved out of the tables of data."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from server.records import RecordType


async def delete_of(_tx: AsyncConnection, _participant_key: int, _limit: int) -> int:
    """Delete sealed rows of somebody, some at once; return how many."""
    return 0


async def sealed_counts(
    _tx: AsyncConnection, _participant_keys: Sequence[int]
) -> Mapping[RecordType, int]:
    """Return how many rows of some participants are sealed, by type."""
    return {}
