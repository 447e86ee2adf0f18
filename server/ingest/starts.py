"""Moves time zero of a room: what counts from it is counted anew."""

from sqlalchemy import func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import BadUserInput
from server.records import RecordType

_INT32 = 2**31


async def move_start(tx: AsyncConnection, room_key: int, milliseconds: int) -> None:
    """Count the onsets of a room from a start that is so much later; BadUserInput if one can't be.

    Timestamps stay: they are absolute. An onset that was given, not calculated, moves as well, as
    it was counted from the same start.
    """
    for record_type in RecordType:
        model = record_type.value.model
        columns = inspect(model).columns
        here = columns["room_key"] == room_key
        for column in columns:
            if not column.info.get("from_start"):
                continue
            ends = select(func.min(column), func.max(column)).where(here)
            low, high = (await tx.execute(ends)).one()
            if low is None:
                continue
            if low - milliseconds < -_INT32 or high - milliseconds >= _INT32:
                raise BadUserInput(
                    "That start is weeks away from what was recorded in the room: correct it.",
                    ["input", "experimentStart"],
                )
            moved = update(model).where(here, column.is_not(None))
            await tx.execute(moved.values({column.key: column - milliseconds}))
