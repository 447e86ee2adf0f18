"""Aligned ratings: a room's participants on one time grid, as inter-subject correlation needs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.key_lists import among
from server.records.continuous_ratings import CONTINUOUS_RATINGS
from server.records.numbers import calculable
from server.records.participants import PARTICIPANTS, Participant
from server.resolvers.context import Context
from server.resolvers.own_questions import findable
from server.resolvers.rollups import AnySelect, Limit, RollUp, rolled_up
from server.resolvers.time_grids import Alignment, Known, TimeGrid, filled
from server.rows import Row, layout_of

VALUES = Limit(
    250_000,
    "values, points times participants",
    "give a larger `everyMs`, or a shorter range by `from` and `to`",
    "everyMs",
)


class AlignedParticipant(BaseModel):
    """One participant on the grid: `value` and `gap` are parallel to its `onset`."""

    participant_id: str = Field(description="Public id of the participant.")
    value: list[float | None] = Field(
        description="The slider's place at each point, 0 to 1; null where there is a gap."
    )
    gap: list[bool] = Field(description="Whether there is no value at each point.")


class AlignedRatings(BaseModel):
    """The participants of a room on one time grid."""

    onset: list[int] = Field(
        description="The points, `everyMs` apart, in ms from the room's experiment start."
    )
    participants: list[AlignedParticipant] = Field(
        description="All participants of the room; who gave no sample is all gap."
    )


async def aligned_ratings(
    context: Context, room: Row, component_id: str, grid: TimeGrid
) -> AlignedRatings:
    """Return a room's ratings in a component on a grid; BadUserInput if that is too large."""
    context.actor.require(PARTICIPANTS.scope)
    question = (await findable(context, component_id), grid)
    return await rolled_up(context, _Aligned, CONTINUOUS_RATINGS, room, question)


class _Aligned(RollUp[tuple[str, TimeGrid], AlignedRatings]):
    async def answers(
        self, tx: AsyncConnection, question: tuple[str, TimeGrid], places: Sequence[int]
    ) -> Mapping[int, AlignedRatings]:
        component_id, grid = question
        people = await self._people(tx, places)
        rows = await VALUES.read(tx, self._known(component_id, grid, places))
        known = defaultdict[int, dict[int, list[Known]]](dict)
        for room, participant, *at_point in rows:
            known[room].setdefault(participant, []).append(Known(*at_point))
        points = {room: grid.points(known[room].values()) for room in places}
        VALUES.allow(sum(len(points[room]) * max(1, len(people[room])) for room in places))
        return {
            room: AlignedRatings.model_construct(
                onset=list(points[room]),
                participants=[
                    _aligned(participant_id, filled(grid, points[room], known[room].get(key, [])))
                    for key, participant_id in people[room].items()
                ],
            )
            for room in places
        }

    async def _people(
        self, tx: AsyncConnection, places: Sequence[int]
    ) -> Mapping[int, Mapping[int, str]]:
        """Return the public ids of the rooms' participants, by their keys, in order of these."""
        columns = layout_of(Participant).columns
        room, key = columns["room_key"], columns["key"]
        statement = (
            select(room, key, columns["participant_id"])
            .where(among(room, places), self.actor.sees_within(layout_of(Participant)))
            .order_by(key)
        )
        people: dict[int, dict[int, str]] = {place: {} for place in places}
        for place, person, participant_id in await tx.execute(statement):
            people[place][person] = participant_id
        return people

    def _known(self, component_id: str, grid: TimeGrid, places: Sequence[int]) -> AnySelect:
        """Select what is known at each point where anything is, in order; not more than allowed."""
        columns, participant = self.columns, self.columns["participant_key"]
        onset, value = columns["onset"], calculable(columns["value"])
        point = grid.point_of(onset)
        kept = [
            *self.within(places),
            columns["component_id"] == component_id,
            value.is_not(None),
            *grid.sampled.clauses(columns),
        ]
        if grid.rule is Alignment.MEAN:
            means = select(self.place, participant, point, func.min(onset), func.avg(value))
            line = (self.place, participant, point)
            return means.where(*kept).group_by(*line).order_by(*line)
        latest = func.row_number().over(
            partition_by=(participant, point), order_by=(onset.desc(), columns["key"].desc())
        )
        named = [self.place.label("place"), participant.label("participant"), point.label("point")]
        samples = select(*named, onset.label("onset"), value.label("value"), latest.label("latest"))
        *shown, nth = samples.where(*kept).subquery().c
        return select(*shown).where(nth == 1).order_by(*shown[:3])


def _aligned(participant_id: str, value: list[float | None]) -> AlignedParticipant:
    return AlignedParticipant.model_construct(
        participant_id=participant_id, value=value, gap=[each is None for each in value]
    )
