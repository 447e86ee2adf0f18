"""Whom a package of one person's own data must not tell of, and what in it is that person's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.pseudonyms import address_columns, contacts_of, names_of, people_of
from server.export.recipe import Recipe
from server.export.statements import Dialect
from server.export.tables import Identities
from server.key_lists import among
from server.records.chat_messages import ChatMessage
from server.records.participants import Participant


@dataclass(frozen=True, slots=True)
class OwnPeople:
    """One person, and those they were with.

    experiment_key  the experiment of the package
    others          the other experiments that they were in: of those there, too, nothing is told
    texts           their ids, names and addresses, which stay
    """

    experiment_key: int
    others: Sequence[int]
    texts: tuple[str, ...]

    def identities(self, dialect: Dialect) -> Identities:
        """Describe what a worker must know of people: who is known from elsewhere has no code."""
        here, there = [self.experiment_key], self.others
        experiment: ColumnElement[Any] = literal_column(str(self.experiment_key), BigInteger)
        empty: ColumnElement[Any] = literal_column("''", String)
        names = select(experiment, empty, col(ChatMessage.sender_name)).where(
            among(col(ChatMessage.experiment_key), there), col(ChatMessage.sender_name).is_not(None)
        )
        addresses = contacts_of(there).subquery()
        _, *texts = addresses.c
        ids = select(experiment, col(Participant.participant_id), *[empty] * (len(texts) - 1))
        known = ids.where(among(col(Participant.experiment_key), there)).distinct()
        return Identities(
            people=dialect.compiled(people_of(here)),
            names=dialect.compiled(union_all(names_of(here), names.distinct())),
            contacts=dialect.compiled(
                union_all(contacts_of(here), select(experiment, *texts), known)
            ),
        )


async def own_people(tx: AsyncConnection, recipe: Recipe) -> OwnPeople:
    """Find out who the one person is of whom a recipe tells, and where else they were."""
    chosen = select(col(Participant.experiment_key), col(Participant.participant_id)).where(
        among(col(Participant.id), recipe.participant_keys)
    )
    experiment_key, person = (await tx.execute(chosen.limit(1))).one()
    theirs = col(Participant.participant_id) == person
    where = select(col(Participant.experiment_key)).where(theirs).distinct()
    everywhere = sorted((await tx.scalars(where)).all())
    known = await tx.execute(select(*address_columns()).where(theirs))
    names = select(col(ChatMessage.sender_name)).where(
        among(col(ChatMessage.experiment_key), everywhere), col(ChatMessage.sender_id) == person
    )
    found = {text for row in known for text in row} | {person, *await tx.scalars(names.distinct())}
    return OwnPeople(
        experiment_key,
        [key for key in everywhere if key != experiment_key],
        tuple(sorted(text for text in found if text)),
    )
