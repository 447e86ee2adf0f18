"""Retention: how long an experiment's data are kept, and how far what is due has come."""

from sqlalchemy import BigInteger, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE, Json
from server.db import Stored, Table
from server.records.columns import Identifies, column, moment
from server.records.described import Described
from server.timestamps import Timestamp

REMINDER_DAYS = 14
"""How many days before data are deleted it is first told, unless somebody says otherwise."""


class RetentionAction(Described):
    """What becomes of an experiment's data by itself."""

    ARCHIVE = "ARCHIVE", "The experiment is archived: read-only, with a sealed package."
    DELETE_MEDIA = "DELETE_MEDIA", "The files of its recordings are deleted; their records stay."
    DELETE_DATA = (
        "DELETE_DATA",
        "Its records, media, participants and rooms are deleted; the experiment itself stays.",
    )


class RetentionPolicyBase(SQLModel):
    """A policy's public columns. Days count from when the experiment was completed."""

    delete_after_days: int | None = column(
        "After how many days the data are deleted, from the experiment's completion; null for "
        "never, or for `deleteAt`.",
        unit="days",
        default=None,
    )
    delete_at: Timestamp | None = moment(
        "When the data are deleted, whether the experiment is completed or not; null for never, or "
        "for `deleteAfterDays`.",
        default=None,
    )
    media_days: int | None = column(
        "After how many days the files of recordings are deleted, from the experiment's "
        "completion; null for when the data are.",
        unit="days",
        default=None,
    )
    archive_after_days: int | None = column(
        "After how many days the experiment is archived, from its completion; null for never.",
        unit="days",
        default=None,
    )
    reminder_days: int = column(
        "How many days before a deletion the first of its two notices is given; the second is "
        "given a day before.",
        unit="days",
        default=REMINDER_DAYS,
    )


class RetentionPolicy(RetentionPolicyBase, Table, table=True):
    """The policy of an experiment, and its legal hold; without a row all is kept.

    `held_by` is the public id of the account that set the hold, as the audit log names it.
    """

    experiment_key: int = Field(
        primary_key=True, foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE
    )
    held_at: Timestamp | None = Field(default=None, sa_type=BigInteger)
    held_by: str | None = None
    hold_reason: str | None = column(
        "Why nothing may be deleted.", identifies=Identifies.IN_TEXT, default=None
    )


class RetentionStep(Stored, table=True):
    """What is due of an experiment, from its first notice to its end.

    due_at   for when the policy has it: notices that were given for another moment do not count
    worker   who deletes, as `server.export.holders` names it, and until when nobody else may
    deleted  how many of what are gone, by what people call it
    """

    __table_args__ = (UniqueConstraint("experiment_key", "action"),)

    experiment_key: int = Field(foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE)
    action: RetentionAction = Field(sa_type=String)
    due_at: Timestamp = Field(sa_type=BigInteger)
    first_notice_at: Timestamp | None = Field(default=None, sa_type=BigInteger)
    last_notice_at: Timestamp | None = Field(default=None, sa_type=BigInteger)
    started_at: Timestamp | None = Field(default=None, sa_type=BigInteger)
    done_at: Timestamp | None = Field(default=None, sa_type=BigInteger)
    worker: str | None = None
    lease_until: Timestamp | None = Field(default=None, sa_type=BigInteger)
    deleted: Json | None = Field(default=None, sa_type=JSON_TYPE)


class Archive(Table, table=True):
    """The sealed package of an archived experiment: an export that does not expire.

    `sha256` and `file_size` are those of its file, once it is written.
    """

    experiment_key: int = Field(
        primary_key=True, foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE
    )
    archived_at: Timestamp = Field(sa_type=BigInteger)
    export_key: int | None = Field(
        default=None,
        foreign_key="export.id",
        ondelete="SET NULL",
        index=True,
        sa_type=KEY_TYPE,
    )
    sha256: str | None = None
    file_size: int | None = Field(default=None, sa_type=BigInteger)
