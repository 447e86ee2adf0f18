"""Groups of accounts: who is in them, and changing that."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.batches import Wanted
from server.errors import BadUserInput, Forbidden, NotFound
from server.global_ids import type_and_key
from server.key_lists import among, keys
from server.paging import PARENT, PARENTS, by_parent
from server.records.audit import AuditAction
from server.records.collaborators import Collaborator
from server.records.groups import GroupMember, UserGroup
from server.records.users import User, UserRole
from server.resolvers.accounts import accounts
from server.resolvers.context import Context
from server.resolvers.names import named
from server.resolvers.reasons import MANAGE
from server.rows import Row, Rows, keys_of, layout_of
from server.statements import Statement
from server.timestamps import now

MOST_MEMBERS = 1000
"""How many accounts a group may hold."""

_GROUP = layout_of(UserGroup)


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in each of some groups, in the order of their names."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Rows]:
        layout = layout_of(User, wanted, raw=context.db.raw)
        group = col(GroupMember.group_key)

        def statement() -> Statement:
            return (
                select(*layout.selected, group.label(PARENT))
                .join(GroupMember, col(GroupMember.user_key) == col(User.id))
                .where(among(group, keys(PARENTS)))
                .order_by(col(User.name), col(User.id))
            )

        prepared = context.db.prepare(("members", layout), statement)
        groups = keys_of(sources)
        rows = await context.db.fetch(prepared, {PARENTS: list(dict.fromkeys(groups))})
        found = by_parent(rows, groups)
        return [Rows(layout, found[group]) for group in groups]


async def create(context: Context, name: str, member_ids: Sequence[str]) -> Row:
    """Make a group of the actor's."""
    _may_have_groups(context.actor)
    kept = named(name, "group", ["input", "name"])
    async with context.db.write() as tx:
        added = insert(UserGroup).values(
            group_id=f"grp_{secrets.token_hex(8)}",
            name=kept,
            created_at=now(),
            owner_key=context.actor.user_key,
        )
        values = (await tx.execute(added.returning(*_GROUP.selected))).one()
        group = _GROUP.row(values)
        await _let_be_members(tx, group.key, member_ids)
        await _note(tx, context, group, [])
    return group


async def change(
    context: Context, group_id: str, name: str | None, member_ids: Sequence[str] | None
) -> Row:
    """Call a group something else, or say anew who is in it."""
    _may_have_groups(context.actor)
    kept = None if name is None else named(name, "group", ["input", "name"])
    async with context.db.write() as tx:
        group = await _owned(tx, context.actor, group_id)
        if kept is not None:
            changed = update(UserGroup).where(col(UserGroup.id) == group.key).values(name=kept)
            values = (await tx.execute(changed.returning(*_GROUP.selected))).one()
            group = _GROUP.row(values)
        if member_ids is not None:
            await _let_be_members(tx, group.key, member_ids)
        await _note(tx, context, group, await _shared_with(tx, group))
    return group


async def remove(context: Context, group_id: str) -> None:
    """Delete a group, and with it what is shared with it."""
    _may_have_groups(context.actor)
    async with context.db.write() as tx:
        group = await _owned(tx, context.actor, group_id)
        shared = await _shared_with(tx, group)
        await tx.execute(delete(UserGroup).where(col(UserGroup.id) == group.key))
        await _note(tx, context, group, shared)


def _may_have_groups(actor: Actor) -> None:
    actor.require(MANAGE)
    if actor.role is UserRole.PARTICIPANT:
        raise Forbidden("Groups are for researchers and administrators.")
    if actor.experiment_keys is not None:
        raise Forbidden(
            "This API key is bound to experiments, and a group may be for any: use another key."
        )


async def _owned(tx: AsyncConnection, actor: Actor, group_id: str) -> Row:
    """Return a group of the actor's own, and let nobody else change it meanwhile."""
    type_name, key = type_and_key(group_id) or ("", 0)
    this = _GROUP.columns["key"] == (key if type_name == _GROUP.type_name else 0)
    asked = select(*_GROUP.selected, actor.owns_groups(_GROUP))
    seen = asked.where(this, actor.sees_groups(_GROUP)).with_for_update()
    found = (await tx.execute(seen)).one_or_none()
    if found is None:
        raise NotFound("There is no such group: look among `userGroups`.", ["id"])
    *values, owned = tuple(found)
    if not owned:
        raise Forbidden("Only its owner and administrators may change a group: ask them.", ["id"])
    return _GROUP.row(values)


async def _let_be_members(tx: AsyncConnection, group_key: int, user_ids: Collection[str]) -> None:
    """Say who is in a group, whoever was in it before; those may be closed accounts by now."""
    field = ["input", "memberIds"]
    if len(set(user_ids)) > MOST_MEMBERS:
        raise BadUserInput(f"A group may hold at most {MOST_MEMBERS:,} accounts.", field)
    group, user = col(GroupMember.group_key), col(GroupMember.user_key)
    before = set(await tx.scalars(select(user).where(group == group_key)))
    members = await accounts(tx, user_ids, field, members=before)
    gone = among(user, sorted(before - members))
    await tx.execute(delete(GroupMember).where(group == group_key, gone))
    if new := [{"group_key": group_key, "user_key": key} for key in sorted(members - before)]:
        await tx.execute(insert(GroupMember), new)


async def _shared_with(tx: AsyncConnection, group: Row) -> Sequence[int]:
    """Return the keys of the experiments that are shared with a group."""
    grants = select(col(Collaborator.experiment_key))
    return (await tx.scalars(grants.where(col(Collaborator.group_key) == group.key))).all()


async def _note(tx: AsyncConnection, context: Context, group: Row, shared: Sequence[int]) -> None:
    """Note a change, last of all: whoever adds to the audit log must wait for nobody.

    For those who shared an experiment with the group, too.
    """
    await context.note(
        tx, AuditAction.GROUP_CHANGE, experiment_keys=shared, resource=group.group_id
    )
