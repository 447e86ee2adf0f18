"""Experiments: what is owned, shared, exported and retained as a whole."""

from typing import ClassVar

from pydantic import Field as Asked
from sqlalchemy import String
from sqlmodel import Field, SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import Identifies, column, json_column, moment
from server.records.conditions import (
    BooleanMatch,
    IntRange,
    OneOf,
    TextIn,
    TextListMatch,
    TextMatch,
    TimestampRange,
)
from server.records.described import Described, OrderField
from server.records.filters import Filter, Reference
from server.records.listed import Listed
from server.records.users import User
from server.timestamps import Timestamp


class ExperimentStatus(Described):
    """Where an experiment stands."""

    ACTIVE = "ACTIVE", "Rooms may still be run."
    COMPLETED = "COMPLETED", "All its data is in."
    ARCHIVED = "ARCHIVED", "Put away: read-only, with a sealed package of all its data."


class ParticipantField(Described):
    """What can be left out of what is known of participants: columns of theirs."""

    EMAIL = "EMAIL", "Their address."
    IP_ADDRESS = "IP_ADDRESS", "The network address that they came from."
    USER_AGENT = "USER_AGENT", "The browser that they used."

    @property
    def column(self) -> str:
        """The column of `participant` that it is."""
        return self.value.lower()


class ExperimentBase(SQLModel):
    """An experiment's public columns."""

    experiment_id: str = column("Public id, `exp_…`: what scripts look it up by.", unique=True)
    name: str = column("What researchers call it.", identifies=Identifies.IN_TEXT)
    description: str | None = column(
        "What it is about.", identifies=Identifies.IN_TEXT, default=None
    )
    status: ExperimentStatus = column("Where it stands.", sa_type=String)
    created_at: Timestamp = moment("When it was set up.")
    updated_at: Timestamp = moment("When its settings last changed.")
    roles: list[str] = json_column("The roles that participants can have.", default=[])
    required_participants: int | None = column(
        "How many participants a room needs to start.", unit="participants", default=None
    )
    participants_may_request_data: bool = column(
        "Whether participants may read and request their own data.", default=False
    )
    completed_at: Timestamp | None = moment(
        "When it was completed, or archived: from then on retention counts; null while it is "
        "ACTIVE.",
        default=None,
    )
    fields_not_collected: list[ParticipantField] = json_column(
        "What is not stored of its participants, whoever sends it: EMAIL, IP_ADDRESS or "
        "USER_AGENT.",
        default=[],
    )


class Experiment(ExperimentBase, Stored, table=True):
    """A stored experiment."""

    __table_args__ = ({"sqlite_autoincrement": True},)  # the key of an erased one names no other

    owner_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)


class ExperimentOrderField(OrderField):
    """What experiments can be sorted by."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    NAME = "name"
    EXPERIMENT_ID = "experiment_id"
    DESCRIPTION = "description"
    STATUS = "status"
    REQUIRED_PARTICIPANTS = "required_participants"
    PARTICIPANTS_MAY_REQUEST_DATA = "participants_may_request_data"
    COMPLETED_AT = "completed_at"


class ExperimentStatusIn(OneOf[ExperimentStatus]):
    """One of some states."""


class ExperimentFilter(Filter, of=ExperimentBase):
    """Which experiments to keep."""

    by_key: ClassVar = {"owner_id": Reference(col(User.user_id), col(User.id), "owner_key")}
    needs: ClassVar = {"participant_count": "read:participants"}

    experiment_id: TextIn | None = None
    name: TextMatch | None = None
    description: TextMatch | None = None
    status: ExperimentStatusIn | None = None
    created_at: TimestampRange | None = None
    updated_at: TimestampRange | None = None
    roles: TextListMatch | None = None
    required_participants: IntRange | None = None
    participants_may_request_data: BooleanMatch | None = None
    completed_at: TimestampRange | None = None
    fields_not_collected: TextListMatch | None = None
    owner_id: TextIn | None = Asked(default=None, description="Whose they are: ids of accounts.")
    room_count: IntRange | None = Asked(default=None, description="How many rooms it has.")
    participant_count: IntRange | None = Asked(
        default=None,
        description="How many participants it has, over all rooms; who was in two counts twice.",
    )


EXPERIMENTS = Listed(
    model=Experiment,
    filter=ExperimentFilter,
    order=ExperimentOrderField,
    scope="read:experiments",
)
