"""Event counts: how many events there are of each kind, from when to when."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.described import Described
from server.records.events import EVENTS, EventFilter
from server.resolvers.context import Context
from server.resolvers.rollups import Limit, RollUp, rolled_up
from server.rows import Row
from server.timestamps import Timestamp

KINDS = Limit(10_000, "kinds", "ask for fewer places, or give a `filter`", "filter")


class EventKind(Described):
    """What makes events of one kind: the values are columns."""

    TYPE = "event_type", "Their type, such as `component.complete`."
    CATEGORY = "category", "Their category, such as `media`."
    COMPONENT = "component_id", "The component they happened in."
    STATE = "state_id", "The experiment's state they happened in."


class EventCount(BaseModel):
    """How many events there are of one kind."""

    kind: str | None = Field(
        description="The kind, such as `component.complete`; null for events that name none."
    )
    count: int = Field(description="How many events.")
    first_timestamp: Timestamp = Field(description="When the first of them happened.")
    last_timestamp: Timestamp = Field(description="When the last of them happened.")


async def event_counts(
    context: Context, parent: Row, by: EventKind, kept: EventFilter
) -> list[EventCount]:
    """Count the events that belong to a row, the most frequent kind first."""
    return await rolled_up(context, _Counts, EVENTS, parent, by, kept)


class _Counts(RollUp[EventKind, list[EventCount]]):
    async def answers(
        self, tx: AsyncConnection, question: EventKind, places: Sequence[int]
    ) -> Mapping[int, list[EventCount]]:
        kind, moment = self.columns[question.value], self.columns["timestamp"]
        statement = (
            select(self.place, kind, func.count(), func.min(moment), func.max(moment))
            .where(*self.within(places))
            .group_by(self.place, kind)
        )
        found: dict[int, list[EventCount]] = {place: [] for place in places}
        for place, stored, count, first, last in await KINDS.read(tx, statement):
            name = self.shown(place, stored, question.value)
            found[place].append(
                EventCount(kind=name, count=count, first_timestamp=first, last_timestamp=last)
            )
        for counts in found.values():
            counts.sort(key=lambda each: (-each.count, each.kind is not None, each.kind or ""))
        return found
