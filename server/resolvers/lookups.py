"""Looking things up: by public id, by global id, and what something belongs to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, bindparam, select
from sqlmodel import col

from server.batches import Wanted
from server.db import Stored
from server.errors import BadUserInput
from server.global_ids import type_and_key
from server.key_lists import among, keys
from server.records import RecordType
from server.records.api_keys import API_KEYS
from server.records.audit import AUDIT_LOG
from server.records.collaborators import COLLABORATORS
from server.records.data_requests import DATA_REQUESTS
from server.records.erasures import ERASURES
from server.records.experiments import EXPERIMENTS, Experiment
from server.records.export_schedules import EXPORT_SCHEDULES
from server.records.exports import EXPORTS
from server.records.groups import USER_GROUPS
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS, Participant
from server.records.quarantine import QUARANTINE
from server.records.rooms import ROOMS, Room
from server.records.users import User
from server.records.webhooks import WEBHOOKS
from server.records.withdrawals import WITHDRAWALS
from server.resolvers.context import Context
from server.resolvers.kept import seen
from server.resolvers.own_questions import findable
from server.resolvers.reads import fetched, layout_to_read, tell
from server.rows import Row, TableLayout, keys_of, layout_of
from server.statements import Statement

MOST_NODES = 100
"""How many nodes may be asked for at once."""

NODES: Mapping[str, Listed] = {
    listed.model.__name__: listed
    for listed in (
        EXPERIMENTS,
        ROOMS,
        PARTICIPANTS,
        EXPORTS,
        EXPORT_SCHEDULES,
        COLLABORATORS,
        USER_GROUPS,
        AUDIT_LOG,
        API_KEYS,
        QUARANTINE,
        WITHDRAWALS,
        WEBHOOKS,
        DATA_REQUESTS,
        ERASURES,
        *(t.value for t in RecordType),
    )
}
"""What can be looked up by global id, by the name of its type."""

KEYS = "keys"


@dataclass(frozen=True, slots=True)
class ByPublicId:
    """The experiment, room or participant that bears some public ids."""

    listed: Listed
    ids: tuple[str, ...]

    async def load(
        self, context: Context, sources: Sequence[object], wanted: Wanted
    ) -> Sequence[Row | None]:
        actor, model = context.actor, self.listed.model
        actor.require(self.listed.scope)
        layout = layout_to_read(context, model, wanted, entry=True)

        def statement() -> Statement:
            return select(*actor.shown(layout)).where(*_named(layout), actor.sees(layout))

        prepared = context.db.prepare(("public id", layout, actor.kind), statement)
        ids = [await findable(context, id_) for id_ in self.ids]
        given = {f"public_id_{i}": id_ for i, id_ in enumerate(ids)}
        rows = await fetched(context, layout, prepared, {**given, **actor.parameters})
        tell(context, layout, rows, entry=True)
        return [layout.row(rows[0]) if rows else None] * len(sources)


@dataclass(frozen=True, slots=True)
class Parents:
    """What each source belongs to, such as its room, or the user who owns it; None for nothing."""

    model: type[Stored]
    key: str
    """The source's column of the parent's key."""

    scope: str | None = None

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Row | None]:
        if self.scope is not None:
            context.actor.require(self.scope)
        layout = layout_to_read(context, self.model, wanted)
        asked: list[int | None] = [*keys_of(sources, self.key)]
        some = [key for key in asked if key is not None]
        found = await _by_key(context, layout, some, within=True)
        return [None if key is None else found.get(key) for key in asked]


@dataclass(frozen=True, slots=True)
class Nodes:
    """Whatever has these global ids; None for each that is not one, or may not be seen."""

    ids: tuple[str, ...]

    async def load(
        self, context: Context, sources: Sequence[object], wanted: Wanted
    ) -> Sequence[list[Row | None]]:
        return [await nodes(context, self.ids, wanted)] * len(sources)


@dataclass(frozen=True, slots=True)
class Node:
    """Whatever has this global id."""

    id: str

    async def load(
        self, context: Context, sources: Sequence[object], wanted: Wanted
    ) -> Sequence[Row | None]:
        return await nodes(context, [self.id], wanted) * len(sources)


async def nodes(context: Context, ids: Sequence[str], wanted: Wanted = None) -> list[Row | None]:
    """Look rows up by global ids; None for each that is not one, or may not be seen."""
    if len(ids) > MOST_NODES:
        raise BadUserInput(f"Ask for at most {MOST_NODES} nodes at once.", ["ids"])
    known = [type_and_key(id_) for id_ in ids]
    keys_of = defaultdict[str, list[int]](list)
    for type_name, key in filter(None, known):
        keys_of[type_name].append(key)
    found: dict[tuple[str, int], Row] = {}
    for type_name, asked in keys_of.items():
        listed = NODES.get(type_name)
        if listed is not None and context.actor.may(listed.scope):
            layout = layout_to_read(context, listed.model, wanted, entry=True)
            rows = await _by_key(context, layout, asked, within=False)
            found |= {(type_name, key): row for key, row in rows.items()}
    return [found.get(each) if each else None for each in known]


async def user(context: Context, key: int) -> Row:
    """Return an account."""
    layout = layout_of(User, raw=context.db.raw)
    return (await _by_key(context, layout, [key], within=True))[key]


async def _by_key(
    context: Context, layout: TableLayout, asked: Sequence[int], *, within: bool
) -> dict[int, Row]:
    """Return the rows with some keys; `within` says that they are reached from a visible row."""
    actor = context.actor

    def statement() -> Statement:
        rights = actor.sees_within(layout) if within else seen(actor, layout)
        kept = among(layout.columns["key"], keys(KEYS))
        return select(*actor.shown(layout)).where(kept, rights)

    prepared = context.db.prepare(("by key", within, layout, actor.kind), statement)
    given = {KEYS: list(dict.fromkeys(asked)), **actor.parameters}
    found = await fetched(context, layout, prepared, given)
    tell(context, layout, found, entry=not within)
    rows = [layout.row(values) for values in found]
    return {row.key: row for row in rows}


def _named(layout: TableLayout) -> list[Any]:
    first, second = (bindparam(f"public_id_{i}", "", String()) for i in range(2))
    if layout.model is Experiment:
        return [col(Experiment.experiment_id) == first]
    if layout.model is Room:
        return [col(Room.room_id) == first]
    rooms = select(col(Room.id)).where(col(Room.room_id) == first)
    return [col(Participant.room_key).in_(rooms), col(Participant.participant_id) == second]
