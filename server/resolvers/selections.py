"""What a caller wants exported, made a recipe: with rights, and only if it holds anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor, key_of
from server.db import Stored
from server.errors import BadUserInput, Forbidden, NotFound, NothingToExport
from server.export.recipe import Recipe, take_bounds
from server.records import RecordType
from server.records.data_filter import DataFilter
from server.records.experiments import Experiment
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.participants import Participant
from server.records.rooms import Room
from server.rows import layout_of
from server.timestamps import iso, now

PLACES = ("experiment", "room", "participant")

MOST_NAMED = 1000
"""How many experiments, rooms or participants one export may name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller wants exported, in the ids that researchers use."""

    experiment_ids: Sequence[str]
    room_ids: Sequence[str]
    participants: Sequence[tuple[str, str]]  # (room id, participant id)
    types: Sequence[RecordType]
    kept: DataFilter
    format: ExportFormat
    packaging: ExportPackaging
    anonymization: Anonymization
    excel_bom: bool = False
    formula_guard: bool | None = None  # as `excel_bom`
    columns: Mapping[RecordType, Sequence[str]] = field(default_factory=dict[RecordType, Any])
    include_media: bool = False
    shift_times: bool = False
    since: str | None = None  # the id of an earlier export
    snapshot: str | None = None  # from the recipe of an earlier export
    idempotency_key: str | None = None
    reason: str | None = None


async def recipe_for(tx: AsyncConnection, actor: Actor, wanted: Wanted) -> tuple[Recipe, set[int]]:
    """Return what the export is to hold, and the keys of the experiments it draws on."""
    recipe, experiment_keys = await selection_of(tx, actor, wanted)
    await require_records(tx, recipe)
    return recipe, experiment_keys


async def selection_of(
    tx: AsyncConnection, actor: Actor, wanted: Wanted
) -> tuple[Recipe, set[int]]:
    """Do the same, whether it holds anything or not."""
    actor.require("export:data", *(t.value.scope for t in wanted.types))
    _check(wanted)
    return await _recipe(tx, actor, wanted)


async def require_records(tx: AsyncConnection, recipe: Recipe) -> None:
    """Raise NothingToExport unless a recipe holds anything."""
    if not await _holds_anything(tx, recipe):
        raise NothingToExport(
            "No record matches: widen the selection, the data types or the filter.", ["input"]
        )


def _check(wanted: Wanted) -> None:
    named = [wanted.experiment_ids, wanted.room_ids, wanted.participants]
    if not any(named):
        raise BadUserInput(
            "Name what to export: experimentIds, roomIds or participants.",
            ["input", "experimentIds"],
        )
    if sum(map(len, named)) > MOST_NAMED:
        raise BadUserInput(f"Name at most {MOST_NAMED:,} things in one export.", ["input"])
    if not wanted.types:
        raise BadUserInput("Name a data type, or leave `dataTypes` out.", ["input", "dataTypes"])
    if (
        wanted.format is not ExportFormat.JSON
        and wanted.packaging is ExportPackaging.SINGLE_FILE
        and len(wanted.types) > 1
    ):
        raise BadUserInput(
            f"A single {wanted.format} file holds one data type: name one, or choose the packaging "
            "ZIP.",
            ["input", "packaging"],
        )


async def _recipe(tx: AsyncConnection, actor: Actor, wanted: Wanted) -> tuple[Recipe, set[int]]:
    """Return what the export holds, and the experiments it draws on."""
    participants = layout_of(Participant).columns
    person = tuple_(participants["room_id"], participants["participant_id"])
    named: list[tuple[type[Stored], Any, Sequence[Any], str]] = [
        (Experiment, col(Experiment.experiment_id), wanted.experiment_ids, "experimentIds"),
        (Room, col(Room.room_id), wanted.room_ids, "roomIds"),
        (Participant, person, wanted.participants, "participants"),
    ]
    found = [await _exportable(tx, actor, *one) for one in named]
    snapshot_at = now()
    first = next(first for first in (*wanted.experiment_ids, *wanted.room_ids, "participants"))
    recipe = Recipe(
        experiment_keys=tuple(found[0]),
        room_keys=tuple(found[1]),
        participant_keys=tuple(found[2]),
        data_types=tuple(t.name for t in wanted.types),
        filters=wanted.kept.by_type(),
        format=wanted.format,
        packaging=wanted.packaging,
        anonymization=wanted.anonymization,
        excel_bom=wanted.excel_bom,
        formula_guard=wanted.excel_bom if wanted.formula_guard is None else wanted.formula_guard,
        columns={data_type.name: tuple(names) for data_type, names in wanted.columns.items()},
        include_media=wanted.include_media,
        shift_times=wanted.shift_times,
        title=f"{first}_{iso(snapshot_at)[:10]}",
        bounds=await take_bounds(tx),
        snapshot_at=snapshot_at,
    )
    return recipe, {experiment for keys in found for experiment in keys.values()}


async def _holds_anything(tx: AsyncConnection, recipe: Recipe) -> bool:
    for name in recipe.data_types:
        data_type = RecordType[name].value
        columns = data_type.model.expressions()
        asked = data_type.filter.model_validate(recipe.filters.get(name, {}))
        found = select(columns["id"]).where(
            recipe.selects(*(columns[f"{place}_key"] for place in PLACES)),
            recipe.within(name, columns["id"]),
            *asked.clauses(columns),
        )
        if (await tx.execute(found.limit(1))).first() is not None:
            return True
    return False


async def _exportable(
    tx: AsyncConnection,
    actor: Actor,
    model: type[Stored],
    public_id: ColumnElement[Any],
    wanted: Sequence[Any],
    field: str,
) -> dict[int, int]:
    """Return the keys of what is named by public id, each with its experiment's key.

    NotFound if one is not there for the actor; Forbidden if it may be seen but not taken away.
    """
    if not wanted:
        return {}
    layout = layout_of(model)
    statement = select(
        layout.columns["key"],
        key_of(layout, "experiment"),
        actor.may_export(layout),
    ).where(public_id.in_(list(set(wanted))), actor.sees(layout))
    found = (await tx.execute(statement)).all()
    if len(found) < len(set(wanted)):
        raise NotFound(
            f"Not all of `{field}` are there: check them for typing errors.", ["input", field]
        )
    if not all(may_export for _, _, may_export in found):
        raise Forbidden(
            "You may view this data but not export it: ask the experiment's owner.",
            ["input", field],
        )
    return {key: experiment_key for key, experiment_key, _ in found}
