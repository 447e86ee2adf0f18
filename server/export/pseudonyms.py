"""Codes for people: given once, kept for good, so that a person is the same in every export."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    func,
    insert,
    inspect,
    or_,
    select,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.disguises import Disguise
from server.export.recipe import Recipe, experiment_keys
from server.export.statements import Dialect
from server.export.tables import Identities
from server.export.time_shifts import assign_time_shifts
from server.key_lists import among
from server.records.chat_messages import ChatMessage
from server.records.columns import Identifies
from server.records.erasures import SpentCode
from server.records.experiments import Experiment
from server.records.exports import Anonymization
from server.records.participants import Participant, Pseudonym
from server.records.sealed import SealedParticipant, SealedRecord

AnySelect: TypeAlias = Select[*tuple[Any, ...]]
Experiments: TypeAlias = Sequence[int] | BindParameter[Any]
"""Their keys, or the parameter for them."""


async def assign_pseudonyms(tx: AsyncConnection, recipe: Recipe) -> None:
    """Give a code to each person of the recipe's experiments who has none, if it needs codes.

    To everyone there, not only those selected: what one wrote may name any other. Rooms are given
    the shifts of their times with them.
    """
    await assign_time_shifts(tx, recipe)
    if recipe.anonymization is Anonymization.KEEP and not recipe.own_view:
        return
    await give_codes(tx, await experiment_keys(tx, recipe))


async def give_codes(tx: AsyncConnection, experiments: Sequence[int]) -> None:
    """Give a code to each person of some experiments who has none."""
    one_at_a_time = select(col(Experiment.id)).where(among(col(Experiment.id), experiments))
    await tx.execute(one_at_a_time.order_by(col(Experiment.id)).with_for_update(key_share=True))
    for experiment_key in experiments:
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
    spent = select(col(SpentCode.number)).where(col(SpentCode.experiment_key) == experiment_key)
    last = max(
        await tx.scalar(select(func.max(number_of)).where(here)) or 0, await tx.scalar(spent) or 0
    )
    rows = [
        {"experiment_key": experiment_key, "participant_id": person, "code": f"P{number:04}"}
        for number, person in enumerate(missing.scalars(), last + 1)
    ]
    if rows:
        await tx.execute(insert(Pseudonym), rows)


async def title_without_identities(
    tx: AsyncConnection, title: str, experiments: Sequence[int]
) -> str:
    """Return what a file is to be called, without who is known in the experiments.

    Researchers, and programs, make ids of rooms of those of participants.
    """
    codes = {person: code for _, person, code in await tx.execute(people_of(experiments))}
    names = {name: codes.get(person) for _, person, name in await tx.execute(names_of(experiments))}
    contacts = [row[1:] for row in await tx.execute(contacts_of(experiments))]
    there = {person: code for person, code in codes.items() if person in title}
    addresses = {address for row in contacts for address in row if address and address in title}
    # of thousands of names it takes a second: others are answered meanwhile
    disguise = await asyncio.to_thread(Disguise, there, names, addresses)
    return disguise.label(title)


def identities(dialect: Dialect, experiments: Sequence[int]) -> Identities:
    """Describe what a worker must know of people to leave them out of its files."""
    return Identities(
        people=dialect.compiled(people_of(experiments)),
        names=dialect.compiled(names_of(experiments)),
        contacts=dialect.compiled(contacts_of(experiments)),
    )


def people_of(experiments: Experiments) -> AnySelect:
    """Select the codes: experiment, participant id, code."""
    columns = (col(Pseudonym.experiment_key), col(Pseudonym.participant_id), col(Pseudonym.code))
    return select(*columns).where(among(columns[0], experiments))


def names_of(experiments: Experiments) -> AnySelect:
    """Select the names beside messages: experiment, participant id or an empty text, name.

    Those beside sealed ones as well: others may have written them.
    """
    found: list[AnySelect] = []
    for model in (ChatMessage, SealedRecord):
        experiment, name = col(model.experiment_key), col(model.sender_name)
        bearer = func.coalesce(col(model.sender_id), "")
        there = and_(among(experiment, experiments), name.is_not(None))
        found.append(select(experiment, bearer, name).where(there))
    both = union(*found).subquery()
    return select(*both.c)


def contacts_of(experiments: Experiments, *, whose: bool = False) -> AnySelect:
    """Select contacts: experiment, then addresses of a participant or empty texts.

    Those of sealed participants as well; in the end, if it is asked, the participant id.
    """
    found: list[AnySelect] = []
    for model in (Participant, SealedParticipant):
        addresses = address_columns(model)
        texts: list[ColumnElement[Any]] = [
            func.coalesce(column, "").label(column.key) for column in addresses
        ]
        if whose:
            texts.append(inspect(model).columns["participant_id"])
        known = or_(*(column.is_not(None) for column in addresses))
        there = among(col(model.experiment_key), experiments)
        found.append(select(col(model.experiment_key), *texts).where(there, known))
    both = union(*found).subquery()
    return select(*both.c)


def address_columns(model: type[Participant | SealedParticipant] = Participant) -> list[Any]:
    """Return the columns of a participant that tell who they are, but for their id."""
    return [
        column
        for column in inspect(model).columns
        if column.info.get("identifies") in (Identifies.DIRECTLY, Identifies.IN_PART)
        and column.key != "participant_id"
    ]
