"""Sync metrics: once a second, how well a participant's video kept time with the host's."""

from typing import Any, ClassVar

from pydantic import Field as Asked
from sqlalchemy import ColumnElement, case, func
from sqlmodel import col

from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.columns import column
from server.records.conditions import FloatRange, OneOf, TextIn
from server.records.described import Described, OrderField


class SyncBand(Described):
    """How far a video was from the host's."""

    GOOD = "GOOD", "Less than 100 ms ahead or behind."
    ACCEPTABLE = "ACCEPTABLE", "From 100 to 500 ms ahead or behind."
    POOR = "POOR", "More than 500 ms ahead or behind."


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
        "How fast the video played; 1 is real time.", unit="ratio", least=0, default=None
    )
    sync_quality: float | None = column(
        "How well it kept time: 0 to 1.", unit="0 to 1", least=0, most=1, default=None
    )
    latency: float | None = column(
        "Network delay in milliseconds.", unit="ms", least=0, default=None
    )
    buffer_health: float | None = column(
        "How full the video's buffer was: 0 to 1.", unit="0 to 1", least=0, most=1, default=None
    )


class SyncMetric(SyncMetricBase, Record, table=True):
    """A stored measurement."""

    identity: ClassVar = ("metric_id",)

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        return {**super().expressions(), "band": band_of(func.abs(col(cls.time_drift)))}


class SyncBandIn(OneOf[SyncBand]):
    """One of some bands."""


class SyncMetricFilter(RecordFilter, of=SyncMetricBase):
    """Which measurements to keep."""

    metric_id: TextIn | None = None
    time_drift: FloatRange | None = None
    playback_rate: FloatRange | None = None
    sync_quality: FloatRange | None = None
    latency: FloatRange | None = None
    buffer_health: FloatRange | None = None
    band: SyncBandIn | None = Asked(
        default=None, description="How far from the host's video, ahead or behind."
    )


class SyncMetricOrderField(OrderField):
    """What measurements can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"
    ROOM_ID = "room_id"
    PARTICIPANT_ID = "participant_id"
    METRIC_ID = "metric_id"
    TIME_DRIFT = "time_drift"
    PLAYBACK_RATE = "playback_rate"
    SYNC_QUALITY = "sync_quality"
    LATENCY = "latency"
    BUFFER_HEALTH = "buffer_health"


SYNC_METRICS = DataType(
    name="syncMetrics",
    title="sync metrics",
    stem="sync_metrics",
    description="How well videos kept time, each second.",
    model=SyncMetric,
    base=SyncMetricBase,
    filter=SyncMetricFilter,
    order=SyncMetricOrderField,
    scope="read:sync",
    most=10_000,
)
