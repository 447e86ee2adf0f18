"""What a caller wants exported, made a recipe: with rights, and only if it holds anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.errors import BadUserInput, Forbidden, NothingToExport
from server.export.choices import chosen_columns
from server.export.recipe import Recipe, selected
from server.export.schedules import begins
from server.export.snapshots import Snapshot
from server.records import RecordType
from server.records.data_filter import DataFilter
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.users import UserRole
from server.resolvers.exportable import Places, Taking, named, people_behind
from server.resolvers.repeats import kept_recipe
from server.resolvers.snapshots import snapshot_of
from server.timestamps import iso

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
    own_view: bool = False  # for the one person who is named, of whom alone it tells
    smallest_cell: int = 5  # a setting, not a wish


async def recipe_for(
    tx: AsyncConnection, actor: Actor, wanted: Wanted, reached: Mapping[str, int] | None = None
) -> tuple[Recipe, set[int]]:
    """Return what the export is to hold, and the keys of the experiments it draws on.

    `reached` are the highest keys there were at the end of an earlier snapshot: what there was then
    is left out.
    """
    recipe, experiment_keys = await selection_of(tx, actor, wanted)
    if reached is not None:
        recipe = recipe.model_copy(update={"after": begins(reached, recipe.data_types)})
    if not wanted.own_view and not await _holds_anything(tx, recipe):
        raise NothingToExport(
            "No record matches: widen the selection, the data types or the filter.", ["input"]
        )
    return recipe, experiment_keys


async def selection_of(
    tx: AsyncConnection, actor: Actor, wanted: Wanted
) -> tuple[Recipe, set[int]]:
    """Do the same, whether it holds anything or not."""
    actor.require("export:data", *(t.value.scope for t in wanted.types))
    if actor.role is UserRole.PARTICIPANT:  # whatever they name: a guess must tell them nothing
        raise Forbidden("Participants see their own data, and export none: ask for a file of it.")
    _check(wanted)
    snapshot = await snapshot_of(tx, actor, wanted.since, wanted.snapshot, wanted.types)
    participants = wanted.participants
    if wanted.snapshot is not None and wanted.anonymization is not Anonymization.KEEP:
        participants = await people_behind(tx, actor, participants)
    ids = wanted.experiment_ids, wanted.room_ids, participants
    if snapshot.recipe_hash:
        kept = await kept_recipe(tx, actor, snapshot, _recipe(wanted, Places(), snapshot), *ids)
        if kept is not None:
            return kept
    places = await named(tx, actor, Taking(wanted.types, wanted.anonymization), *ids)
    return _recipe(wanted, places, snapshot), set(places.within)


def _check(wanted: Wanted) -> None:
    places = [wanted.experiment_ids, wanted.room_ids, wanted.participants]
    if not any(places):
        raise BadUserInput(
            "Name what to export: experimentIds, roomIds or participants.",
            ["input", "experimentIds"],
        )
    if sum(map(len, places)) > MOST_NAMED:
        raise BadUserInput(f"Name at most {MOST_NAMED:,} things in one export.", ["input"])
    if not wanted.types:
        raise BadUserInput("Name a data type, or leave `dataTypes` out.", ["input", "dataTypes"])
    if (
        wanted.format is not ExportFormat.JSON
        and wanted.packaging is ExportPackaging.SINGLE_FILE
        and len(set(wanted.types)) > 1
    ):
        raise BadUserInput(
            f"A single {wanted.format} file holds one data type: name one, or choose the packaging "
            "ZIP.",
            ["input", "packaging"],
        )
    _check_media(wanted)


def _check_media(wanted: Wanted) -> None:
    if not wanted.include_media:
        return
    at = ["input", "includeMedia"]
    if wanted.anonymization is Anonymization.AGGREGATE_ONLY:
        raise BadUserInput("Video and audio are no statistics: leave `includeMedia` out.", at)
    if wanted.packaging is not ExportPackaging.ZIP or RecordType.RECORDINGS not in wanted.types:
        raise BadUserInput(
            "Video and audio go with the recordings, in a ZIP: choose the packaging ZIP and the "
            "data type RECORDINGS.",
            at,
        )


def _recipe(wanted: Wanted, places: Places, snapshot: Snapshot) -> Recipe:
    """Return what the export holds: in whatever order it is said, the same."""
    names = [*places.experiments.values(), *places.rooms.values(), "participants"]
    if wanted.own_view:
        names = ["your_data"]
    return Recipe(
        experiment_keys=tuple(places.experiments),
        room_keys=tuple(places.rooms),
        participant_keys=tuple(places.participants),
        data_types=tuple(each.name for each in RecordType if each in wanted.types),
        filters=wanted.kept.by_type(),
        format=wanted.format,
        packaging=wanted.packaging,
        anonymization=wanted.anonymization,
        excel_bom=wanted.excel_bom,
        formula_guard=wanted.excel_bom if wanted.formula_guard is None else wanted.formula_guard,
        columns=chosen_columns(wanted.columns, wanted.types, wanted.format),
        include_media=wanted.include_media,
        shift_times=wanted.shift_times,
        smallest_cell=wanted.smallest_cell,
        own_view=wanted.own_view,
        title=f"{names[0]}_{iso(snapshot.at)[:10]}",
        bounds=snapshot.bounds,
        after=snapshot.after,
        snapshot_at=snapshot.taken_at,
    )


async def _holds_anything(tx: AsyncConnection, recipe: Recipe) -> bool:
    for name in recipe.data_types:
        found = select(col(RecordType[name].value.model.id)).where(*selected(recipe, name))
        if (await tx.execute(found.limit(1))).first() is not None:
            return True
    return False
