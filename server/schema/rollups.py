"""Roll-ups and columns: the fields by which every level answers with numbers instead of rows."""

from typing import Annotated, Any, cast

import strawberry
from pydantic import BaseModel

from server.execution.fields import Batched
from server.limits.weights import COLUMN_ROWS, ROLL_UP, costs
from server.records.continuous_ratings import CONTINUOUS_RATINGS, ContinuousRatingFilter
from server.records.events import EventFilter
from server.records.sparse_ratings import SparseRatingFilter
from server.resolvers.aligned_ratings import (
    VALUES,
    AlignedParticipant,
    AlignedRatings,
    aligned_ratings,
)
from server.resolvers.column_pages import ColumnsWithin
from server.resolvers.event_counts import KINDS, EventCount, EventKind, event_counts
from server.resolvers.listings import Listing, PageWithin, Window
from server.resolvers.rating_series import (
    BUCKETS,
    MOST_POINTS,
    RatingLine,
    RatingSeries,
    SeriesQuestion,
    rating_series,
)
from server.resolvers.spans import Span
from server.resolvers.statistics import (
    GROUPS,
    RatingStatistics,
    StatisticsKey,
    rating_statistics,
)
from server.resolvers.sync_windows import WINDOWS, SyncWindows, sync_windows
from server.resolvers.time_grids import HELD_MS, Alignment, TimeGrid
from server.rows import Row
from server.schema import inputs as inputs  # filters and enums become GraphQL's first
from server.schema.connection import loaded
from server.schema.info import Info
from server.schema.rating_columns import ALIASES, MOST_ROWS, ContinuousRatingColumns


def _answer_with(*models: type[BaseModel]) -> None:
    for model in models:
        strawberry.pydantic.type(model, description=model.__doc__)


for kind in (EventKind, StatisticsKey, Alignment):
    inputs.show(kind, lambda member: member.description)
_answer_with(RatingLine, RatingSeries, AlignedParticipant, AlignedRatings)
_answer_with(SyncWindows, RatingStatistics, EventCount)


def _argument(description: str, name: str | None = None) -> Any:
    return strawberry.argument(description=description, name=name)


KEEP = _argument("Which rows to look at; all, if left out.")
FROM = _argument("From this onset on, in ms; from the first one, if left out.", "from")
TO = _argument("Before this onset, in ms; to the last one, if left out.", "to")


@strawberry.type(description="What every level answers with numbers instead of rows.")
class RollUps:
    """Fields of DataScope: not an interface of their own."""

    @strawberry.field(
        description="Slider samples as lines that can be drawn: smallest, largest and mean value "
        f"in buckets of equal width; at most {BUCKETS.most:,} buckets over all lines.",
        metadata=costs(ROLL_UP),
    )
    async def rating_series(
        self,
        info: Info,
        component_id: Annotated[
            str | None, _argument("Samples in this component only; in all, if left out.")
        ] = None,
        points: Annotated[
            int, _argument(f"How many buckets a line may have: 1 to {MOST_POINTS:,}.")
        ] = 500,
        from_: Annotated[int | None, FROM] = None,
        to: Annotated[int | None, TO] = None,
        filter: Annotated[ContinuousRatingFilter | None, KEEP] = None,
        *,
        pooled: Annotated[
            bool, _argument("Draw all participants as one line a component.")
        ] = False,
    ) -> RatingSeries:
        span, kept = Span(from_, to), filter or ContinuousRatingFilter()
        question = SeriesQuestion(component_id, points, span, pooled)
        return await rating_series(info.context, cast("Row", self), question, kept)

    @strawberry.field(
        description="How well each participant's video kept time, window by window; at most "
        f"{WINDOWS.most:,} windows over all participants.",
        metadata=costs(ROLL_UP),
    )
    async def sync_windows(
        self,
        info: Info,
        window_ms: Annotated[
            int, _argument("How wide a window is, in ms: 1 to 86,400,000; they begin at 0.")
        ],
        from_: Annotated[int | None, FROM] = None,
        to: Annotated[int | None, TO] = None,
    ) -> list[SyncWindows]:
        return await sync_windows(info.context, cast("Row", self), window_ms, Span(from_, to))

    @strawberry.field(
        description="What the sparse ratings came to, for each combination of some keys, in "
        f"order of these; at most {GROUPS.most:,} groups.",
        metadata=costs(ROLL_UP),
    )
    async def statistics(
        self,
        info: Info,
        group_by: Annotated[
            list[StatisticsKey],
            _argument("What makes a group; without any key, all answers are one."),
        ],
        filter: Annotated[SparseRatingFilter | None, KEEP] = None,
    ) -> list[RatingStatistics]:
        kept = filter or SparseRatingFilter()
        return await rating_statistics(info.context, cast("Row", self), group_by, kept)

    @strawberry.field(
        description="How many events there are of each kind, the most frequent first; at most "
        f"{KINDS.most:,} kinds.",
        metadata=costs(ROLL_UP),
    )
    async def event_counts(
        self,
        info: Info,
        by: Annotated[EventKind, _argument("What makes a kind.")],
        filter: Annotated[EventFilter | None, KEEP] = None,
    ) -> list[EventCount]:
        return await event_counts(info.context, cast("Row", self), by, filter or EventFilter())

    @strawberry.field(
        description="A page of `continuousRatings` as columns, in the same order: by time. Its "
        "cursors fit that connection, and that connection's fit here.",
        metadata=costs(rows_a_point=COLUMN_ROWS),
        extensions=[Batched()],
    )
    def continuous_rating_columns(
        self,
        filter: Annotated[ContinuousRatingFilter | None, KEEP] = None,
        first: Annotated[int, _argument(f"How many rows: 0 to {MOST_ROWS:,}.")] = 10_000,
        after: Annotated[str | None, _argument("Cursor after which the page begins.")] = None,
    ) -> ContinuousRatingColumns:
        listing = Listing(CONTINUOUS_RATINGS, filter or ContinuousRatingFilter())
        page = PageWithin(listing, Window(first, after), MOST_ROWS)
        return loaded(ColumnsWithin(ContinuousRatingColumns.__name__, page, ALIASES))


@strawberry.type(description="What a room answers besides.")
class RoomRollUps:
    """A field of Room."""

    @strawberry.field(
        description="The ratings of all participants of the room in one component, on one time "
        f"grid: the input of inter-subject correlation. At most {VALUES.most:,} values, points "
        "times participants. Samples without a finite value count as none.",
        metadata=costs(ROLL_UP),
    )
    async def aligned_ratings(
        self,
        info: Info,
        component_id: Annotated[str, _argument("The component that was rated in.")],
        every_ms: Annotated[int, _argument("How far apart the points are, in ms: 1 to 3,600,000.")],
        from_: Annotated[
            int | None,
            _argument(
                "The first point, an onset in ms; if left out, the multiple of `everyMs` at which "
                "the first sample counts.",
                "from",
            ),
        ] = None,
        to: Annotated[
            int | None,
            _argument(
                "Points before this onset, in ms; if left out, to where the last sample counts.",
                "to",
            ),
        ] = None,
        rule: Annotated[Alignment, _argument("Which value stands at a point.")] = Alignment.HOLD,
        max_gap_ms: Annotated[
            int, _argument("How old a sample may be and be held, in ms: 0 to 3,600,000.")
        ] = HELD_MS,
    ) -> AlignedRatings:
        grid = TimeGrid(every_ms, Span(from_, to), rule, max_gap_ms)
        return await aligned_ratings(info.context, cast("Row", self), component_id, grid)
