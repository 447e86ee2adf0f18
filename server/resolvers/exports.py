"""Asking for exports, watching them, and what can be done with them later."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection
from dataclasses import replace

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.errors import AlreadyFinished, Archived, Forbidden, NotFinished, NotFound
from server.export.leases import request_cancel
from server.export.pseudonyms import assign_pseudonyms
from server.export.recipe import Recipe
from server.export.retries import remove, try_again
from server.export.seals import is_package
from server.global_ids import type_and_key
from server.logs import whereabouts
from server.records import RecordType
from server.records.exports import ExportStatus
from server.resolvers.context import RECHECK_SECONDS, Context
from server.resolvers.exportable import selected
from server.resolvers.queueing import LAYOUT, note, one, queue
from server.resolvers.requesters import requester
from server.resolvers.selections import Wanted
from server.rows import Row

log = logging.getLogger(__name__)


_ATTEMPTS = 3
"""How often an export is put into the queue, if another transaction comes in between."""


async def create(context: Context, wanted: Wanted) -> Row:
    """Queue an export, or return the one that was asked for before; see `queue`."""
    wanted = replace(wanted, smallest_cell=context.services.smallest_cell)
    gone: set[int] = set()
    while True:
        export = await _queued(context, wanted, gone)
        if wanted.idempotency_key is not None or await _is_of_use(context, export):
            break
        gone.add(export.key)
    context.services.exporter.wake()  # only once the row is committed
    return export


async def _queued(context: Context, wanted: Wanted, gone: Collection[int]) -> Row:
    for attempt in range(_ATTEMPTS):
        try:
            async with context.db.write() as tx:
                return await queue(tx, context.actor, wanted, context.origin, besides=gone)
        except IntegrityError:  # at once with another, who used the same key or gave a code
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


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


async def retry(context: Context, export_id: str) -> Row:
    """Queue an export again, the same one: its recipe and its snapshot stay what they were.

    NotFinished while it is still going on, AlreadyFinished if its file is ready; Forbidden if
    the actor, or who asked for it, may not export what it holds any more.
    """
    export = await find(context, export_id)
    recipe = Recipe.model_validate(export.recipe)
    async with context.db.write() as tx:
        for actor in (context.actor, await requester(tx, export.requested_by_key)):
            await _require(tx, actor, recipe)
        if not await try_again(tx, export.key):
            raise _not_again(await one(tx, LAYOUT.columns["key"] == export.key))
        await assign_pseudonyms(tx, recipe)
        await note(tx, context.origin, export)
    context.services.exporter.wake()
    context.services.hub.nudge(export.key)
    return await find(context, export_id)


async def delete(context: Context, export_id: str) -> str:
    """Delete an export and its file, whatever state it is in; return the id that it had."""
    context.actor.require("export:data")
    export = await find(context, export_id)
    async with context.db.write() as tx:
        if await is_package(tx, export.key):
            raise Archived(
                "It is the package of an archived experiment: take that out of the archive first.",
                ["id"],
            )
        await remove(tx, export.key)
    context.services.hub.nudge(export.key)
    try:
        await context.services.storage.delete_prefix(f"exports/{export.key}")
    except Exception as error:
        log.error("A deleted export's file is left to the next sweep: %s", whereabouts(error))
    return export.id


async def find(context: Context, export_id: str) -> Row:
    """Return an export that the actor may see; NotFound if there is no such."""
    type_name, key = type_and_key(export_id) or ("", 0)
    if type_name == LAYOUT.type_name:
        visible = context.actor.sees_exports(LAYOUT)
        async with context.db.read() as tx:
            if found := await one(tx, LAYOUT.columns["key"] == key, visible):
                return found
    raise NotFound("There is no such export: look among `exports` for yours.", ["id"])


async def progress(context: Context, export_id: str) -> AsyncGenerator[Row]:
    """Yield the export as it stands, then each change, until it is final.

    NotFound as soon as the caller may not see it any more.
    """
    context.actor.require("export:data")
    export = await find(context, export_id)
    names = ["id" if name == "key" else name for name in LAYOUT.columns]
    loop = asyncio.get_running_loop()
    due = loop.time() + RECHECK_SECONDS
    with context.services.hub.follow(export.key) as states:
        while True:
            state, unsure = None, False
            try:
                async with context.services.rights.unchanged(context.actor.user_key, due):
                    if (state := await anext(states, None)) is None:
                        return
            except TimeoutError:
                unsure = True
            if unsure or loop.time() >= due:
                await find(context.renewed(), export_id)
                due = loop.time() + RECHECK_SECONDS
            if state is not None:
                yield LAYOUT.row([getattr(state, name) for name in names])


async def _is_of_use(context: Context, export: Row) -> bool:
    """Tell whether an export is going to have a file, or has one that can be downloaded."""
    if export.status != ExportStatus.COMPLETED:
        return True
    try:
        return await context.services.storage.size(export.storage_key) is not None
    except Exception as error:
        log.error("The store cannot be asked for a file: %s", whereabouts(error))
        return False


async def _require(tx: AsyncConnection, actor: Actor, recipe: Recipe) -> None:
    actor.require("export:data", *(RecordType[name].value.scope for name in recipe.data_types))
    try:
        await selected(tx, actor, recipe)
    except (NotFound, Forbidden) as failure:
        raise Forbidden(
            "Some of what this export holds is gone, or may not be exported any more: ask for a "
            "new export of the rest.",
            ["id"],
        ) from failure


def _not_again(export: Row | None) -> AlreadyFinished | NotFinished | NotFound:
    if export is None:
        return NotFound("The export has just been deleted: ask for a new one.", ["id"])
    if export.status == ExportStatus.COMPLETED:
        return AlreadyFinished("The export is complete: read `downloadUrl`.", ["id"])
    return NotFinished("The export is still going on: wait for it, or cancel it first.", ["id"])
