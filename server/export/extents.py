"""How large a selection is: counted, off the tallies where they tell."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, or_, select
from sqlmodel import col

from server.db import Database
from server.export.extrapolation import Extent
from server.export.recipe import Recipe, sealed, selected
from server.export.samples import fetched
from server.key_lists import among
from server.records import RecordType
from server.records.participants import Participant
from server.records.recordings import Recording
from server.records.rooms import Room
from server.records.tallies import Tally


async def extent_of(db: Database, recipe: Recipe, *, all_of_it: bool) -> Extent:
    """Return how large a selection is; `all_of_it` says that its bounds leave nothing out."""
    of_types = col(Tally.data_type).in_(recipe.data_types)
    tallied = (
        select(
            col(Tally.data_type),
            cast(func.sum(col(Tally.record_count)), BigInteger),
            func.count(col(Tally.room_key).distinct()),
        )
        .where(recipe.selects_of(Tally), of_types)
        .group_by(col(Tally.data_type))
    )
    tallies = {name: (count, lists) for name, count, lists in await fetched(db, tallied)}
    rows = {
        name: tallies.get(name, (0, 0))[0]
        if all_of_it and name not in recipe.filters and not recipe.after
        else await _counted(db, recipe, name)
        for name in recipe.data_types
    }
    rooms, experiments = await _rooms(db, recipe)
    return Extent(
        rows=rows,
        lists={name: min(tallies.get(name, (0, 0))[1], count) for name, count in rows.items()},
        rooms=rooms,
        participants=await _one(
            db, select(func.count()).select_from(Participant).where(_of_people(recipe))
        ),
        experiments=experiments,
    )


async def smallest_group(db: Database, recipe: Recipe) -> int | None:
    """Return how many participants the selected room has that has the fewest; None for none."""
    groups = (
        select(func.count().label("people"))
        .where(_of_people(recipe))
        .group_by(col(Participant.room_key))
        .subquery()
    )
    [[smallest]] = await fetched(db, select(func.min(groups.c.people)))
    return None if smallest is None else int(smallest)


async def media(db: Database, recipe: Recipe) -> tuple[int, int]:
    """Return how many files the selected recordings have, and how many bytes in all."""
    if RecordType.RECORDINGS.name not in recipe.data_types:
        return 0, 0
    size = cast(func.coalesce(func.sum(col(Recording.file_size)), 0), BigInteger)
    files = select(func.count(), size).where(
        *selected(recipe, RecordType.RECORDINGS.name), col(Recording.storage_key).is_not(None)
    )
    [[count, total]] = await fetched(db, files)
    return int(count), int(total)


async def sealed_rows(db: Database, recipe: Recipe, name: str) -> int:
    """Return how many records of a type lie in what is selected, and are sealed."""
    return await _one(db, select(func.count()).where(*sealed(recipe, name)))


async def people_with(db: Database, recipe: Recipe, columns: Mapping[str, Any]) -> int:
    """Return how many of the selected participants have anything in some columns."""
    any_of_them = or_(*(column.is_not(None) for column in columns.values()))
    return await _one(
        db, select(func.count()).select_from(Participant).where(_of_people(recipe), any_of_them)
    )


async def _counted(db: Database, recipe: Recipe, name: str) -> int:
    model = RecordType[name].value.model
    return await _one(db, select(func.count()).select_from(model).where(*selected(recipe, name)))


async def _rooms(db: Database, recipe: Recipe) -> tuple[int, int]:
    of_people = select(col(Participant.room_key)).where(
        among(col(Participant.id), recipe.participant_keys)
    )
    chosen = or_(
        recipe.selects(col(Room.experiment_key), col(Room.id)), col(Room.id).in_(of_people)
    )
    counts = select(func.count(), func.count(col(Room.experiment_key).distinct())).where(chosen)
    [[rooms, experiments]] = await fetched(db, counts)
    return int(rooms), int(experiments)


def _of_people(recipe: Recipe) -> ColumnElement[bool]:
    return recipe.selects(
        col(Participant.experiment_key), col(Participant.room_key), col(Participant.id)
    )


async def _one(db: Database, statement: Any) -> int:  # noqa: ANN401 - a count
    [[count]] = await fetched(db, statement)
    return int(count)
