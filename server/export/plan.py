"""From a recipe to a plan: the declarations of the data, as SQL and as columns of files."""

from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlalchemy import Row
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import BadUserInput
from server.export import declared
from server.export.addresses import database_uri
from server.export.names import safe_name
from server.export.pseudonyms import identities
from server.export.recipe import Recipe, experiment_keys
from server.export.statements import dialect_of
from server.export.tables import Plan
from server.records import RecordType
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.timestamps import iso


def planner(database_url: URL, storage_url: str) -> Callable[..., Awaitable[Plan]]:
    """Return what plans the exports of a server, for files under the folder it is given."""

    async def plan(tx: AsyncConnection, export: Row[Any], folder: str) -> Plan:
        recipe = Recipe.model_validate(export.recipe)
        return await make_plan(
            tx, recipe, database_url=database_url, storage_url=storage_url, key_prefix=folder
        )

    return plan


async def make_plan(
    tx: AsyncConnection, recipe: Recipe, *, database_url: URL, storage_url: str, key_prefix: str
) -> Plan:
    """Say all that a worker must know; BadUserInput for what cannot be one file."""
    _require_one_table(recipe)
    experiments = await experiment_keys(tx, recipe)
    dialect = dialect_of(database_url)
    deidentified = recipe.anonymization is Anonymization.REMOVE_IDENTIFIERS
    title = safe_name(recipe.title)
    if deidentified:
        title += "_deidentified"  # never to be taken for the other kind
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
        software=f"hyperstudy-data {_version()}",
        experiment_keys=recipe.experiment_keys,
        room_keys=recipe.room_keys,
        participant_keys=recipe.participant_keys,
        filters=recipe.filters,
        database_uri=database_uri(database_url),
        storage_url=storage_url,
        storage_key=f"{key_prefix.strip('/')}/{file_name}",
        file_name=file_name,
        experiments=declared.experiments(dialect, experiments),
        rooms=declared.rooms(dialect, recipe),
        participants=declared.participants(dialect, recipe),
        records=tuple(declared.records(dialect, recipe, name) for name in recipe.data_types),
        identities=identities(dialect, experiments) if deidentified else None,
    )


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


def _version() -> str:
    try:
        return version("hyperstudy-data")
    except PackageNotFoundError:  # run from a folder, not installed
        return "(not installed)"
