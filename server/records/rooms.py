"""Rooms: one session each of an experiment, with the participants who were in it together."""

from typing import Any, ClassVar

from pydantic import Field as Asked
from sqlalchemy import Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import Identifies, column, moment
from server.records.conditions import (
    IntRange,
    OneOf,
    TextIn,
    TextMatch,
    TimestampRange,
)
from server.records.described import Described, OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class RoomStatus(Described):
    """Whether a session is still going on."""

    ACTIVE = "ACTIVE", "The session is still going on."
    COMPLETED = "COMPLETED", "The session is over."


class RoomBase(SQLModel):
    """A room's public columns."""

    room_id: str = column("Public id, `room_…`: what scripts look it up by.", unique=True)
    status: RoomStatus = column("Whether the session is still going on.", sa_type=String)
    start_time: Timestamp | None = moment("When the session began.", default=None)
    end_time: Timestamp | None = moment("When the session ended.", default=None)
    experiment_start: Timestamp | None = moment(
        "Time zero of every onset in the room.", default=None
    )
    completion_reason: str | None = column(
        "Why the session ended.", identifies=Identifies.IN_TEXT, default=None
    )


class Room(RoomBase, Stored, table=True):
    """A stored room."""

    __table_args__ = (
        UniqueConstraint("experiment_key", "id"),  # what participants refer to
        Index("ix_room_experiment_key_start_time", "experiment_key", "start_time", "id"),
        {"sqlite_autoincrement": True},  # the key of an erased one must name no other
    )

    experiment_key: int = Field(foreign_key="experiment.id", sa_type=KEY_TYPE)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        return {**super().expressions(), "duration": col(cls.end_time) - col(cls.start_time)}


class RoomOrderField(OrderField):
    """What rooms can be sorted by."""

    START_TIME = "start_time"
    END_TIME = "end_time"
    ROOM_ID = "room_id"
    STATUS = "status"
    EXPERIMENT_START = "experiment_start"
    DURATION = "duration", "From start to end, in milliseconds."
    COMPLETION_REASON = "completion_reason"


class RoomStatusIn(OneOf[RoomStatus]):
    """One of some states."""


class RoomFilter(Filter, of=RoomBase):
    """Which rooms to keep."""

    needs: ClassVar = {"participant_count": "read:participants"}

    room_id: TextIn | None = None
    status: RoomStatusIn | None = None
    start_time: TimestampRange | None = None
    end_time: TimestampRange | None = None
    experiment_start: TimestampRange | None = None
    completion_reason: TextMatch | None = None
    duration: IntRange | None = Asked(
        default=None, description="From start to end, in milliseconds; nothing while it runs."
    )
    participant_count: IntRange | None = Asked(
        default=None, description="How many participants were in it."
    )


ROOMS = Listed(
    model=Room,
    filter=RoomFilter,
    order=RoomOrderField,
    scope="read:experiments",
)
