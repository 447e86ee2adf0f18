"""Putting exports into the queue, for whoever asks: a caller, or a schedule."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.audit import Origin, add
from server.export.fingerprints import fingerprint
from server.export.pseudonyms import assign_pseudonyms
from server.export.recipe import Recipe
from server.export.snapshots import recipe_hash
from server.export.versions import software
from server.records.audit import AuditAction
from server.records.exports import Export, ExportedExperiment, ExportStatus
from server.records.users import User
from server.resolvers.selections import Wanted, recipe_for
from server.rows import Row, layout_of
from server.timestamps import now

LAYOUT = layout_of(Export)


async def queue(
    tx: AsyncConnection,
    actor: Actor,
    wanted: Wanted,
    origin: Origin,
    *,
    schedule_key: int | None = None,
    reached: Mapping[str, int] | None = None,
    besides: Collection[int] = (),
) -> Row:
    """Queue an export, and note it; what was asked for before is returned as it is.

    That is the export of the same idempotency key, or, without such a key, a finished one of the
    actor's that holds the same, of data that nobody has changed; but none of `besides`. Wake the
    exporter once this is committed.
    """
    await take_turns_as(tx, actor.user_key)
    export = await _queued(tx, actor, wanted, schedule_key, reached, besides)
    await note(tx, origin, export)
    return export


async def note(tx: AsyncConnection, origin: Origin, export: Row) -> None:
    """Note in the audit log that an export was asked for."""
    drawn_on = select(col(ExportedExperiment.experiment_key)).where(
        col(ExportedExperiment.export_key) == export.key
    )
    experiments = (await tx.scalars(drawn_on)).all()
    await add(tx, origin, AuditAction.EXPORT, experiment_keys=experiments, resource=export.id)


async def _queued(
    tx: AsyncConnection,
    actor: Actor,
    wanted: Wanted,
    schedule_key: int | None,
    reached: Mapping[str, int] | None,
    besides: Collection[int],
) -> Row:
    if (key := wanted.idempotency_key) is not None and (earlier := await _with(tx, actor, key)):
        return earlier
    recipe, experiments = await recipe_for(tx, actor, wanted, reached)
    holds = await fingerprint(tx, recipe, experiments, software())
    if key is None and (same := await _finished(tx, actor, holds, besides)):
        return same
    await assign_pseudonyms(tx, recipe)
    return await _add(
        tx,
        experiments,
        recipe,
        requested_by_key=actor.user_key,
        idempotency_key=key,
        reason=wanted.reason,
        fingerprint=holds,
        schedule_key=schedule_key,
    )


async def take_turns_as(tx: AsyncConnection, user_key: int) -> None:
    """Wait for whatever else a user is asking for: it may have the same idempotency key."""
    user = select(col(User.id)).where(col(User.id) == user_key)
    await tx.execute(user.with_for_update(key_share=True))


async def one(tx: AsyncConnection, *where: ColumnElement[bool]) -> Row | None:
    """Return the newest export that some clauses keep."""
    newest = select(*LAYOUT.selected).where(*where).order_by(LAYOUT.columns["key"].desc()).limit(1)
    values = (await tx.execute(newest)).one_or_none()
    return None if values is None else LAYOUT.row(values)


async def _with(tx: AsyncConnection, actor: Actor, idempotency_key: str) -> Row | None:
    columns = LAYOUT.columns
    return await one(
        tx,
        columns["requested_by_key"] == actor.user_key,
        columns["idempotency_key"] == idempotency_key,
    )


async def _finished(
    tx: AsyncConnection, actor: Actor, holds: str, besides: Collection[int]
) -> Row | None:
    columns = LAYOUT.columns
    return await one(
        tx,
        columns["requested_by_key"] == actor.user_key,
        columns["fingerprint"] == holds,
        columns["status"] == ExportStatus.COMPLETED,
        columns["expires_at"] > now(),
        columns["key"].not_in(besides),
    )


async def _add(
    tx: AsyncConnection, experiments: Collection[int], recipe: Recipe, **values: object
) -> Row:
    added = insert(Export).values(
        recipe=recipe.model_dump(mode="json"),
        recipe_hash=recipe_hash(recipe),
        created_at=now(),
        snapshot_at=recipe.snapshot_at,
        format=recipe.format,
        packaging=recipe.packaging,
        anonymization=recipe.anonymization,
        **values,
    )
    key = (await tx.scalars(added.returning(LAYOUT.columns["key"]))).one()
    drawn_on = [{"export_key": key, "experiment_key": each} for each in sorted(experiments)]
    await tx.execute(insert(ExportedExperiment), drawn_on)
    export = await one(tx, LAYOUT.columns["key"] == key)
    assert export is not None
    return export
