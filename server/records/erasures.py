"""Erasures: what is to go for good, or has gone, and what is told of it. Never the data.

While an erasure is going on, `subject` holds what the person is known by: it is needed to find
where others' records name them. It is thrown away before the receipt is signed.
"""

from sqlalchemy import BigInteger, Index, String
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE, Json
from server.db import Stored, Table
from server.records.columns import Identifies, column, moment
from server.records.conditions import OneOf, TextIn, TimestampRange
from server.records.described import Described, OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class ErasureKind(Described):
    """What is erased."""

    PARTICIPANT = "PARTICIPANT", "One person's part in an experiment."
    EXPERIMENT = "EXPERIMENT", "A whole experiment."


class ErasureStatus(Described):
    """Where an erasure stands."""

    REQUESTED = "REQUESTED", "Confirmed; it begins at `dueAt`, and can be canceled until then."
    RUNNING = "RUNNING", "Going on; it cannot be stopped any more."
    COMPLETED = "COMPLETED", "All is gone: `receipt` says what."
    CANCELED = "CANCELED", "Canceled before it began; nothing is gone."


class ErasureBase(SQLModel):
    """An erasure's public columns."""

    kind: ErasureKind = column("What is erased.", sa_type=String)
    status: ErasureStatus = column("Where it stands.", sa_type=String)
    experiment_id: str = column("Public id of the experiment.")
    requested_at: Timestamp = moment("When it was asked for and confirmed.")
    due_at: Timestamp = moment("When it begins, or should have.")
    started_at: Timestamp | None = moment("When it began.", default=None)
    completed_at: Timestamp | None = moment(
        "When all was gone, or when it was canceled.", default=None
    )
    reason: str | None = column(
        "Why, as was said when it was asked for.", identifies=Identifies.IN_TEXT, default=None
    )
    removed_count: int = column(
        "How many records are gone so far.", unit="records", sa_type=BigInteger, default=0
    )
    total_count: int = column(
        "How many records there were to go.", unit="records", sa_type=BigInteger, default=0
    )
    receipt: Json | None = column(
        "What is gone, when and by whom, with a signature; null before all is gone. "
        "`hyperdata receipt verify` checks it.",
        sa_type=JSON_TYPE,
        default=None,
    )


class Erasure(ErasureBase, Stored, table=True):
    """A stored erasure.

    experiment_key   no foreign key: it may outlive the experiment
    participant_key  one of the rows of whoever is erased; none of a whole experiment
    digest   of the experiment and the person, under the server's secret: who asks again is told of
             the same erasure, though nobody can tell from it whose it was
    subject  see the module; hexadecimal, so that who looks through the file for what is left does
             not find this
    step     how far it has come; `counts` is what is gone by then
    """

    __table_args__ = (
        Index("ix_erasure_digest", "digest"),
        Index("ix_erasure_status", "status", "due_at"),
        Index("ix_erasure_experiment_key", "experiment_key", "requested_at", "id"),
        {"sqlite_autoincrement": True},  # a tombstone bears its key
    )

    experiment_key: int = Field(sa_type=KEY_TYPE)
    participant_key: int | None = Field(default=None, sa_type=KEY_TYPE)
    requested_by_key: int = Field(foreign_key="user.id", sa_type=KEY_TYPE)
    digest: str
    subject: str | None = None
    step: int = 0
    counts: Json = Field(sa_type=JSON_TYPE)
    fence: int = 0
    worker: str | None = None
    lease_until: Timestamp | None = Field(default=None, sa_type=BigInteger)


class SpentCode(Table, table=True):
    """The highest number of a code that stood for somebody who was erased: it is given no more."""

    experiment_key: int = Field(primary_key=True, sa_type=KEY_TYPE)
    number: int = Field(sa_type=BigInteger)


class ErasureStatusIn(OneOf[ErasureStatus]):
    """One of some states."""


class ErasureFilter(Filter, of=ErasureBase):
    """Which erasures to keep."""

    status: ErasureStatusIn | None = None
    experiment_id: TextIn | None = None
    requested_at: TimestampRange | None = None


class ErasureOrderField(OrderField):
    """What erasures can be sorted by."""

    REQUESTED_AT = "requested_at"


ERASURES = Listed(
    model=Erasure,
    filter=ErasureFilter,
    order=ErasureOrderField,
    scope="read:experiments",
)
