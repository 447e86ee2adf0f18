"""Withdrawals: whose data of an experiment are not to be used any more, of which types, from when.

A withdrawal of some data types is consent taken back for these. The participant is named by their
public id: it holds for all of their rooms, those to come among them.
"""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE
from server.db import Stored
from server.records.columns import Identifies, column, moment
from server.records.conditions import TextIn, TimestampRange
from server.records.described import OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class WithdrawalBase(SQLModel):
    """A withdrawal's public columns."""

    participant_id: str = column(
        "Public id of the person who withdrew, or for whom it was done.",
        identifies=Identifies.DIRECTLY,
    )
    from_at: Timestamp = moment("From when on nothing is used any more.")
    reason: str | None = column("Why, as it was said.", identifies=Identifies.IN_TEXT, default=None)
    created_at: Timestamp = moment("When it was asked for.")
    sealed_at: Timestamp | None = moment(
        "When all that it is about was out of reach; null until then.", default=None
    )
    lifted_at: Timestamp | None = moment(
        "When it was lifted; null as long as it holds.", default=None
    )
    restored_at: Timestamp | None = moment(
        "When all was back that no other withdrawal is about; null until then.", default=None
    )


class Withdrawal(WithdrawalBase, Stored, table=True):
    """A stored withdrawal. `data_types` are the names of the types it is about; null for all."""

    __table_args__ = (
        Index("ix_withdrawal_experiment_key", "experiment_key", "participant_id"),
        Index("ix_withdrawal_from_at", "from_at"),
    )

    experiment_key: int = Field(foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE)
    data_types: list[str] | None = Field(default=None, sa_type=JSON_TYPE)
    requested_by_key: int = Field(foreign_key="user.id", sa_type=KEY_TYPE)


class WithdrawalFilter(Filter, of=WithdrawalBase):
    """Which withdrawals to keep."""

    participant_id: TextIn | None = None
    from_at: TimestampRange | None = None
    lifted_at: TimestampRange | None = None


class WithdrawalOrderField(OrderField):
    """What withdrawals can be sorted by."""

    CREATED_AT = "created_at"


WITHDRAWALS = Listed(
    model=Withdrawal,
    filter=WithdrawalFilter,
    order=WithdrawalOrderField,
    scope="read:participants",
)
