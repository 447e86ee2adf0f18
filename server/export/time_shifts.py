"""Time shifts: given to each room once, kept for good, and told to nobody."""

import secrets
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.recipe import Recipe
from server.export.statements import Dialect
from server.export.tables import Kind, Query
from server.records.rooms import Room
from server.records.time_shifts import TimeShift

_DAY = 24 * 60 * 60 * 1000
LEAST, MOST = _DAY, 365 * _DAY
"""By how many milliseconds times are moved back."""


async def assign_time_shifts(tx: AsyncConnection, recipe: Recipe) -> None:
    """Give a shift to each room of the recipe that has none, if it needs shifts."""
    if not recipe.shift_times:
        return
    shifted = select(col(TimeShift.room_key))
    rooms = await tx.scalars(
        select(col(Room.id)).where(recipe.selects_rooms(), col(Room.id).not_in(shifted))
    )
    rows = [
        {"room_key": room, "milliseconds": LEAST + secrets.randbelow(MOST - LEAST + 1)}
        for room in rooms
    ]
    if rows:  # two exports may give them at once: the first is kept
        dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
        await tx.execute(dialect.insert(TimeShift).on_conflict_do_nothing(), rows)


def shifts(dialect: Dialect, recipe: Recipe) -> Query | None:
    """Describe by how much the times of each room are moved; None if they are not."""
    if not recipe.shift_times:
        return None
    columns: list[ColumnElement[Any]] = [
        col(TimeShift.room_key).label("room_key"),
        col(TimeShift.milliseconds).label("milliseconds"),
    ]
    rooms = select(col(Room.id)).where(recipe.selects_rooms())
    found: Select[*tuple[Any, ...]] = select(*columns).where(col(TimeShift.room_key).in_(rooms))
    return dialect.table(found, [Kind.INTEGER, Kind.INTEGER], ["room_key"])
