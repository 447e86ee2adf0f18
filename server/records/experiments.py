"""Experiments: what is owned, shared, exported and retained as a whole."""

from enum import Enum, StrEnum

from pydantic import Field as Asked
from sqlalchemy import String, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import column, json_column, moment
from server.records.filters import Filter, TextIn, TimestampRange
from server.records.listed import Listed
from server.timestamps import Timestamp


class ExperimentStatus(StrEnum):
    """Where an experiment stands."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    ARCHIVED = "ARCHIVED"


class ExperimentBase(SQLModel):
    """An experiment's public columns."""

    experiment_id: str = column("Public id, `exp_…`: what scripts look it up by.", unique=True)
    name: str = column("What researchers call it.")
    description: str | None = column("What it is about.", default=None)
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


class Experiment(ExperimentBase, Stored, table=True):
    """A stored experiment."""

    owner_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)


class Collaborator(Stored, table=True):
    """A researcher with whom an experiment is shared: to view it, and perhaps to export it."""

    __table_args__ = (UniqueConstraint("experiment_key", "user_key"),)

    experiment_key: int = Field(foreign_key="experiment.id", sa_type=KEY_TYPE)
    user_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    can_export: bool = False


class ExperimentOrderField(Enum):
    """What experiments can be sorted by."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    NAME = "name"


class ExperimentFilter(Filter):
    """Which experiments to keep."""

    experiment_id: TextIn | None = Asked(default=None, description="Which experiments.")
    created_at: TimestampRange | None = Asked(default=None, description="When it was set up.")


EXPERIMENTS = Listed(
    model=Experiment,
    filter=ExperimentFilter,
    order=ExperimentOrderField,
    scope="read:experiments",
)
