"""Sparse ratings: single answers to a question about a stimulus."""

from typing import ClassVar

from server.column_types import Json
from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.checks import OnScale
from server.records.columns import Identifies, Summarized, column, json_column
from server.records.conditions import BooleanMatch, FloatRange, IntRange, TextIn, TextMatch
from server.records.described import OrderField
from server.records.json_conditions import JsonMatch


class SparseRatingBase(RecordBase):
    """An answer's public columns."""

    rating_id: str = column("Public id, `rat_…`.")
    component_id: str | None = column(
        "The component that asked, `cmp_…`.", summarized=Summarized.BY_COMPONENT, default=None
    )
    component_type: str | None = column(
        "Its kind, such as `likertscale`.", summarized=Summarized.AS_CATEGORIES, default=None
    )
    value: Json | None = json_column(
        "The answer: number, text, list, object or null.",
        identifies=Identifies.IN_TEXT,
        summarized=Summarized.AS_NUMBERS,  # those that are numbers
        default=None,
    )
    raw_value: Json | None = json_column(
        "The answer as it came in, before any scaling.",
        identifies=Identifies.IN_TEXT,
        summarized=Summarized.AS_NUMBERS,  # those that are numbers
        default=None,
    )
    scale_min: float | None = column("Lower end of the scale.", unit="scale units", default=None)
    scale_max: float | None = column("Upper end of the scale.", unit="scale units", default=None)
    labels: Json | None = json_column(
        "The labels along the scale.", identifies=Identifies.IN_TEXT, default=None
    )
    response_time: int | None = column(
        "From question to answer, in milliseconds.", unit="ms", least=0, default=None
    )
    question: str | None = column("What was asked.", identifies=Identifies.IN_TEXT, default=None)
    dimension: str | None = column(
        "What was rated, such as `valence`.", summarized=Summarized.AS_CATEGORIES, default=None
    )
    state_id: str | None = column("The experiment's state at that moment.", default=None)
    stimulus_id: str | None = column("What it was about.", default=None)
    stimulus_time: int | None = column(
        "The stimulus' own time at that moment, in milliseconds.", unit="ms", default=None
    )
    confidence: float | None = column(
        "How sure the participant was: 0 to 1.", unit="0 to 1", least=0, most=1, default=None
    )
    submitted: bool | None = column("Whether the answer was sent by the person.", default=None)
    timed_out: bool | None = column("Whether time ran out first.", default=None)
    interacted: bool | None = column("Whether the control was touched at all.", default=None)
    details: Json | None = json_column(
        "Whatever else the component said.", identifies=Identifies.IN_TEXT, default=None
    )


class SparseRating(SparseRatingBase, Record, table=True):
    """A stored answer."""

    identity: ClassVar = ("rating_id",)


class SparseRatingFilter(RecordFilter, of=SparseRatingBase):
    """Which answers to keep."""

    rating_id: TextIn | None = None
    component_id: TextIn | None = None
    component_type: TextMatch | None = None
    value: JsonMatch | None = None
    raw_value: JsonMatch | None = None
    scale_min: FloatRange | None = None
    scale_max: FloatRange | None = None
    labels: JsonMatch | None = None
    response_time: IntRange | None = None
    question: TextMatch | None = None
    dimension: TextMatch | None = None
    state_id: TextIn | None = None
    stimulus_id: TextIn | None = None
    stimulus_time: IntRange | None = None
    confidence: FloatRange | None = None
    submitted: BooleanMatch | None = None
    timed_out: BooleanMatch | None = None
    interacted: BooleanMatch | None = None
    details: JsonMatch | None = None


class SparseRatingOrderField(OrderField):
    """What answers can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"
    ROOM_ID = "room_id"
    PARTICIPANT_ID = "participant_id"
    RATING_ID = "rating_id"
    COMPONENT_ID = "component_id"
    COMPONENT_TYPE = "component_type"
    SCALE_MIN = "scale_min"
    SCALE_MAX = "scale_max"
    RESPONSE_TIME = "response_time"
    QUESTION = "question"
    DIMENSION = "dimension"
    STATE_ID = "state_id"
    STIMULUS_ID = "stimulus_id"
    STIMULUS_TIME = "stimulus_time"
    CONFIDENCE = "confidence"
    SUBMITTED = "submitted"
    TIMED_OUT = "timed_out"
    INTERACTED = "interacted"


SPARSE_RATINGS = DataType(
    name="sparseRatings",
    title="sparse ratings",
    stem="sparse_ratings",
    description="Single answers to questions.",
    model=SparseRating,
    base=SparseRatingBase,
    filter=SparseRatingFilter,
    order=SparseRatingOrderField,
    scope="read:ratings",
    checks=(OnScale("raw_value"),),
)
