"""What is loaded for many parents at once."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aiodataloader import DataLoader
from models import Participant, Room, Tally
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

Sessions = async_sessionmaker[AsyncSession]


class Children(DataLoader):
    """The rows that belong to each parent, in order."""

    def __init__(self, sessions: Sessions, model: type[SQLModel], parent: str, order: str) -> None:
        super().__init__()
        self.sessions, self.model, self.parent, self.order = sessions, model, parent, order

    async def batch_load_fn(self, keys: Sequence[int]) -> list[list[Any]]:
        parent, order = getattr(self.model, self.parent), getattr(self.model, self.order)
        async with self.sessions() as session:
            rows = await session.exec(
                select(self.model).where(parent.in_(keys)).order_by(order, self.model.id)
            )
        found = defaultdict(list)
        for row in rows:
            found[getattr(row, self.parent)].append(row)
        return [found[key] for key in keys]


class Tallies(DataLoader):
    """How many records of each type each participant has."""

    def __init__(self, sessions: Sessions) -> None:
        super().__init__()
        self.sessions = sessions

    async def batch_load_fn(self, keys: Sequence[int]) -> list[dict[str, int]]:
        statement = select(Tally).where(col(Tally.participant_key).in_(keys))
        async with self.sessions() as session:
            tallies = await session.exec(statement)
        found = defaultdict(dict)
        for tally in tallies:
            found[tally.participant_key][tally.data_type] = tally.record_count
        return [found[key] for key in keys]


def loaders(sessions: Sessions) -> dict[str, DataLoader]:
    """Return the loaders of one request."""
    return {
        "rooms": Children(sessions, Room, "experiment_key", "start_time"),
        "participants": Children(sessions, Participant, "room_key", "joined_at"),
        "tallies": Tallies(sessions),
    }
