"""Finding experiments, rooms, participants and records, and the lists that lead to them."""

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlmodel import col

from server.cursors import PageRequest, check_cursors
from server.errors import BadUserInput
from server.global_ids import type_and_key
from server.paging import Page, one_page
from server.records import RecordType
from server.records.experiments import EXPERIMENTS, Experiment
from server.records.exports import EXPORTS, Export
from server.records.filters import Filter
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS, Participant
from server.records.rooms import ROOMS, Room
from server.records.users import User
from server.resolvers.context import Context
from server.resolvers.loaders import (
    ByKey,
    CountKey,
    Counts,
    Exportable,
    PageKey,
    Pages,
    Summaries,
    Summary,
)
from server.rows import Layout, Row, layout_of

MOST_NODES = 100
"""How many nodes may be asked for at once."""

NODES: Mapping[str, Listed] = {
    listed.model.__name__: listed
    for listed in (EXPERIMENTS, ROOMS, PARTICIPANTS, EXPORTS, *(t.value for t in RecordType))
}
"""What can be looked up by global id, by the name of its type."""


async def root_page(context: Context, listed: Listed, request: PageRequest, kept: Filter) -> Page:
    """Return a page of all the rows of a table that the actor may see."""
    context.actor.require(listed.scope, *kept.scopes())
    layout = layout_of(listed.model)
    where = [seen(context, layout), *kept.clauses(layout.columns)]
    async with context.db.read() as tx:
        return await one_page(tx, layout, request, where)


async def root_count(context: Context, listed: Listed, kept: Filter) -> int:
    """Count all the rows of a table that the actor may see."""
    context.actor.require(listed.scope, *kept.scopes())
    layout = layout_of(listed.model)
    statement = (
        select(func.count())
        .select_from(listed.model)
        .where(seen(context, layout), *kept.clauses(layout.columns))
    )
    async with context.db.read() as tx:
        return (await tx.execute(statement)).scalar_one()


async def page_within(
    context: Context, listed: Listed, parent: Row, request: PageRequest, kept: Filter
) -> Page:
    """Return a page of the rows that belong to a row."""
    context.actor.require(listed.scope, *kept.scopes())
    check_cursors(request, parent.key)
    pages = context.loaders.get(Pages, listed.model, f"{parent.layout.level}_key")
    page: Page = await pages.load(PageKey(parent.key, request, kept))
    return page


async def count_within(context: Context, listed: Listed, parent: Row, kept: Filter) -> int:
    """Count the rows that belong to a row."""
    context.actor.require(listed.scope, *kept.scopes())
    counts = context.loaders.get(Counts, listed.model, f"{parent.layout.level}_key")
    count: int = await counts.load(CountKey(parent.key, kept))
    return count


async def summaries(
    context: Context, parent: Row, types: Sequence[RecordType]
) -> list[tuple[RecordType, Summary]]:
    """Summarise the records of some types that belong to a row."""
    context.actor.require(*(t.value.scope for t in types))
    loaders = [
        context.loaders.get(Summaries, t.value.model, f"{parent.layout.level}_key") for t in types
    ]
    found = await asyncio.gather(*(loader.load(parent.key) for loader in loaders))
    return list(zip(types, found, strict=True))


async def belongs_to(context: Context, child: Row, model: type[Experiment | Room | User]) -> Row:
    """Return what a row belongs to: its experiment, its room, or the user who owns it."""
    if model is not User:
        context.actor.require(EXPERIMENTS.scope)
    key = {User: "owner_key", Experiment: "experiment_key", Room: "room_key"}[model]
    found = await context.loaders.get(ByKey, model, "key").load(getattr(child, key))
    assert found is not None  # foreign keys hold, and a parent is seen wherever its child is
    row: Row = found
    return row


async def may_export(context: Context, experiment: Row) -> bool:
    """Say whether the actor may take an experiment's data away."""
    if not context.actor.may("export:data"):
        return False
    exportable = context.loaders.get(Exportable, Experiment, "key")
    may: bool = await exportable.load(experiment.key)
    return may


async def user(context: Context, key: int) -> Row:
    """Return an account."""
    found = await context.loaders.get(ByKey, User, "key").load(key)
    assert found is not None
    row: Row = found
    return row


async def experiment(context: Context, experiment_id: str) -> Row | None:
    """Look an experiment up by its public id."""
    return await _one(context, EXPERIMENTS, col(Experiment.experiment_id) == experiment_id)


async def room(context: Context, room_id: str) -> Row | None:
    """Look a room up by its public id."""
    return await _one(context, ROOMS, col(Room.room_id) == room_id)


async def participant(context: Context, room_id: str, participant_id: str) -> Row | None:
    """Look a participant up by the public ids of the room and the person."""
    rooms = select(col(Room.id)).where(col(Room.room_id) == room_id)
    return await _one(
        context,
        PARTICIPANTS,
        col(Participant.participant_id) == participant_id,
        col(Participant.room_key).in_(rooms),
    )


async def nodes(context: Context, ids: Sequence[str]) -> list[Row | None]:
    """Look rows up by global ids; None for each that is not one, or may not be seen."""
    if len(ids) > MOST_NODES:
        raise BadUserInput(f"Ask for at most {MOST_NODES} nodes at once.", ["ids"])
    wanted = [type_and_key(id_) for id_ in ids]
    found: dict[tuple[str, int], Row] = {}
    for type_name in {known[0] for known in wanted if known}:
        listed = NODES.get(type_name)
        if listed is None or not context.actor.may(listed.scope):
            continue
        layout = layout_of(listed.model)
        keys = [known[1] for known in wanted if known and known[0] == type_name]
        statement = select(*layout.selected).where(
            layout.columns["key"].in_(keys), seen(context, layout)
        )
        async with context.db.read() as tx:
            rows = [layout.row(values) for values in await tx.execute(statement)]
        found |= {(type_name, row.key): row for row in rows}
    return [found.get(known) if known else None for known in wanted]


def seen(context: Context, layout: Layout) -> ColumnElement[bool]:
    """Return the clause that keeps what the actor may see: of exports, their own."""
    if layout.model is Export:
        return context.actor.sees_exports(layout)
    return context.actor.sees(layout)


async def _one(context: Context, listed: Listed, *where: ColumnElement[bool]) -> Row | None:
    context.actor.require(listed.scope)
    layout = layout_of(listed.model)
    statement = select(*layout.selected).where(*where, context.actor.sees(layout))
    async with context.db.read() as tx:
        values = (await tx.execute(statement)).one_or_none()
    return None if values is None else layout.row(values)
