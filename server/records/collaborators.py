"""Collaborators: with whom an experiment is shared, for what, and until when."""

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE
from server.db import Stored
from server.records.columns import column, moment
from server.records.conditions import BooleanMatch, TimestampRange
from server.records.described import OrderField
from server.records.exports import Anonymization
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class CollaboratorBase(SQLModel):
    """A grant's public columns."""

    can_export: bool = column("Whether the data may be taken away in files.", default=False)
    anonymization: Anonymization = column(
        "How much of who the participants are may be seen, and stay in files: KEEP for all of it.",
        sa_type=String,
        default=Anonymization.REMOVE_IDENTIFIERS,
    )
    created_at: Timestamp | None = moment(
        "When it was granted; null for what was granted before this was kept.", default=None
    )
    expires_at: Timestamp | None = moment("When it ends; null for never.", default=None)


class Collaborator(CollaboratorBase, Stored, table=True):
    """What is granted to an account or to a group: to view an experiment, and perhaps to export it.

    `data_types` are the names of the types it is about; null for all.
    """

    __table_args__ = (
        UniqueConstraint("experiment_key", "user_key"),
        UniqueConstraint("experiment_key", "group_key"),
        CheckConstraint("(user_key IS NULL) <> (group_key IS NULL)", name="one_grantee"),
    )

    experiment_key: int = Field(foreign_key="experiment.id", sa_type=KEY_TYPE)
    user_key: int | None = Field(default=None, foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    group_key: int | None = Field(
        default=None,
        foreign_key="user_group.id",
        ondelete="CASCADE",
        index=True,
        sa_type=KEY_TYPE,
    )
    granted_by_key: int | None = Field(default=None, foreign_key="user.id", sa_type=KEY_TYPE)
    data_types: list[str] | None = Field(default=None, sa_type=JSON_TYPE)


class CollaboratorFilter(Filter, of=CollaboratorBase):
    """Which grants to keep."""

    can_export: BooleanMatch | None = None
    created_at: TimestampRange | None = None
    expires_at: TimestampRange | None = None


class CollaboratorOrderField(OrderField):
    """What grants can be sorted by."""

    CREATED_AT = "created_at"


COLLABORATORS = Listed(
    model=Collaborator,
    filter=CollaboratorFilter,
    order=CollaboratorOrderField,
    scope="read:experiments",
)
