"""Sync metrics: once a second, how well a participant's video kept time with the host's."""

from enum import Enum, StrEnum
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import ColumnElement, case, func
from sqlmodel import col

from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.columns import column
from server.records.filters import TextIn


class SyncBand(StrEnum):
    """How far a video was from the host's."""

    GOOD = "GOOD"
    ACCEPTABLE = "ACCEPTABLE"
    POOR = "POOR"


def band_of(drift: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the band of a drift's size in ms; null has none."""
    return case(
        (drift < 100, SyncBand.GOOD.value),
        (drift <= 500, SyncBand.ACCEPTABLE.value),
        (drift > 500, SyncBand.POOR.value),
    )


class SyncMetricBase(RecordBase):
    """A measurement's public columns."""

    metric_id: str = column("Public id, `syn_…`.")
    time_drift: float | None = column(
        "Milliseconds ahead of the host's video (positive) or behind it (negative).",
        unit="ms",
        default=None,
    )
    playback_rate: float | None = column(
        "How fast the video played; 1 is real time.", unit="ratio", default=None
    )
    sync_quality: float | None = column(
        "How well it kept time: 0 to 1.", unit="0 to 1", default=None
    )
    latency: float | None = column("Network delay in milliseconds.", unit="ms", default=None)
    buffer_health: float | None = column(
        "How full the video's buffer was: 0 to 1.", unit="0 to 1", default=None
    )


class SyncMetric(SyncMetricBase, Record, table=True):
    """A stored measurement."""

    identity: ClassVar = ("metric_id",)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        return {**super().expressions(), "band": band_of(func.abs(col(cls.time_drift)))}


class SyncMetricFilter(RecordFilter):
    """Which measurements to keep."""

    metric_id: TextIn | None = Field(default=None, description="Which measurements.")


class SyncMetricOrderField(Enum):
    """What measurements can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"


SYNC_METRICS = DataType(
    name="syncMetrics",
    title="sync metrics",
    stem="sync_metrics",
    model=SyncMetric,
    base=SyncMetricBase,
    filter=SyncMetricFilter,
    order=SyncMetricOrderField,
    scope="read:sync",
    most=10_000,
)
