"""Roll-ups: a question asked of many places at once, answered by a fixed number of statements."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from aiodataloader import DataLoader
from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.db import Database, Stored
from server.errors import BadUserInput, ExpectedFailure
from server.key_lists import among
from server.records.listed import Listed
from server.resolvers.context import Context
from server.rows import Row, layout_of

Question = TypeVar("Question")
Answer = TypeVar("Answer")
AnySelect: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Asked(Generic[Question]):
    """A question, which is frozen data, and the place of which it is asked."""

    place_key: int
    question: Question


class RollUp(DataLoader[Any, Any], Generic[Question, Answer]):
    """What is made of a table's rows, for each of the places that ask the same question."""

    def __init__(self, db: Database, actor: Actor, model: type[Stored], place: str) -> None:
        super().__init__()
        self.db = db
        self.actor = actor
        self.layout = layout_of(model)
        self.columns = self.layout.columns
        self.place = self.columns[place]

    @abstractmethod
    async def answers(
        self, tx: AsyncConnection, question: Question, places: Sequence[int]
    ) -> Mapping[int, Answer]:
        """Return the answer of each place; a question that cannot be answered raises."""

    def within(self, places: Sequence[int]) -> list[ColumnElement[bool]]:
        """Return the clauses that keep what the actor may see of some places."""
        return [among(self.place, places), self.actor.sees_within(self.layout)]

    async def batch_load_fn(
        self, keys: Sequence[Asked[Question]]
    ) -> list[Answer | ExpectedFailure]:
        asked = defaultdict[Question, list[int]](list)
        for key in keys:
            asked[key.question].append(key.place_key)
        found: dict[Asked[Question], Answer | ExpectedFailure] = {}
        async with self.db.read() as tx:
            for question, places in asked.items():
                answers = await self._answers_or_refusal(tx, question, places)
                found |= {Asked(place, question): answers[place] for place in places}
        return [found[key] for key in keys]

    async def _answers_or_refusal(
        self, tx: AsyncConnection, question: Question, places: Sequence[int]
    ) -> Mapping[int, Answer | ExpectedFailure]:
        """Return a refusal as the answer, so that it does not take other questions' with it."""
        try:
            return await self.answers(tx, question, places)
        except ExpectedFailure as refusal:
            return dict.fromkeys(places, refusal)


async def rolled_up(
    context: Context,
    kind: type[RollUp[Question, Answer]],
    listed: Listed,
    parent: Row,
    question: Question,
) -> Answer:
    """Ask a question of a table's rows that belong to a row."""
    context.actor.require(listed.scope)
    loader = context.loaders.get(kind, listed.model, f"{parent.layout.level}_key")
    answer: Answer = await loader.load(Asked(parent.key, question))
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
