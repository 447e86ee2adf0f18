"""Sync windows: how well videos kept time, window by window."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.numbers import calculable, floored
from server.records.sync_metrics import SYNC_METRICS, SyncBand, band_of
from server.resolvers.context import Context
from server.resolvers.rollups import AnySelect, Limit, RollUp, rolled_up, transposed
from server.resolvers.seats import Seat, seats
from server.resolvers.spans import Span, require_within
from server.rows import Row

LONGEST_MS = 86_400_000

WINDOWS = Limit(
    100_000, "windows", "ask for a larger `windowMs`, a shorter range, or fewer rooms", "windowMs"
)


class SyncWindows(BaseModel):
    """How well one participant's video kept time: parallel lists, one entry a window.

    Windows without a measurement are left out. Means are of the measurements that have a finite
    number; drift is positive ahead of the host's video, negative behind it.
    """

    room_id: str = Field(description="Public id of the participant's room.")
    participant_id: str = Field(description="Public id of the participant.")
    onset: list[int] = Field(
        description="Where each window begins, in ms from the room's experiment start: a multiple "
        "of `windowMs`, negative before that start."
    )
    count: list[int] = Field(description="How many measurements each window holds.")
    missing: list[int] = Field(description="How many of them say no drift, or an infinite one.")
    mean_drift: list[float | None] = Field(
        description="Mean drift in ms, signed; null without any."
    )
    mean_absolute_drift: list[float | None] = Field(
        description="Mean of the drift's size in ms, 0 or more; null without any."
    )
    max_absolute_drift: list[float | None] = Field(
        description="The largest drift's size in ms, 0 or more; null without any."
    )
    mean_quality: list[float | None] = Field(
        description="Mean sync quality, 0 to 1; null without any."
    )
    band: list[SyncBand | None] = Field(
        description="The band of the mean of the drift's size; null without any drift."
    )


async def sync_windows(
    context: Context, parent: Row, window_ms: int, span: Span
) -> list[SyncWindows]:
    """Return the windows of each participant; BadUserInput if they are too many."""
    require_within("windowMs", window_ms, 1, LONGEST_MS, " ms")
    return await rolled_up(context, _Windows, SYNC_METRICS, parent, (window_ms, span))


class _Windows(RollUp[tuple[int, Span], list[SyncWindows]]):
    async def answers(
        self, tx: AsyncConnection, question: tuple[int, Span], places: Sequence[int]
    ) -> Mapping[int, list[SyncWindows]]:
        window_ms, span = question
        rows = await WINDOWS.read(tx, self._windows(window_ms, span, places))
        known = await seats(tx, {row[1] for row in rows})
        found = dict[int, list[tuple[Seat, SyncWindows]]]()
        for (place, participant), own in groupby(rows, itemgetter(0, 1)):
            seat = known[participant]
            found.setdefault(place, []).append((seat, _of(seat, window_ms, list(own))))
        return {
            place: [windows for _, windows in sorted(found.get(place, []), key=itemgetter(0))]
            for place in places
        }

    def _windows(self, window_ms: int, span: Span, places: Sequence[int]) -> AnySelect:
        """Select the windows of all places, participant by participant."""
        drift = calculable(self.columns["time_drift"])
        size = func.abs(drift)
        window = floored(self.columns["onset"], window_ms)
        line = (self.place, self.columns["participant_key"], window)
        return (
            select(
                *line,
                func.count(),
                func.count() - func.count(drift),
                func.avg(drift),
                func.avg(size),
                func.max(size),
                func.avg(calculable(self.columns["sync_quality"])),
                band_of(func.avg(size)),
            )
            .where(*self.within(places), *span.clauses(self.columns))
            .group_by(*line)
            .order_by(*line)
        )


def _of(seat: Seat, window_ms: int, rows: Sequence[Any]) -> SyncWindows:
    window, count, missing, mean, mean_size, largest, quality, band = transposed(rows)[2:]
    return SyncWindows.model_construct(
        room_id=seat.room_id,
        participant_id=seat.participant_id,
        onset=[window_ms * i for i in window],
        count=count,
        missing=missing,
        mean_drift=mean,
        mean_absolute_drift=mean_size,
        max_absolute_drift=largest,
        mean_quality=quality,
        band=[each and SyncBand(each) for each in band],
    )
