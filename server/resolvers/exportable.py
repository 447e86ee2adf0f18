"""What a caller may take away: experiments, rooms and participants, by public ids or by keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor, key_of
from server.db import Stored
from server.errors import Forbidden, NotFound
from server.export.recipe import Recipe
from server.key_lists import among
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.exports import Anonymization
from server.records.participants import Participant, Pseudonym
from server.records.rooms import Room
from server.rows import layout_of

Person = tuple[str, str]
"""Room id and participant id."""


@dataclass(frozen=True, slots=True)
class Places:
    """Experiments, rooms and participants that the caller may export, in the order of their keys.

    Each is the public id, or the pair of a participant, by the row's key; `within` are the keys of
    the experiments they lie in.
    """

    experiments: Mapping[int, str] = field(default_factory=dict[int, str])
    rooms: Mapping[int, str] = field(default_factory=dict[int, str])
    participants: Mapping[int, Person] = field(default_factory=dict[int, Person])
    within: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Taking:
    """What is to be taken away of places, and how much of who the participants are stays in it."""

    types: Sequence[RecordType]
    anonymization: Anonymization


async def named(
    tx: AsyncConnection,
    actor: Actor,
    taking: Taking,
    experiment_ids: Sequence[str],
    room_ids: Sequence[str],
    participants: Sequence[Person],
) -> Places:
    """Return what is named by public ids; NotFound or Forbidden, as `_found`."""
    person = tuple_(*_person())
    return await _places(
        tx,
        actor,
        taking,
        (col(Experiment.experiment_id).in_(list(set(experiment_ids))), len(set(experiment_ids))),
        (col(Room.room_id).in_(list(set(room_ids))), len(set(room_ids))),
        (person.in_(list(set(participants))), len(set(participants))),
    )


async def selected(tx: AsyncConnection, actor: Actor, recipe: Recipe) -> Places:
    """Return what a recipe selects; NotFound or Forbidden, as `_found`."""
    types = [RecordType[name] for name in recipe.data_types]
    return await _places(
        tx,
        actor,
        Taking(types, recipe.anonymization),
        (among(col(Experiment.id), recipe.experiment_keys), len(set(recipe.experiment_keys))),
        (among(col(Room.id), recipe.room_keys), len(set(recipe.room_keys))),
        (among(col(Participant.id), recipe.participant_keys), len(set(recipe.participant_keys))),
    )


async def people_behind(
    tx: AsyncConnection, actor: Actor, participants: Sequence[Person]
) -> list[Person]:
    """Return participants under their own ids, where they are named by their codes."""
    if not participants:
        return []
    pair = tuple_(col(Room.room_id), col(Pseudonym.code))
    coded = (
        select(col(Room.room_id), col(Pseudonym.code), col(Pseudonym.participant_id))
        .join(Pseudonym, col(Pseudonym.experiment_key) == col(Room.experiment_key))
        .where(pair.in_(list(set(participants))), actor.may_export(layout_of(Room)))
    )
    known = {(room, code): person for room, code, person in await tx.execute(coded)}
    return [(room, known.get((room, person), person)) for room, person in participants]


Asked = tuple[ColumnElement[bool], int]
"""A clause, and how many rows it must find."""


async def _places(
    tx: AsyncConnection,
    actor: Actor,
    taking: Taking,
    experiments: Asked,
    rooms: Asked,
    participants: Asked,
) -> Places:
    found = [
        await _found(tx, actor, taking, Experiment, [col(Experiment.experiment_id)], experiments),
        await _found(tx, actor, taking, Room, [col(Room.room_id)], rooms),
        await _found(tx, actor, taking, Participant, _person(), participants),
    ]
    return Places(
        {row[0]: row[4] for row in found[0]},
        {row[0]: row[4] for row in found[1]},
        {row[0]: (row[4], row[5]) for row in found[2]},
        frozenset(row[1] for rows in found for row in rows),
    )


def _person() -> list[ColumnElement[Any]]:
    columns = layout_of(Participant).columns
    return [columns["room_id"], columns["participant_id"]]


_FIELDS: Mapping[type[Stored], str] = {
    Experiment: "experimentIds",
    Room: "roomIds",
    Participant: "participants",
}


async def _found(
    tx: AsyncConnection,
    actor: Actor,
    taking: Taking,
    model: type[Stored],
    public_id: Sequence[SQLColumnExpression[Any]],
    asked: Asked,
) -> Sequence[Sequence[Any]]:
    """Return keys, the keys of experiments, and public ids.

    NotFound if one is not there for the actor; Forbidden if it may be seen but not taken away.
    """
    clause, count = asked
    if not count:
        return []
    layout, key = layout_of(model), layout_of(model).columns["key"]
    statement = (
        select(
            key,
            key_of(layout, "experiment"),
            actor.may_export(layout),
            actor.may_export(layout, taking.types, taking.anonymization),
            *public_id,
        )
        .where(clause, actor.sees(layout))
        .order_by(key)
    )
    found: list[tuple[Any, ...]] = [tuple(row) for row in await tx.execute(statement)]
    at = ["input", _FIELDS[model]]
    if len(found) < count:
        raise NotFound(
            f"Not all of `{_FIELDS[model]}` are there: check them for typing errors.", at
        )
    if not all(row[2] for row in found):
        raise Forbidden("You may view this data but not export it: ask the experiment's owner.", at)
    if not all(row[3] for row in found):
        raise Forbidden(
            "You may export some of this data, but not all of these data types, or only with "
            "less of who the participants are: name fewer `dataTypes`, choose another "
            "`anonymization`, or ask the experiment's owner.",
            at,
        )
    return found
