"""Roll-ups: a question asked of many places at once, answered by a fixed number of statements."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.batches import Wanted
from server.db import Table
from server.errors import BadUserInput
from server.key_lists import among
from server.limits.weights import ROLL_UP
from server.records.filters import Filter
from server.records.listed import Listed
from server.resolvers.context import Context
from server.resolvers.own_columns import key_name
from server.resolvers.own_questions import asked_by
from server.resolvers.own_views import OwnView
from server.resolvers.reads import experiments_of
from server.rows import Row, layout_of

Question = TypeVar("Question")
Answer = TypeVar("Answer")
AnySelect: TypeAlias = Select[*tuple[Any, ...]]


Shown: TypeAlias = Callable[[int, Any, str], Any]
"""What the caller is shown of a value at a place: of a column of that name, if it has one.

Whole answers are shown so, and what they are sorted by must be before.
"""


class RollUp(Generic[Question, Answer]):
    """What is made of a table's rows, for each of the places that ask the same question."""

    def __init__(
        self, actor: Actor, model: type[Table], place: str, kept: Filter, shown: Shown
    ) -> None:
        self.actor = actor
        self.kept = kept
        self.shown = shown
        self.layout = layout_of(model)
        self.columns = self.layout.columns
        self.place = self.columns[place]
        self.experiments: Sequence[int] = ()
        """Those in whose partitions all of it lies, if that is known."""

    @abstractmethod
    async def answers(
        self, tx: AsyncConnection, question: Question, places: Sequence[int]
    ) -> Mapping[int, Answer]:
        """Return the answer of each place; a question that cannot be answered raises."""

    def within(self, places: Sequence[int]) -> list[ColumnElement[bool]]:
        """Return the clauses that keep what the actor may see, and asked for, of some places."""
        seen = self.actor.sees_within(self.layout)
        there = [among(self.place, places), seen, *self.kept.clauses(self.columns)]
        if self.experiments:
            there.append(among(self.columns["experiment_key"], self.experiments))
        return there


@dataclass(frozen=True, slots=True)
class _Asked(Generic[Question, Answer]):
    """A question, which is frozen data, of the rows of a table that belong to each source."""

    kind: type[RollUp[Question, Answer]]
    listed: Listed
    question: Question
    kept: Filter

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Answer]:
        place = f"{sources[0].layout.level}_key"
        view = await context.own_view()
        kept = self.kept if view is None else asked_by(view, self.listed, self.kept)
        shown = shown_to(view, self.listed, sources)
        roll_up = self.kind(context.actor, self.listed.model, place, kept, shown)
        roll_up.experiments = experiments_of(context, roll_up.layout, sources)
        places = [source.key for source in sources]
        async with context.db.read() as tx:
            answers = await roll_up.answers(tx, self.question, places)
        return [shown(place, answers[place], "") for place in places]


def shown_to(view: OwnView | None, listed: Listed, sources: Sequence[Row]) -> Shown:
    """Return what makes of values that belong to sources what the caller is shown."""
    if view is None:
        return lambda _place, value, _name: value
    layout = layout_of(listed.model)
    experiments = {each.key: getattr(each, key_name(each.layout)) for each in sources}
    return lambda place, value, name: view.answer(layout, experiments[place], value, name)


async def rolled_up(
    context: Context,
    kind: type[RollUp[Question, Answer]],
    listed: Listed,
    parent: Row,
    question: Question,
    kept: Filter | None = None,
) -> Answer:
    """Ask a question of those of a table's rows that belong to a row and that a filter keeps."""
    kept = kept or listed.filter()
    context.actor.require(listed.scope, *kept.scopes())
    context.meter.points += ROLL_UP
    answer: Answer = await context.batches.load((_Asked(kind, listed, question, kept), parent))
    return answer


@dataclass(frozen=True, slots=True)
class Limit:
    """How many rows a question may have for an answer, and what to do where there are more."""

    most: int
    what: str
    advice: str
    field: str

    async def read(self, tx: AsyncConnection, statement: AnySelect) -> list[Sequence[Any]]:
        """Read the rows of a statement; BadUserInput if they are too many."""
        rows = (await tx.execute(statement.limit(self.most + 1))).all()
        self.allow(len(rows))
        return list[Any](rows)

    def allow(self, count: int) -> None:
        """Raise BadUserInput if there are too many."""
        if count > self.most:
            raise BadUserInput(
                f"That is more than {self.most:,} {self.what}: {self.advice}.", [self.field]
            )


def transposed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return rows as columns."""
    return [list(column) for column in zip(*rows, strict=True)]
