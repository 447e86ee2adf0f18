"""Continuous ratings as columns: a page as parallel lists, for data frames."""

from typing import Any

import strawberry

from server.execution.fields import Batched
from server.records.base import Place
from server.records.continuous_ratings import ContinuousRatingBase
from server.resolvers.listings import TotalCounts
from server.schema.connection import PageInfo, loaded
from server.timestamps import EpochMs, Timestamp

MOST_ROWS = 100_000
"""How many rows a page of columns may have."""

ALIASES = (("epoch_ms", "timestamp"),)
"""The names that stand for a column of another name."""


def _column(name: str) -> Any:
    declared = Place.model_fields | ContinuousRatingBase.model_fields
    return strawberry.field(description=declared[name].description)


@strawberry.type(
    description="Samples as parallel lists, one entry a sample: columns of a data frame. "
    "Only those that are selected are read."
)
class ContinuousRatingColumns:
    experiment_id: list[str] = _column("experiment_id")
    room_id: list[str] = _column("room_id")
    participant_id: list[str] = _column("participant_id")
    rating_id: list[str] = _column("rating_id")
    component_id: list[str | None] = _column("component_id")
    timestamp: list[Timestamp] = _column("timestamp")
    epoch_ms: list[EpochMs] = strawberry.field(
        description="When it happened, in ms since 1970-01-01T00:00:00Z: quicker than `timestamp`."
    )
    onset: list[int] = _column("onset")
    value: list[float | None] = _column("value")
    raw_value: list[float | None] = _column("raw_value")
    scale_min: list[float | None] = _column("scale_min")
    scale_max: list[float | None] = _column("scale_max")
    page_info: PageInfo = strawberry.field(description="Where the page lies in its list.")

    @strawberry.field(
        description="How many rows the whole list has; counted only when asked for.",
        extensions=[Batched()],
    )
    def total_count(self) -> int:
        return loaded(TotalCounts())
