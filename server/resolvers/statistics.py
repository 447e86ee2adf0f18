"""Statistics: what sparse ratings came to, group by group."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.described import Described
from server.records.numbers import number_in
from server.records.sparse_ratings import SPARSE_RATINGS, SparseRatingFilter
from server.resolvers.context import Context
from server.resolvers.rollups import AnySelect, Limit, RollUp, rolled_up
from server.rows import Row

GROUPS = Limit(
    10_000, "groups", "group by fewer keys, ask for fewer places, or give a `filter`", "groupBy"
)


class StatisticsKey(Described):
    """What answers can be grouped by: the values are columns."""

    COMPONENT = "component_id", "The component that asked."
    COMPONENT_TYPE = "component_type", "The kind of that component."
    DIMENSION = "dimension", "What was rated."
    QUESTION = "question", "What was asked."
    STIMULUS = "stimulus_id", "What it was about."
    STATE = "state_id", "The experiment's state at that moment."
    ROOM = "room_id", "The room."
    PARTICIPANT = "participant_id", "The person, over all their rooms."


def _key(what: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field(
        default=None, description=f"{what}; null if not grouped by, or if the answers name none."
    )


def _number(what: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field(description=f"{what}, on the scale of the values.")


class RatingStatistics(BaseModel):
    """What the answers of one group came to. Only values that are numbers are calculated with."""

    component_id: str | None = _key("The component that asked")
    component_type: str | None = _key("Its kind, such as `likertscale`")
    dimension: str | None = _key("What was rated, such as `valence`")
    question: str | None = _key("What was asked")
    stimulus_id: str | None = _key("What it was about")
    state_id: str | None = _key("The experiment's state at that moment")
    room_id: str | None = _key("Public id of the room")
    participant_id: str | None = _key("Public id of the participant, over all their rooms")
    n: int = Field(
        description="How many answers are numbers: all that follows is of these. What is within "
        "±1e-100 counts as 0."
    )
    missing: int = Field(description="How many answers are null.")
    other: int = Field(
        description="How many answers are something else: text, true or false, lists, objects, "
        "numbers beyond ±1e100."
    )
    mean: float | None = _number("Their mean; null without any")
    sd: float | None = _number("Their sample standard deviation (n - 1); null for fewer than 2")
    min: float | None = _number("The smallest; null without any")
    q1: float | None = _number("The first quartile, as `median`; null without any")
    median: float | None = _number(
        "The median, interpolated linearly (type 7, as R's and NumPy's default); null without any"
    )
    q3: float | None = _number("The third quartile, as `median`; null without any")
    max: float | None = _number("The largest; null without any")


async def rating_statistics(
    context: Context, parent: Row, keys: Sequence[StatisticsKey], kept: SparseRatingFilter
) -> list[RatingStatistics]:
    """Return the statistics of each group of answers; of all together without any key."""
    names = tuple(dict.fromkeys(key.value for key in keys))
    return await rolled_up(context, _Statistics, SPARSE_RATINGS, parent, names, kept)


class _Statistics(RollUp[tuple[str, ...], list[RatingStatistics]]):
    async def answers(
        self, tx: AsyncConnection, question: tuple[str, ...], places: Sequence[int]
    ) -> Mapping[int, list[RatingStatistics]]:
        found: dict[int, list[tuple[Any, RatingStatistics]]] = {place: [] for place in places}
        for place, *values in await GROUPS.read(tx, self._groups(question, places)):
            group, numbers = values[: len(question)], values[len(question) :]
            named = {
                key: self.shown(place, name, key) for key, name in zip(question, group, strict=True)
            }
            order = [(name is not None, name or "") for name in named.values()]
            found[place].append((order, RatingStatistics(**named, **_numbers(*numbers))))
        return {
            place: [each for _, each in sorted(groups, key=lambda group: group[0])]
            for place, groups in found.items()
        }

    def _groups(self, keys: Sequence[str], places: Sequence[int]) -> AnySelect:
        """Select the sums of each group, and the numbers on either side of each quartile.

        Ranks by a window, as SQLite has no percentiles; deviations from the mean, as a difference
        of sums of squares loses every digit where the spread is small.
        """
        answers = (
            select(
                self.place.label("place"),
                *(self.columns[key].label(key) for key in keys),
                number_in(self.columns["value"]).label("x"),
                case((self.columns["value"].is_(None), 1), else_=0).label("missing"),
            )
            .where(*self.within(places))
            .subquery()
        )
        x = answers.c.x
        group = [answers.c.place, *(answers.c[key] for key in keys)]
        ranked = select(
            *group,
            x,
            answers.c.missing,
            func.count(x).over(partition_by=group).label("n"),
            func.avg(x).over(partition_by=group).label("mean"),
            func.row_number().over(partition_by=[*group, x.is_(None)], order_by=x).label("rank"),
        ).subquery()
        x, deviation = ranked.c.x, ranked.c.x - ranked.c.mean
        group = [ranked.c.place, *(ranked.c[key] for key in keys)]
        return select(
            *group,
            func.count(x),
            func.count(),
            func.sum(ranked.c.missing),
            func.min(ranked.c.mean),
            func.sum(deviation * deviation),
            func.min(x),
            func.max(x),
            *(_ranked(ranked.c, quarter, step) for quarter in (1, 2, 3) for step in (0, 1)),
        ).group_by(*group)


def _ranked(ranked: Any, quarter: int, step: int) -> ColumnElement[Any]:  # noqa: ANN401 - columns by name
    """Return the number just below a quartile, or, one step further, above it."""
    below = (ranked.n - 1) * quarter // 4 + 1
    return func.max(case((ranked.rank == below + step, ranked.x)))


def _numbers(  # one argument a column
    n: int,
    count: int,
    missing: int,
    mean: float | None,
    squares: float | None,
    least: float | None,
    most: float | None,
    *beside: float | None,
) -> dict[str, Any]:
    return {
        "n": n,
        "missing": missing,
        "other": count - n - missing,
        "mean": mean,
        "sd": sqrt(squares / (n - 1)) if squares is not None and n > 1 else None,
        "min": least,
        "max": most,
        **{
            name: _between(below, above, (n - 1) * quarter % 4 / 4)
            for name, quarter, below, above in zip(
                ("q1", "median", "q3"), (1, 2, 3), beside[::2], beside[1::2], strict=True
            )
        },
    }


def _between(below: float | None, above: float | None, part: float) -> float | None:
    """Return what lies a part of the way from one number to the next, if there is a next."""
    if below is None or above is None or not part:
        return below
    return below + (above - below) * part
