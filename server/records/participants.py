"""Participants: one person's part in one room. Who was in two rooms has two rows, one id."""

from enum import Enum, StrEnum
from typing import Any

from pydantic import Field as Asked
from sqlalchemy import ForeignKeyConstraint, Index, String, UniqueConstraint, select
from sqlmodel import Field, SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored, Table
from server.records.columns import Identifies, column, moment
from server.records.filters import Filter, TextIn, TimestampRange
from server.records.listed import Listed
from server.records.rooms import Room
from server.timestamps import Timestamp


class ParticipantStatus(StrEnum):
    """Whether a participant is there, done, or gone."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    DISCONNECTED = "DISCONNECTED"


class ParticipantBase(SQLModel):
    """A participant's public columns."""

    participant_id: str = column(
        "Public id of the person, 28 characters; the same in each of their rooms.",
        identifies=Identifies.DIRECTLY,
    )
    role: str | None = column("The role taken in the room.", default=None)
    status: ParticipantStatus = column("Whether they are there, done, or gone.", sa_type=String)
    email: str | None = column("Address.", identifies=Identifies.DIRECTLY, default=None)
    ip_address: str | None = column(
        "Network address they came from.", identifies=Identifies.DIRECTLY, default=None
    )
    user_agent: str | None = column(
        "The browser they used.", identifies=Identifies.IN_PART, default=None
    )
    joined_at: Timestamp | None = moment("When they entered the room.", default=None)
    completed_at: Timestamp | None = moment("When they finished.", default=None)
    completion_code: str | None = column(
        "How it ended, such as SUCCESS, TIMEOUT, NOCONSENT or ABANDONED.", default=None
    )


class Participant(ParticipantBase, Stored, table=True):
    """A stored participant."""

    __table_args__ = (
        ForeignKeyConstraint(["experiment_key", "room_key"], ["room.experiment_key", "room.id"]),
        UniqueConstraint("experiment_key", "room_key", "id"),  # what records refer to
        UniqueConstraint("experiment_key", "room_key", "participant_id"),
        Index("ix_participant_room_key_joined_at", "room_key", "joined_at", "id"),
        Index("ix_participant_experiment_key_joined_at", "experiment_key", "joined_at", "id"),
        Index("ix_participant_participant_id", "participant_id"),
    )

    experiment_key: int = Field(sa_type=KEY_TYPE)
    room_key: int = Field(sa_type=KEY_TYPE)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        columns = super().expressions()
        room = select(col(Room.room_id)).where(col(Room.id) == columns["room_key"])
        return {**columns, "room_id": room.scalar_subquery()}


class Pseudonym(Table, table=True):
    """The code that stands for a person in de-identified files: one per experiment, for good."""

    __table_args__ = (UniqueConstraint("experiment_key", "code"),)

    experiment_key: int = Field(primary_key=True, foreign_key="experiment.id", sa_type=KEY_TYPE)
    participant_id: str = Field(primary_key=True)
    code: str


class ParticipantOrderField(Enum):
    """What participants can be sorted by."""

    JOINED_AT = "joined_at"
    COMPLETED_AT = "completed_at"
    PARTICIPANT_ID = "participant_id"


class ParticipantFilter(Filter):
    """Which participants to keep."""

    participant_id: TextIn | None = Asked(default=None, description="Which participants.")
    joined_at: TimestampRange | None = Asked(
        default=None, description="When they entered the room."
    )


PARTICIPANTS = Listed(
    model=Participant,
    filter=ParticipantFilter,
    order=ParticipantOrderField,
    scope="read:participants",
)
