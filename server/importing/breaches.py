"""What declared checks find in what was imported: a backup comes back whole, and says so."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import case, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.key_lists import among
from server.records import RecordType
from server.records.checks import EXPERIMENT_START
from server.records.rooms import Room


async def breaches(tx: AsyncConnection, room_keys: Collection[int]) -> list[str]:
    """Return a sentence for each check that does not hold of some records of rooms."""
    sentences: list[str] = []
    for record_type in RecordType:
        data_type = record_type.value
        columns: dict[str, Any] = {**inspect(data_type.model).columns}
        columns[EXPERIMENT_START] = col(Room.experiment_start)
        checks = data_type.all_checks
        counted = select(*(func.count(case((check.broken(columns), 1))) for check in checks))
        room_key = columns["room_key"]
        found = await tx.execute(
            counted.select_from(data_type.model)
            .join(Room, col(Room.id) == room_key)
            .where(among(room_key, list(room_keys)))
        )
        for check, count in zip(checks, found.one(), strict=True):
            if count:
                sentences.append(f"{count:,} {data_type.title} break: {check.sentence}")
    return sentences
