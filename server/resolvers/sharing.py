"""Sharing experiments, taking back what is shared, and giving experiments to another owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.errors import BadUserInput, NotFound
from server.global_ids import global_id, type_and_key
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.collaborators import Collaborator
from server.records.experiments import Experiment
from server.records.exports import Anonymization
from server.records.groups import UserGroup
from server.resolvers.accounts import account
from server.resolvers.context import Context
from server.resolvers.lookups import nodes
from server.resolvers.managed import EXPERIMENT, managed
from server.resolvers.own_questions import findable
from server.resolvers.reasons import MANAGE
from server.rows import Row, layout_of
from server.timestamps import Timestamp, now

_GRANT, _GROUP = layout_of(Collaborator), layout_of(UserGroup)


@dataclass(frozen=True, slots=True)
class Sharing:
    """What of an experiment is to be shared, with an account or a group."""

    user_id: str | None
    group_id: str | None
    can_export: bool
    data_types: Sequence[RecordType] | None
    anonymization: Anonymization
    expires_at: Timestamp | None


async def grant(context: Context, experiment_id: str, sharing: Sharing) -> Row:
    """Share an experiment, or change what is shared with the same account or group."""
    context.actor.require(MANAGE)
    _check(sharing)
    types = sharing.data_types
    granted: dict[str, Any] = {
        "can_export": sharing.can_export,
        "anonymization": sharing.anonymization,
        "data_types": None if types is None else [e.name for e in RecordType if e in types],
        "expires_at": sharing.expires_at,
        "granted_by_key": context.actor.user_key,
    }
    experiment_id = await findable(context, experiment_id)
    async with context.db.write() as tx:
        experiment = await _managed(tx, context, experiment_id)
        to = await _grantee(tx, context, sharing, experiment)
        row = await _put(tx, {"experiment_key": experiment.key, **to}, granted)
        await context.note(
            tx,
            AuditAction.GRANT,
            experiment_keys=[experiment.key],
            resource=sharing.user_id or sharing.group_id,
        )
    return row


async def revoke(context: Context, grant_id: str) -> None:
    """Take back what is shared; NotFound to all who do not manage the experiment."""
    context.actor.require(MANAGE)
    type_name, key = type_and_key(grant_id) or ("", 0)
    if type_name == _GRANT.type_name:
        columns = _GRANT.columns
        async with context.db.write() as tx:
            gone = await tx.execute(
                delete(Collaborator)
                .where(columns["key"] == key, context.actor.owns(_GRANT))
                .returning(columns["experiment_key"])
            )
            if (experiment_key := gone.scalar_one_or_none()) is not None:
                await context.note(
                    tx, AuditAction.REVOKE, experiment_keys=[experiment_key], resource=grant_id
                )
                return
    raise NotFound(
        "There is no such grant: look among the `collaborators` of your experiment.", ["id"]
    )


async def transfer(
    context: Context, experiment_id: str, user_id: str, *, keep_access: bool
) -> Row | None:
    """Give an experiment to another owner; return it if the actor still sees it."""
    context.actor.require(MANAGE)
    experiment_id = await findable(context, experiment_id)
    async with context.db.write() as tx:
        experiment = await _managed(tx, context, experiment_id)
        before: int = experiment.owner_key
        owner = await account(tx, user_id, ["userId"], besides=before)
        place = {"experiment_key": experiment.key}
        await tx.execute(
            update(Experiment).where(col(Experiment.id) == experiment.key).values(owner_key=owner)
        )
        await tx.execute(
            delete(Collaborator).where(
                col(Collaborator.experiment_key) == experiment.key,
                col(Collaborator.user_key).in_([before, owner]),
            )
        )
        if keep_access:
            everything = {
                "can_export": True,
                "anonymization": Anonymization.KEEP,
                "granted_by_key": context.actor.user_key,
            }
            await _put(tx, {**place, "user_key": before}, everything)
        await context.note(
            tx, AuditAction.TRANSFER, experiment_keys=[experiment.key], resource=user_id
        )
    [shown] = await nodes(context, [global_id("Experiment", experiment.key)])
    return shown


def _check(sharing: Sharing) -> None:
    if (sharing.user_id is None) == (sharing.group_id is None):
        raise BadUserInput("Name either `userId` or `groupId`.", ["input"])
    if sharing.data_types is not None and not sharing.data_types:
        raise BadUserInput("Name a data type, or leave `dataTypes` out.", ["input", "dataTypes"])
    if sharing.expires_at is not None and sharing.expires_at <= now():
        raise BadUserInput(
            "That moment is over: name one to come, or leave `expiresAt` out.",
            ["input", "expiresAt"],
        )


async def _managed(tx: AsyncConnection, context: Context, experiment_id: str) -> Row:
    this = EXPERIMENT.columns["experiment_id"] == experiment_id
    return await managed(tx, context.actor, this, ["experimentId"])


async def _grantee(
    tx: AsyncConnection, context: Context, sharing: Sharing, experiment: Row
) -> dict[str, int | None]:
    """Return to whom something is granted; NotFound if the actor cannot grant it to them."""
    if sharing.user_id is not None:
        field = ["input", "userId"]
        user_key = await account(tx, sharing.user_id, field, besides=experiment.owner_key)
        return {"user_key": user_key, "group_key": None}
    columns = _GROUP.columns
    theirs = columns["group_id"] == sharing.group_id, context.actor.sees_groups(_GROUP)
    group = select(columns["key"]).where(*theirs).with_for_update(read=True, key_share=True)
    if (group_key := await tx.scalar(group)) is None:
        raise NotFound(
            "There is no such group: look among `userGroups` for those that you own or are in.",
            ["input", "groupId"],
        )
    return {"user_key": None, "group_key": group_key}


async def _put(tx: AsyncConnection, to: dict[str, Any], granted: dict[str, Any]) -> Row:
    """Store a grant in the place of the one before; whoever calls holds the experiment."""
    this = [_GRANT.columns[name] == key for name, key in to.items() if key is not None]
    changed = update(Collaborator).where(*this).values(**granted).returning(*_GRANT.selected)
    values = (await tx.execute(changed)).one_or_none()
    if values is None:
        added = insert(Collaborator).values(**to, **granted, created_at=now())
        values = (await tx.execute(added.returning(*_GRANT.selected))).one()
    return _GRANT.row(values)
