"""A small export that stands for a large one: some of its rooms, and some minutes of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, SQLColumnExpression, cast, func, or_, select
from sqlmodel import col

from server.db import Database
from server.export.recipe import Recipe
from server.key_lists import among
from server.records import RecordType
from server.records.tallies import Tally
from server.statements import Prepared, Statement

_MOST_PLACES = 12
"""How many rooms, or participants, a sample is taken from."""

_LOOKED_AT = 200
"""How many are looked at to choose those from."""

_MIXED = 7919, 104_729
"""Primes: keys times the first, modulo the second, are in no order that data are in."""


@dataclass(frozen=True, slots=True)
class Place:
    """A room or a participant that is selected, and how many records of each type it has."""

    level: str
    key: int
    counts: Counter[str]


async def sample_of(db: Database, recipe: Recipe, rows: int) -> Recipe:
    """Return a recipe of about so many rows of each type, where there are as many."""
    chosen = _choose(await _places(db, recipe), rows)
    filters = dict(recipe.filters)
    for name in recipe.data_types:
        if sum(place.counts[name] for place in chosen) > 1.5 * rows:
            filters[name] = await _narrowed(db, filters.get(name, {}), name, chosen, rows)
    return recipe.model_copy(
        update={
            "experiment_keys": (),
            "room_keys": tuple(sorted(p.key for p in chosen if p.level == "room")),
            "participant_keys": tuple(sorted(p.key for p in chosen if p.level == "participant")),
            "filters": filters,
        }
    )


async def _places(db: Database, recipe: Recipe) -> list[Place]:
    """Return some of the rooms and participants that are selected, and have any record."""
    factor, modulus = _MIXED
    rooms = or_(
        among(col(Tally.experiment_key), recipe.experiment_keys),
        among(col(Tally.room_key), recipe.room_keys),
    )
    people = among(col(Tally.participant_key), recipe.participant_keys)
    levels: list[tuple[str, SQLColumnExpression[int], ColumnElement[bool]]] = [
        ("room", col(Tally.room_key), rooms),
        ("participant", col(Tally.participant_key), people),
    ]
    found: list[Place] = []
    for level, key, where in levels:
        of_types = col(Tally.data_type).in_(recipe.data_types)
        some = (
            select(key)
            .where(where, of_types)
            .group_by(key)
            .order_by(key * factor % modulus, key)
            .limit(_LOOKED_AT)
        )
        counted = (
            select(key, col(Tally.data_type), cast(func.sum(col(Tally.record_count)), BigInteger))
            .where(key.in_(some), where, of_types)
            .group_by(key, col(Tally.data_type))
        )
        counts: dict[int, Counter[str]] = {}
        for place, name, count in await fetched(db, counted):
            counts.setdefault(place, Counter())[name] = count
        mixed = sorted(counts, key=lambda key: (key * factor % modulus, key))
        found += [Place(level, key, counts[key]) for key in mixed]
    return found


def _choose(places: Sequence[Place], rows: int) -> list[Place]:
    """Choose places so that there are enough rows of each type, where there are, of several."""
    chosen: list[Place] = []
    so_far = Counter[str]()
    for place in places:
        if len(chosen) == _MOST_PLACES:
            break
        if len(chosen) < _MOST_PLACES // 3 or any(so_far[name] < rows for name in place.counts):
            chosen.append(place)
            so_far.update(place.counts)
    return chosen


async def _narrowed(
    db: Database, asked: dict[str, Any], name: str, chosen: Sequence[Place], rows: int
) -> dict[str, Any]:
    """Return a filter that keeps, besides, only a span of onsets in the middle.

    It has about the right share of the rows of the place that has the most.
    """
    largest = max(chosen, key=lambda place: place.counts[name])
    there = largest.counts[name]
    share = rows / sum(place.counts[name] for place in chosen)
    columns = RecordType[name].value.model.expressions()
    onset = columns["onset"]
    ends = [int(there * (1 - share) / 2), int(there * (1 + share) / 2)]
    found: list[int] = []
    for end in ends:
        at = (
            select(onset)
            .where(columns[f"{largest.level}_key"] == largest.key)
            .order_by(onset, columns["id"])
            .limit(1)
            .offset(end)
        )
        found += [value for (value,) in await fetched(db, at)]
    if len(found) < len(ends):
        return asked  # it has become smaller meanwhile
    own: dict[str, int] = asked.get("onset") or {}
    first, last = max(found[0], own.get("gte") or found[0]), max(found[1], found[0] + 1)
    return {**asked, "onset": {**own, "gte": first, "lt": min(last, own.get("lt") or last)}}


async def fetched(db: Database, statement: Statement) -> Sequence[Sequence[Any]]:
    """Return the rows of a statement that is made for once, without keeping others waiting."""
    return await db.fetch(Prepared(statement, db.reader.dialect), {}, quick=False)
