"""Participants: one person's part in one room. Who was in two rooms has two rows, one id."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field as Asked
from sqlalchemy import (
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
    cast,
    func,
    select,
)
from sqlmodel import Field, SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored, Table
from server.records.columns import Identifies, Summarized, column, moment
from server.records.conditions import Clauses, OneOf, TextIn, TextMatch, TimestampRange
from server.records.described import Described, OrderField
from server.records.filters import Filter, Reference
from server.records.listed import Listed
from server.records.rooms import Room
from server.timestamps import Timestamp

if TYPE_CHECKING:  # they are records of participants: `server.records` makes them known here
    from server.records import NamedType


class ParticipantStatus(Described):
    """Whether a participant is there, done, or gone."""

    ACTIVE = "ACTIVE", "In the room."
    COMPLETED = "COMPLETED", "Done: reached the end."
    DISCONNECTED = "DISCONNECTED", "Gone before the end."


class ParticipantBase(SQLModel):
    """A participant's public columns."""

    participant_id: str = column(
        "Public id of the person, 28 characters; the same in each of their rooms.",
        identifies=Identifies.DIRECTLY,
    )
    role: str | None = column(
        "The role taken in the room.", summarized=Summarized.AS_CATEGORIES, default=None
    )
    status: ParticipantStatus = column("Whether they are there, done, or gone.", sa_type=String)
    email: str | None = column(
        "Address; null to all who may not see identified data.",
        identifies=Identifies.DIRECTLY,
        identified_only=True,
        default=None,
    )
    ip_address: str | None = column(
        "Network address they came from; null to all who may not see identified data.",
        identifies=Identifies.DIRECTLY,
        identified_only=True,
        default=None,
    )
    user_agent: str | None = column(
        "The browser they used; null to all who may not see identified data.",
        identifies=Identifies.IN_PART,
        identified_only=True,
        default=None,
    )
    joined_at: Timestamp | None = moment("When they entered the room.", default=None)
    completed_at: Timestamp | None = moment("When they finished.", default=None)
    completion_code: str | None = column(
        "How it ended, such as SUCCESS, TIMEOUT, NOCONSENT or ABANDONED.",
        summarized=Summarized.AS_CATEGORIES,
        default=None,
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
        {"sqlite_autoincrement": True},  # the key of an erased one must name no other
    )

    experiment_key: int = Field(sa_type=KEY_TYPE)
    room_key: int = Field(sa_type=KEY_TYPE)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        columns = super().expressions()
        room = select(col(Room.room_id)).where(col(Room.id) == columns["room_key"])
        return {**columns, "room_id": room.scalar_subquery()}


class PseudonymBase(SQLModel):
    """A pseudonym's public columns."""

    participant_id: str = column(
        "Public id of the person.", identifies=Identifies.DIRECTLY, primary_key=True
    )
    code: str = column("The code that stands for the person in files, such as `P0001`.")


class Pseudonym(PseudonymBase, Table, table=True):
    """The code that stands for a person in de-identified files: one per experiment, for good."""

    __table_args__ = (UniqueConstraint("experiment_key", "code"),)

    experiment_key: int = Field(primary_key=True, foreign_key="experiment.id", sa_type=KEY_TYPE)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        """Add the number in the code: it tells the pseudonyms of an experiment apart."""
        return {**super().expressions(), "id": cast(func.substr(col(cls.code), 2), Integer)}


class PseudonymFilter(Filter, of=PseudonymBase):
    """Which pseudonyms to keep."""


class PseudonymOrderField(OrderField):
    """What pseudonyms can be sorted by: as they were given."""

    NUMBER = "key"


class ParticipantOrderField(OrderField):
    """What participants can be sorted by."""

    JOINED_AT = "joined_at"
    COMPLETED_AT = "completed_at"
    PARTICIPANT_ID = "participant_id"
    ROLE = "role"
    STATUS = "status"
    COMPLETION_CODE = "completion_code"


class ParticipantStatusIn(OneOf[ParticipantStatus]):
    """One of some states."""


class ParticipantFilter(Filter, of=ParticipantBase):
    """Which participants to keep."""

    by_key: ClassVar = {"room_id": Reference(col(Room.room_id), col(Room.id), "room_key")}

    participant_id: TextIn | None = None
    role: TextMatch | None = None
    status: ParticipantStatusIn | None = None
    joined_at: TimestampRange | None = None
    completed_at: TimestampRange | None = None
    completion_code: TextMatch | None = None
    room_id: TextIn | None = Asked(default=None, description="Which rooms.")
    has_data: "tuple[NamedType, ...] | None" = Asked(
        default=None, description="There is a record of each of these types."
    )

    def own_scopes(self) -> set[str]:
        return {data_type.value.scope for data_type in self.has_data or ()}

    def asked(self, columns: Mapping[str, ColumnElement[Any]]) -> Clauses:
        there = [columns[f"any_{each.value.name}"] for each in self.has_data or ()]
        return [*super().asked(columns), *there]


PSEUDONYMS = Listed(
    model=Pseudonym,
    filter=PseudonymFilter,
    order=PseudonymOrderField,
    scope="read:participants",
)

PARTICIPANTS = Listed(
    model=Participant,
    filter=ParticipantFilter,
    order=ParticipantOrderField,
    scope="read:participants",
)
