"""Groups of accounts, so that an experiment can be shared with a lab at once."""

from sqlmodel import Field, SQLModel

from server.column_types import KEY_TYPE
from server.db import Stored, Table
from server.records.columns import column, moment
from server.records.conditions import TextIn, TextMatch, TimestampRange
from server.records.described import OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class UserGroupBase(SQLModel):
    """A group's public columns."""

    group_id: str = column("Public id, `grp_…`.", unique=True)
    name: str = column("What its owner calls it.")
    created_at: Timestamp = moment("When it was made.")


class UserGroup(UserGroupBase, Stored, table=True):
    """A stored group: its owner says who is in it, and administrators may."""

    owner_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)


class GroupMember(Table, table=True):
    """Who is in a group."""

    group_key: int = Field(
        primary_key=True, foreign_key="user_group.id", ondelete="CASCADE", sa_type=KEY_TYPE
    )
    user_key: int = Field(primary_key=True, foreign_key="user.id", index=True, sa_type=KEY_TYPE)


class UserGroupFilter(Filter, of=UserGroupBase):
    """Which groups to keep."""

    group_id: TextIn | None = None
    name: TextMatch | None = None
    created_at: TimestampRange | None = None


class UserGroupOrderField(OrderField):
    """What groups can be sorted by."""

    CREATED_AT = "created_at"
    NAME = "name"


USER_GROUPS = Listed(
    model=UserGroup,
    filter=UserGroupFilter,
    order=UserGroupOrderField,
    scope="read:experiments",
)
