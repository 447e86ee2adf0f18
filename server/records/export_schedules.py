"""Export schedules: exports that are asked for again and again, by a cron expression."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE, Json
from server.db import Stored
from server.records.columns import column, moment
from server.timestamps import Timestamp


class ExportScheduleBase(SQLModel):
    """A schedule's public columns."""

    name: str = column("What its owner calls it.")
    cron: str = column(
        "When it fires: a cron expression of five fields, such as `0 3 * * 1` for Mondays at 3:00."
    )
    time_zone: str = column("The IANA time zone of `cron`, such as `Europe/Berlin`.")
    keep_last: int | None = column(
        "How many finished exports of it are kept; older ones are deleted. All, if null.",
        unit="exports",
        default=None,
    )
    incremental: bool = column(
        "Whether each export holds only what came after the one before it.", default=False
    )
    created_at: Timestamp = moment("When it was set up.")
    next_at: Timestamp | None = moment("When it fires next; null for never.", default=None)
    last_at: Timestamp | None = moment("When it fired last.", default=None)
    last_message: str | None = column(
        "What became of the last firing, if it queued no export.", default=None
    )


class ExportSchedule(ExportScheduleBase, Stored, table=True):
    """A stored schedule.

    `wanted` is what to export, in public ids. It is asked for with the rights that its user has
    when it fires, narrowed as the API key was that set it up: `scopes`, `experiment_keys`.
    """

    __table_args__ = (Index("ix_export_schedule_next_at", "next_at"),)

    requested_by_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    wanted: Json = Field(sa_type=JSON_TYPE)
    scopes: list[str] = Field(sa_type=JSON_TYPE)
    experiment_keys: list[int] | None = Field(default=None, sa_type=JSON_TYPE)
    last_export_key: int | None = Field(default=None, sa_type=BigInteger)
