"""What an export would hold, before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic.alias_generators import to_camel
from sqlalchemy import BigInteger, ColumnElement, cast, func, inspect, select
from sqlmodel import col

from server.db import Database
from server.export.extents import extent_of, media, people_with, sealed_rows, smallest_group
from server.export.extrapolation import Extent, foreseen_bytes, surveyed
from server.export.pseudonyms import assign_pseudonyms
from server.export.recipe import Recipe
from server.export.samples import fetched, sample_of
from server.export.surveys import Survey, Surveyor
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.columns import Identifies
from server.records.exports import (
    Anonymization,
    Export,
    ExportPackaging,
    ExportStatus,
    WithheldReason,
)
from server.records.participants import Participant, ParticipantBase
from server.records.users import UserRole
from server.resolvers.context import Context
from server.resolvers.selections import Wanted, selection_of

WRITTEN_WHOLE = 20_000
"""Records of an export that is made just to see how large it is."""

SAMPLES = (4_000, 400)
"""Records of each type that a sample has; fewer if those take too long."""

_MEDIA_MEMBER = 300
"""Bytes that a ZIP needs for a file, besides its own."""

_START_SECONDS = 0.2
_RECENT, _TELLING = 20, 1_000


@dataclass(frozen=True, slots=True)
class IdentifyingColumn:
    """A column that can tell who a person is; `data_type` is None for participants."""

    data_type: RecordType | None
    column: str
    how: Identifies
    kept: bool


@dataclass(frozen=True, slots=True)
class Hits:
    """How many texts of a column tell who somebody is, of those that were looked at."""

    data_type: RecordType
    column: str
    sampled: int
    hits: int
    foreseen: int


@dataclass(frozen=True, slots=True)
class Left:
    """What will not be in the files."""

    reason: WithheldReason
    data_type: RecordType | None
    count: int
    explanation: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an export would hold. What could not be foreseen in time is None, or empty."""

    rows: Mapping[RecordType, int]
    bytes: int | None
    seconds: float | None
    sampled: bool
    identifying: list[IdentifyingColumn]
    smallest_group: int | None
    hits: list[Hits]
    withheld: list[Left]


async def estimate(context: Context, wanted: Wanted) -> Estimate:
    """Return what an export would hold, with the rights that it would need."""
    wanted = replace(wanted, smallest_cell=context.services.smallest_cell)
    async with context.db.read() as tx:
        recipe, experiments = await selection_of(tx, context.actor, wanted)
    if context.actor.role is UserRole.ADMINISTRATOR:
        context.reads.update((AuditAction.ADMINISTRATOR_ACCESS, key) for key in experiments)
    db = context.db
    extent = await extent_of(db, recipe, all_of_it=wanted.snapshot is None)
    files, media_bytes = await media(db, recipe)
    whole, sample = await _survey(db, context.services.surveyor, recipe, extent)
    size = None
    if sample is not None:
        size = sample.bytes if whole else foreseen_bytes(recipe, extent, sample)
        if recipe.include_media and recipe.packaging is ExportPackaging.ZIP:
            size += media_bytes + files * _MEDIA_MEMBER
    return Estimate(
        rows={RecordType[name]: count for name, count in extent.rows.items()},
        bytes=size,
        seconds=await _seconds(db, recipe, extent, sample),
        sampled=not whole,
        identifying=_identifying(recipe),
        smallest_group=await smallest_group(db, recipe),
        hits=_hits(extent, sample),
        withheld=[
            *_withheld(extent, sample),
            *await _sealed(db, recipe),
            *await _left_out(db, recipe, 0 if recipe.include_media else files),
        ],
    )


async def _survey(
    db: Database, surveyor: Surveyor, recipe: Recipe, extent: Extent
) -> tuple[bool, Survey | None]:
    """Make the export, or a sample of it; say which, and what it was like."""
    everyone = recipe.model_copy(update={"anonymization": Anonymization.REMOVE_IDENTIFIERS})
    async with db.write() as tx:  # as the export itself would do: whoever has a code keeps it
        await assign_pseudonyms(tx, everyone)
    if sum(extent.rows.values()) <= WRITTEN_WHOLE:
        made = await surveyor.survey(recipe.model_copy(update={"include_media": False}))
        if made is not None:
            return True, made
    for rows in SAMPLES:
        made = await surveyor.survey(await sample_of(db, surveyed(recipe), rows))
        if made is not None:
            return False, made
    return False, None


async def _seconds(
    db: Database, recipe: Recipe, extent: Extent, sample: Survey | None
) -> float | None:
    """Return how long a worker would write: as the last ones did, or as the sample took."""
    rows = sum(extent.rows.values())
    took: ColumnElement[int] = cast(col(Export.completed_at) - col(Export.started_at), BigInteger)
    recent = (
        select(col(Export.completed_rows), took.label("took"))
        .where(
            col(Export.status) == ExportStatus.COMPLETED,
            col(Export.format) == recipe.format,
            col(Export.anonymization) == recipe.anonymization,
            col(Export.completed_rows) >= _TELLING,
        )
        .order_by(col(Export.id).desc())
        .limit(_RECENT)
        .subquery()
    )
    sums = (
        cast(func.coalesce(func.sum(c), 0), BigInteger)
        for c in (recent.c.completed_rows, recent.c.took)
    )
    [[written, milliseconds]] = await fetched(db, select(*sums))
    if written and milliseconds:
        return round(_START_SECONDS + rows * int(milliseconds) / 1000 / int(written), 1)
    if sample is None:
        return None
    seen = sum(map(_read, sample.ledger))
    return round(_START_SECONDS + sample.seconds * max(rows, 1) / max(seen, 1), 1)


def _identifying(recipe: Recipe) -> list[IdentifyingColumn]:
    """Return the columns of the files that are declared to tell who people are."""
    if recipe.anonymization is Anonymization.AGGREGATE_ONLY:
        return []
    kept = recipe.anonymization is Anonymization.KEEP
    people = inspect(Participant).columns
    found = [
        IdentifyingColumn(None, to_camel(name), how, kept)
        for name in ParticipantBase.model_fields
        if (how := people[name].info.get("identifies"))
    ]
    for data_type in map(RecordType.__getitem__, recipe.data_types):
        shown = recipe.columns.get(data_type.name)
        columns = inspect(data_type.value.model).columns
        for name in data_type.value.public_columns:
            stored = columns.get(name, people.get(name))
            how = None if stored is None else stored.info.get("identifies")
            if how and (shown is None or to_camel(name) in shown):
                found.append(IdentifyingColumn(data_type, to_camel(name), how, kept))
    return found


def _hits(extent: Extent, sample: Survey | None) -> list[Hits]:
    if sample is None:
        return []
    selected = {entry["dataType"]: _read(entry) for entry in sample.ledger}
    return [
        Hits(
            RecordType[each["dataType"]],
            each["column"],
            each["values"],
            each["hits"],
            _scaled(each["hits"], extent.rows[each["dataType"]], selected[each["dataType"]]),
        )
        for each in sample.hits
    ]


def _withheld(extent: Extent, sample: Survey | None) -> list[Left]:
    """Return which records would not be in the files, going by the ledger of the sample."""
    if sample is None:
        return []
    return [
        Left(
            WithheldReason(each["reason"]),
            RecordType[entry["dataType"]],
            _scaled(each["count"], extent.rows[entry["dataType"]], _read(entry)),
            WithheldReason(each["reason"]).description,
        )
        for entry in sample.ledger
        for each in entry["withheld"]
        if each["reason"] != WithheldReason.CONSENT_WITHDRAWN
    ]


async def _sealed(db: Database, recipe: Recipe) -> list[Left]:
    """Return which records would not be in the files as their participants have withdrawn."""
    reason = WithheldReason.CONSENT_WITHDRAWN
    counts = [(RecordType[name], await sealed_rows(db, recipe, name)) for name in recipe.data_types]
    return [Left(reason, each, count, reason.description) for each, count in counts if count]


def _read(entry: Mapping[str, Any]) -> int:
    """Return how many records of a type there were to read: not those that are sealed."""
    sealed = [
        int(each["count"])
        for each in entry["withheld"]
        if each["reason"] == WithheldReason.CONSENT_WITHDRAWN
    ]
    return int(entry["selected"]) - sum(sealed)


async def _left_out(db: Database, recipe: Recipe, files: int) -> list[Left]:
    """Return what else would not be in the files: media, and columns about participants."""
    if recipe.anonymization is Anonymization.KEEP:
        return []
    found: list[Left] = []
    if files:
        found.append(
            Left(
                WithheldReason.IDENTIFIERS,
                RecordType.RECORDINGS,
                files,
                "The files of recordings stay here: they show who people are. `includeMedia` puts "
                "them into the ZIP.",
            )
        )
    columns = {
        name: column
        for name, column in inspect(Participant).columns.items()
        if column.info.get("identifies") and name != "participant_id"
    }
    if people := await people_with(db, recipe, columns):
        names = ", ".join(f"`{to_camel(name)}`" for name in columns)
        explanation = f"Participants are shown without {names}, under codes."
        found.append(Left(WithheldReason.IDENTIFIERS, None, people, explanation))
    return found


def _scaled(part: int, rows: int, seen: int) -> int:
    return round(part * rows / seen) if seen else part
