"""Export schedules: exports that are asked for again and again, by a cron expression."""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE, Json
from server.db import Stored, Table
from server.records.columns import column, moment
from server.records.conditions import BooleanMatch, IntRange, TextMatch, TimestampRange
from server.records.described import OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class ExportScheduleBase(SQLModel):
    """A schedule's public columns."""

    name: str = column("What its owner calls it.")
    cron: str = column(
        "When it fires: a cron expression of five fields, such as `0 3 * * 1` for Mondays at 3:00."
    )
    time_zone: str = column("The IANA time zone of `cron`, such as `Europe/Berlin`.")
    keep_last: int | None = column(
        "How many of its finished exports keep their files, the newest; if null, a file is "
        "deleted when its time is over, as of any export.",
        unit="exports",
        default=None,
    )
    incremental: bool = column(
        "Whether each export holds only what came after the one before it.", default=False
    )
    created_at: Timestamp = moment("When it was set up.")
    next_at: Timestamp | None = moment(
        "When it fires next, or later, once its last export is finished; null for never.",
        default=None,
    )
    last_at: Timestamp | None = moment("When it fired last.", default=None)
    last_message: str | None = column(
        "What became of the last firing, if it queued no export.", default=None
    )


class ExportSchedule(ExportScheduleBase, Stored, table=True):
    """A stored schedule.

    `wanted` is what to export, in public ids. It is asked for with the rights that its user has
    when it fires, narrowed as the API key was that set it up: `scopes`, `experiment_keys`.
    `reached` is where the snapshot of its last finished export ends: an increment begins there,
    whatever has become of the row of that export.
    """

    __table_args__ = (Index("ix_export_schedule_next_at", "next_at"),)

    requested_by_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    wanted: Json = Field(sa_type=JSON_TYPE)
    scopes: list[str] = Field(sa_type=JSON_TYPE)
    experiment_keys: list[int] | None = Field(default=None, sa_type=JSON_TYPE)
    reached: dict[str, int] | None = Field(default=None, sa_type=JSON_TYPE)

    @classmethod
    def level_name(cls) -> str:
        return "schedule"


class ScheduledExperiment(Table, table=True):
    """Which experiments a schedule draws on: a key that is bound to others does not see it."""

    schedule_key: int = Field(
        primary_key=True, foreign_key="export_schedule.id", ondelete="CASCADE", sa_type=KEY_TYPE
    )
    experiment_key: int = Field(
        primary_key=True, foreign_key="experiment.id", index=True, sa_type=KEY_TYPE
    )


class ExportScheduleFilter(Filter, of=ExportScheduleBase):
    """Which schedules to keep."""

    name: TextMatch | None = None
    cron: TextMatch | None = None
    time_zone: TextMatch | None = None
    keep_last: IntRange | None = None
    incremental: BooleanMatch | None = None
    created_at: TimestampRange | None = None
    next_at: TimestampRange | None = None
    last_at: TimestampRange | None = None
    last_message: TextMatch | None = None


class ExportScheduleOrderField(OrderField):
    """What schedules can be sorted by."""

    CREATED_AT = "created_at"


EXPORT_SCHEDULES = Listed(
    model=ExportSchedule,
    filter=ExportScheduleFilter,
    order=ExportScheduleOrderField,
    scope="export:data",
)
