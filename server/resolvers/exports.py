"""Asking for exports, watching and cancelling them."""

from collections.abc import AsyncGenerator

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.errors import AlreadyFinished, NotFound
from server.export.leases import request_cancel
from server.export.pseudonyms import assign_pseudonyms
from server.global_ids import type_and_key
from server.records.exports import Export, ExportedExperiment
from server.records.users import User
from server.resolvers.context import Context
from server.resolvers.selections import Wanted, recipe_for
from server.rows import Row, layout_of

_LAYOUT = layout_of(Export)


async def create(context: Context, wanted: Wanted) -> Row:
    """Queue an export; the same idempotency key gives the same export again."""
    context.actor.require("export:data")
    async with context.db.write() as tx:
        await _take_turns(tx, context.actor.user_key)
        if (earlier := await _earlier(tx, context, wanted.idempotency_key)) is not None:
            return earlier
        recipe, experiment_keys = await recipe_for(tx, context, wanted)
        await assign_pseudonyms(tx, recipe)
        queue = insert(Export).values(
            requested_by_key=context.actor.user_key,
            idempotency_key=wanted.idempotency_key,
            reason=wanted.reason,
            recipe=recipe.model_dump(mode="json"),
            created_at=recipe.snapshot_at,
            snapshot_at=recipe.snapshot_at,
            format=recipe.format,
            packaging=recipe.packaging,
            anonymization=recipe.anonymization,
        )
        key = (await tx.scalars(queue.returning(_LAYOUT.columns["key"]))).one()
        await tx.execute(
            insert(ExportedExperiment),
            [{"export_key": key, "experiment_key": experiment} for experiment in experiment_keys],
        )
        export = await _one(tx, _LAYOUT.columns["key"] == key)
    assert export is not None
    context.services.exporter.wake()  # only once the row is committed
    return export


async def cancel(context: Context, export_id: str) -> Row:
    """Ask for an export to be stopped; AlreadyFinished if it has come to its end."""
    context.actor.require("export:data")
    export = await find(context, export_id)
    async with context.db.write() as tx:
        if not await request_cancel(tx, export.key):
            raise AlreadyFinished(
                "The export has come to its end: there is nothing to cancel.", ["id"]
            )
    context.services.hub.nudge(export.key)
    return await find(context, export_id)


async def find(context: Context, export_id: str) -> Row:
    """Return an export that the actor may see; NotFound if there is no such."""
    type_name, key = type_and_key(export_id) or ("", 0)
    if type_name == _LAYOUT.type_name:
        visible = context.actor.sees_exports(_LAYOUT)
        async with context.db.read() as tx:
            if found := await _one(tx, _LAYOUT.columns["key"] == key, visible):
                return found
    raise NotFound("There is no such export: look among `exports` for yours.", ["id"])


async def progress(context: Context, export_id: str) -> AsyncGenerator[Row]:
    """Yield the export as it stands, then each change, until it is final."""
    context.actor.require("export:data")
    export = await find(context, export_id)
    names = ["id" if name == "key" else name for name in _LAYOUT.columns]
    with context.services.hub.follow(export.key) as states:
        async for state in states:
            yield _LAYOUT.row([getattr(state, name) for name in names])


async def _take_turns(tx: AsyncConnection, user_key: int) -> None:
    """Wait for whatever else a user is asking for: it may have the same idempotency key."""
    user = select(col(User.id)).where(col(User.id) == user_key)
    await tx.execute(user.with_for_update(key_share=True))


async def _earlier(tx: AsyncConnection, context: Context, key: str | None) -> Row | None:
    if key is None:
        return None
    return await _one(
        tx,
        _LAYOUT.columns["requested_by_key"] == context.actor.user_key,
        _LAYOUT.columns["idempotency_key"] == key,
    )


async def _one(tx: AsyncConnection, *where: ColumnElement[bool]) -> Row | None:
    values = (await tx.execute(select(*_LAYOUT.selected).where(*where))).one_or_none()
    return None if values is None else _LAYOUT.row(values)
