"""Rating series: slider samples in few enough buckets to be drawn as a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, func, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import BadUserInput
from server.records.continuous_ratings import CONTINUOUS_RATINGS, ContinuousRatingFilter
from server.records.numbers import calculable
from server.resolvers.context import Context
from server.resolvers.own_questions import findable
from server.resolvers.rollups import AnySelect, Limit, RollUp, rolled_up, transposed
from server.resolvers.seats import Seat, seats
from server.resolvers.spans import Span, require_within
from server.rows import Row

MOST_POINTS = 5_000
"""How many buckets a line may have."""

BUCKETS = Limit(
    100_000,
    "buckets",
    "ask for fewer `points`, one `componentId`, a shorter range, fewer rooms, or `pooled: true`",
    "points",
)

_LONGEST = (1 << 31) - 1


class RatingLine(BaseModel):
    """The samples of one participant in one component, bucket by bucket.

    The lists are parallel, one entry a bucket, in order of onset. Buckets without a sample are
    left out.
    """

    room_id: str | None = Field(
        description="Public id of the participant's room; null if participants are pooled."
    )
    participant_id: str | None = Field(
        description="Public id of the participant; null if participants are pooled."
    )
    component_id: str | None = Field(
        description="Public id of the component; null for samples that name none."
    )
    onset: list[int] = Field(
        description="Where each bucket begins, in ms from the room's experiment start: "
        "`start` plus a multiple of `bucketMs`."
    )
    count: list[int] = Field(description="How many samples of each bucket have a value.")
    missing: list[int] = Field(
        description="How many samples of each bucket have none, or an infinite one."
    )
    min: list[float | None] = Field(
        description="The smallest value, 0 to 1; null without any value."
    )
    max: list[float | None] = Field(
        description="The largest value, 0 to 1; null without any value."
    )
    mean: list[float | None] = Field(
        description="The mean of the values, 0 to 1; null without any value."
    )


class RatingSeries(BaseModel):
    """Samples in buckets of one width: the same buckets for all lines."""

    start: int | None = Field(
        description="Where the first bucket begins, in ms from the room's experiment start: `from`,"
        " or else the first sample; null if there is neither."
    )
    bucket_ms: int | None = Field(
        description="How wide a bucket is, in ms, its end not included; null if there is "
        "no sample, and no `from` or no `to`."
    )
    lines: list[RatingLine] = Field(
        description="One line for each participant and component, by room, participant and "
        "component."
    )


@dataclass(frozen=True, slots=True)
class SeriesQuestion:
    """Which samples, in how many buckets; `pooled` draws all participants as one."""

    component_id: str | None
    points: int
    span: Span
    pooled: bool


async def rating_series(
    context: Context, parent: Row, question: SeriesQuestion, kept: ContinuousRatingFilter
) -> RatingSeries:
    """Return what belongs to a row as lines; BadUserInput if that is too much to draw."""
    require_within("points", question.points, 1, MOST_POINTS)
    if question.component_id is not None:
        component_id = await findable(context, question.component_id)
        question = replace(question, component_id=component_id)
    return await rolled_up(context, _Series, CONTINUOUS_RATINGS, parent, question, kept)


class _Series(RollUp[SeriesQuestion, RatingSeries]):
    async def answers(
        self, tx: AsyncConnection, question: SeriesQuestion, places: Sequence[int]
    ) -> Mapping[int, RatingSeries]:
        rows = await BUCKETS.read(tx, self._buckets(question, places))
        known = await seats(tx, () if question.pooled else {row[1] for row in rows})
        found = {place: _nothing(question.span, question.points) for place in places}
        for place, own in groupby(rows, itemgetter(0)):
            found[place] = self._series(place, list(own), known)
        return found

    def _buckets(self, question: SeriesQuestion, places: Sequence[int]) -> AnySelect:
        """Select the buckets of all places, each place's from its own first sample on."""
        onset, value = self.columns["onset"], calculable(self.columns["value"])
        kept = self._kept(question, places)
        start, last = question.span.ends(onset)
        width = (last - start + question.points) // question.points
        grids = (
            select(self.place.label("place"), start.label("start"), width.label("width"))
            .where(*kept)
            .group_by(self.place)
            .subquery()
        )
        participant: ColumnElement[Any] = self.columns["participant_key"]
        line = (
            self.place,
            *(() if question.pooled else (participant,)),
            self.columns["component_id"],
        )
        bucket = (onset - grids.c.start) // grids.c.width
        return (
            select(
                self.place,
                null() if question.pooled else participant,
                self.columns["component_id"],
                func.min(grids.c.start),
                func.min(grids.c.width),
                bucket,
                func.count(value),
                func.count() - func.count(value),
                func.min(value),
                func.max(value),
                func.avg(value),
            )
            .join_from(self.layout.model, grids, self.place == grids.c.place)
            .where(*kept)
            .group_by(*line, bucket)
            .order_by(*line, bucket)
        )

    def _kept(self, question: SeriesQuestion, places: Sequence[int]) -> list[ColumnElement[bool]]:
        kept = [*self.within(places), *question.span.clauses(self.columns)]
        if question.component_id is not None:
            kept.append(self.columns["component_id"] == question.component_id)
        return kept

    def _series(self, place: int, rows: Sequence[Any], known: Mapping[int, Seat]) -> RatingSeries:
        """Make the series of one place of its buckets, which come line by line."""
        start, width = rows[0][3:5]
        if width > _LONGEST:
            raise BadUserInput("That is too long a time: give `from` and `to`.", ["from"])
        lines = [
            _line(
                known.get(participant),
                self.shown(place, component, "component_id"),
                start,
                width,
                list(own),
            )
            for (participant, component), own in groupby(rows, itemgetter(1, 2))
        ]
        lines.sort(key=itemgetter(0))
        return RatingSeries(start=start, bucket_ms=width, lines=[line for _, line in lines])


def _nothing(span: Span, points: int) -> RatingSeries:
    """Return a series without lines: its buckets are known only if its range is."""
    if span.start is None or span.end is None:
        return RatingSeries(start=span.start, bucket_ms=None, lines=[])
    width = (span.end - 1 - span.start + points) // points
    return RatingSeries(start=span.start, bucket_ms=width, lines=[])


def _line(
    seat: Seat | None, component: str | None, start: int, width: int, rows: Sequence[Any]
) -> tuple[Any, RatingLine]:
    """Return what a line is sorted by, and the line."""
    bucket, count, missing, least, most, mean = transposed(rows)[5:]
    line = RatingLine.model_construct(
        room_id=seat and seat.room_id,
        participant_id=seat and seat.participant_id,
        component_id=component,
        onset=[start + width * i for i in bucket],
        count=count,
        missing=missing,
        min=least,
        max=most,
        mean=mean,
    )
    return (seat or (), component is not None, component or ""), line
