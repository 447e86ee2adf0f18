"""Continuous ratings: a slider sampled each 100 to 500 ms; by far the most rows."""

from typing import ClassVar

from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.checks import OnScale
from server.records.columns import Summarized, column
from server.records.conditions import FloatRange, TextIn
from server.records.described import OrderField


class ContinuousRatingBase(RecordBase):
    """A sample's public columns."""

    rating_id: str = column("Public id, `rat_…`.")
    component_id: str | None = column(
        "The component that was rated in, `cmp_…`.",
        summarized=Summarized.BY_COMPONENT,
        default=None,
    )
    value: float | None = column(
        "The slider's place, normalised: 0 to 1.", unit="0 to 1", least=0, most=1, default=None
    )
    raw_value: float | None = column(
        "The slider's place on its own scale, from `scaleMin` to `scaleMax`.",
        unit="scale units",
        default=None,
    )
    scale_min: float | None = column("Lower end of the scale.", unit="scale units", default=None)
    scale_max: float | None = column("Upper end of the scale.", unit="scale units", default=None)


class ContinuousRating(ContinuousRatingBase, Record, table=True):
    """A stored sample."""

    identity: ClassVar = ("rating_id",)


class ContinuousRatingFilter(RecordFilter, of=ContinuousRatingBase):
    """Which samples to keep."""

    rating_id: TextIn | None = None
    component_id: TextIn | None = None
    value: FloatRange | None = None
    raw_value: FloatRange | None = None
    scale_min: FloatRange | None = None
    scale_max: FloatRange | None = None


class ContinuousRatingOrderField(OrderField):
    """What samples can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"
    ROOM_ID = "room_id"
    PARTICIPANT_ID = "participant_id"
    RATING_ID = "rating_id"
    COMPONENT_ID = "component_id"
    VALUE = "value"
    RAW_VALUE = "raw_value"
    SCALE_MIN = "scale_min"
    SCALE_MAX = "scale_max"


CONTINUOUS_RATINGS = DataType(
    name="continuousRatings",
    title="continuous ratings",
    stem="continuous_ratings",
    description="Slider samples, taken each 100 to 500 ms.",
    model=ContinuousRating,
    base=ContinuousRatingBase,
    filter=ContinuousRatingFilter,
    order=ContinuousRatingOrderField,
    scope="read:ratings",
    checks=(OnScale("raw_value"),),
    most=10_000,
)
