"""Codes for people: given once, kept for good, so that a person is the same in every export."""

from collections.abc import Sequence

from sqlalchemy import Integer, cast, func, insert, inspect, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.recipe import Recipe, experiment_keys
from server.export.statements import Dialect
from server.export.tables import Identities
from server.key_lists import among
from server.records.chat_messages import ChatMessage
from server.records.columns import Identifies
from server.records.experiments import Experiment
from server.records.exports import Anonymization
from server.records.participants import Participant, Pseudonym


async def assign_pseudonyms(tx: AsyncConnection, recipe: Recipe) -> None:
    """Give a code to each person of the recipe's experiments who has none, if it needs codes.

    To everyone there, not only those selected: what one wrote may name any other.
    """
    if recipe.anonymization is not Anonymization.REMOVE_IDENTIFIERS:
        return
    keys = await experiment_keys(tx, recipe)
    one_at_a_time = select(col(Experiment.id)).where(among(col(Experiment.id), keys))
    await tx.execute(one_at_a_time.order_by(col(Experiment.id)).with_for_update(key_share=True))
    for experiment_key in keys:
        await _assign(tx, experiment_key)


async def _assign(tx: AsyncConnection, experiment_key: int) -> None:
    here = col(Pseudonym.experiment_key) == experiment_key
    coded = select(col(Pseudonym.participant_id)).where(here)
    missing = await tx.execute(
        select(col(Participant.participant_id))
        .where(
            col(Participant.experiment_key) == experiment_key,
            col(Participant.participant_id).not_in(coded),
        )
        .group_by(col(Participant.participant_id))
        .order_by(func.min(col(Participant.id)))
    )
    number_of = cast(func.substr(col(Pseudonym.code), 2), Integer)
    last = await tx.scalar(select(func.max(number_of)).where(here)) or 0
    rows = [
        {"experiment_key": experiment_key, "participant_id": person, "code": f"P{number:04}"}
        for number, person in enumerate(missing.scalars(), last + 1)
    ]
    if rows:
        await tx.execute(insert(Pseudonym), rows)


def identities(dialect: Dialect, experiments: Sequence[int]) -> Identities:
    """Describe what a worker must know of people to leave them out of its files."""
    here = among(col(Pseudonym.experiment_key), experiments)
    people = select(
        col(Pseudonym.experiment_key), col(Pseudonym.participant_id), col(Pseudonym.code)
    ).where(here)
    names = (
        select(
            col(ChatMessage.experiment_key),
            func.coalesce(col(ChatMessage.sender_id), ""),
            col(ChatMessage.sender_name),
        )
        .where(
            among(col(ChatMessage.experiment_key), experiments),
            col(ChatMessage.sender_name).is_not(None),
        )
        .distinct()
    )
    addresses = [
        column
        for column in inspect(Participant).columns
        if column.info.get("identifies") in (Identifies.DIRECTLY, Identifies.IN_PART)
        and column.key != "participant_id"
    ]
    contacts = (
        select(
            col(Participant.experiment_key), *(func.coalesce(column, "") for column in addresses)
        )
        .where(
            among(col(Participant.experiment_key), experiments),
            or_(*(column.is_not(None) for column in addresses)),
        )
        .distinct()
    )
    return Identities(*map(dialect.compiled, (people, names, contacts)))
