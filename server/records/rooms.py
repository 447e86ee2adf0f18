"""Rooms: one session each of an experiment, with the participants who were in it together."""

from enum import Enum, StrEnum
from typing import Any

from pydantic import Field as Asked
from sqlalchemy import Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import column, moment
from server.records.filters import Filter, TextIn, TimestampRange
from server.records.listed import Listed
from server.timestamps import Timestamp


class RoomStatus(StrEnum):
    """Whether a session is still going on."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"


class RoomBase(SQLModel):
    """A room's public columns."""

    room_id: str = column("Public id, `room_…`: what scripts look it up by.", unique=True)
    status: RoomStatus = column("Whether the session is still going on.", sa_type=String)
    start_time: Timestamp | None = moment("When the session began.", default=None)
    end_time: Timestamp | None = moment("When the session ended.", default=None)
    experiment_start: Timestamp | None = moment(
        "Time zero of every onset in the room.", default=None
    )
    completion_reason: str | None = column("Why the session ended.", default=None)


class Room(RoomBase, Stored, table=True):
    """A stored room."""

    __table_args__ = (
        UniqueConstraint("experiment_key", "id"),  # what participants refer to
        Index("ix_room_experiment_key_start_time", "experiment_key", "start_time", "id"),
    )

    experiment_key: int = Field(foreign_key="experiment.id", sa_type=KEY_TYPE)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        return {**super().expressions(), "duration": col(cls.end_time) - col(cls.start_time)}


class RoomOrderField(Enum):
    """What rooms can be sorted by."""

    START_TIME = "start_time"
    END_TIME = "end_time"
    ROOM_ID = "room_id"


class RoomFilter(Filter):
    """Which rooms to keep."""

    room_id: TextIn | None = Asked(default=None, description="Which rooms.")
    start_time: TimestampRange | None = Asked(default=None, description="When the session began.")


ROOMS = Listed(
    model=Room,
    filter=RoomFilter,
    order=RoomOrderField,
    scope="read:experiments",
)
