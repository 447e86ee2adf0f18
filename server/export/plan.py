"""From a recipe to a plan: the declarations of the data, as SQL and as columns of files."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import BadUserInput
from server.export import declared
from server.export.addresses import database_uri
from server.export.inputs import filter_input, options
from server.export.media import media
from server.export.names import safe_name
from server.export.own_people import OwnPeople, own_people
from server.export.pseudonyms import identities, title_without_identities
from server.export.recipe import Recipe, experiment_keys
from server.export.snapshots import snapshot_text
from server.export.statements import Dialect, dialect_of
from server.export.summaries import summaries
from server.export.tables import Identities, Plan
from server.export.time_shifts import shifts
from server.export.versions import software
from server.records import RecordType
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.revisions import revisions
from server.settings import Settings
from server.timestamps import iso

_ENDINGS = {
    Anonymization.KEEP: "",
    Anonymization.REMOVE_IDENTIFIERS: "_deidentified",
    Anonymization.AGGREGATE_ONLY: "_aggregate",
}
"""What the names of files end in: one level is never to be taken for another."""


@dataclass(frozen=True)
class Places:
    """Where a server's exports are read from, written, and kept."""

    database: URL
    spool: Path
    storage: str
    checkpoint_seconds: float = 5.0
    storage_endpoint: str | None = None


def planner(database: URL, settings: Settings) -> Callable[..., Awaitable[Plan]]:
    """Return what plans the exports of a server, for files under the folder it is given."""
    places = Places(
        database,
        settings.spool,
        settings.storage,
        settings.checkpoint_seconds,
        settings.storage_endpoint,
    )

    async def plan(tx: AsyncConnection, export: Row[Any], folder: str) -> Plan:
        recipe = Recipe.model_validate(export.recipe)
        return await make_plan(tx, recipe, places, name=str(export.id), key_prefix=folder)

    return plan


async def make_plan(
    tx: AsyncConnection, recipe: Recipe, places: Places, *, name: str, key_prefix: str
) -> Plan:
    """Say all that a worker must know; BadUserInput for what cannot be one file.

    name        of the folder in the spool, for all attempts
    key_prefix  where the file goes in the store, for this attempt
    """
    _require_one_table(recipe)
    experiments = await experiment_keys(tx, recipe)
    dialect = dialect_of(places.database)
    named = recipe.anonymization is Anonymization.KEEP
    aggregated = recipe.anonymization is Anonymization.AGGREGATE_ONLY
    own = await own_people(tx, recipe) if recipe.own_view else None
    title = recipe.title if named else await title_without_identities(tx, recipe.title, experiments)
    title = safe_name(title) + _ENDINGS[recipe.anonymization]
    if recipe.include_media and recipe.anonymization is Anonymization.REMOVE_IDENTIFIERS:
        title += "_with_media"
    file_name = _file_name(recipe, title)
    return Plan(
        title=title,
        format=recipe.format.value,
        packaging=recipe.packaging.value,
        anonymization=recipe.anonymization.value,
        excel_bom=recipe.excel_bom,
        formula_guard=recipe.formula_guard,
        include_media=recipe.include_media,
        shift_times=recipe.shift_times,
        smallest_cell=recipe.smallest_cell,
        snapshot_at=iso(recipe.snapshot_at),
        software=software(),
        recipe={
            "input": {**options(recipe), "filter": filter_input(recipe.filters)},
            "snapshot": snapshot_text(recipe),
        },
        own_view=recipe.own_view,
        own=() if own is None else own.texts,
        experiment_keys=recipe.experiment_keys,
        room_keys=recipe.room_keys,
        participant_keys=recipe.participant_keys,
        filters=recipe.filters,
        revisions=tuple((await revisions(tx, experiments)).items()),
        spool=str(places.spool.absolute() / name),
        checkpoint_seconds=places.checkpoint_seconds,
        database_uri=database_uri(places.database),
        storage_url=places.storage,
        storage_endpoint=places.storage_endpoint,
        storage_key=f"{key_prefix.strip('/')}/{file_name}",
        file_name=file_name,
        experiments=declared.experiments(dialect, experiments),
        rooms=declared.rooms(dialect, recipe),
        participants=declared.participants(dialect, recipe),
        records=tuple(
            declared.records(dialect, recipe, name, experiments) for name in recipe.data_types
        ),
        media=None if aggregated else media(dialect, recipe),
        identities=_identities(dialect, experiments, own, named=named),
        shifts=shifts(dialect, recipe),
        summaries=summaries(dialect, recipe) if aggregated else (),
    )


def _identities(
    dialect: Dialect, experiments: Sequence[int], own: OwnPeople | None, *, named: bool
) -> Identities | None:
    if own is not None:
        return own.identities(dialect)
    return None if named else identities(dialect, experiments)


def _file_name(recipe: Recipe, title: str) -> str:
    if recipe.packaging is ExportPackaging.ZIP:
        return f"{title}.zip"
    ending = recipe.format.value.lower()
    if recipe.format is ExportFormat.JSON:
        return f"{title}.{ending}"
    return f"{title}_{RecordType[recipe.data_types[0]].value.stem}.{ending}"


def _require_one_table(recipe: Recipe) -> None:
    one_file = recipe.packaging is ExportPackaging.SINGLE_FILE
    if one_file and recipe.format is not ExportFormat.JSON and len(recipe.data_types) != 1:
        raise BadUserInput(
            f"A single {recipe.format} file holds one data type: choose one, or the packaging ZIP.",
            ("packaging",),
        )
