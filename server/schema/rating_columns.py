"""Continuous ratings as columns: a page as parallel lists, for data frames."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import strawberry
from pydantic.alias_generators import to_camel

from server.records.base import Place
from server.records.continuous_ratings import (
    CONTINUOUS_RATINGS,
    ContinuousRatingBase,
    ContinuousRatingFilter,
)
from server.resolvers.column_pages import ColumnQuestion, column_page
from server.resolvers.reading import count_within
from server.rows import Row
from server.schema.connection import PageInfo, Window, page_request
from server.schema.info import Info
from server.schema.selected import selected
from server.timestamps import EpochMs, Timestamp

MOST_ROWS = 100_000
"""How many rows a page of columns may have."""


def _column(name: str) -> Any:
    declared = Place.model_fields | ContinuousRatingBase.model_fields
    return strawberry.field(description=declared[name].description, default_factory=list)


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
        description="When it happened, in ms since 1970-01-01T00:00:00Z: quicker than `timestamp`.",
        default_factory=list,
    )
    onset: list[int] = _column("onset")
    value: list[float | None] = _column("value")
    raw_value: list[float | None] = _column("raw_value")
    scale_min: list[float | None] = _column("scale_min")
    scale_max: list[float | None] = _column("scale_max")
    page_info: PageInfo = strawberry.field(description="Where the page lies in its list.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many rows the whole list has; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()


async def rating_columns(
    info: Info, parent: Row, kept: ContinuousRatingFilter, first: int, after: str | None
) -> ContinuousRatingColumns:
    """Resolve a page of the samples that belong to a row, as columns.

    Its list is that of the connection in its default order, so that cursors fit both.
    """
    request = page_request(
        parent.layout.level, CONTINUOUS_RATINGS, kept, None, Window(first, after), MOST_ROWS
    )
    asked = selected(info)
    names = frozenset(column for name, column in _COLUMNS.items() if name in asked)
    page = await column_page(
        info.context, CONTINUOUS_RATINGS, parent, ColumnQuestion(request, kept, names)
    )
    columns: dict[str, Any] = {**page.columns, "epoch_ms": page.columns["timestamp"]}
    del columns["key"]  # what the order ends with
    return ContinuousRatingColumns(
        **columns,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.start_cursor,
            end_cursor=page.end_cursor,
        ),
        count=partial(count_within, info.context, CONTINUOUS_RATINGS, parent, kept),
    )


_COLUMNS = {to_camel(name): name for name in CONTINUOUS_RATINGS.public_columns}
"""The columns by their names in the schema."""
