"""Who asked for something that is done later: with the rights that they have by then."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.errors import Forbidden
from server.grants import is_narrowed
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.exports import Anonymization, ExportedExperiment
from server.records.users import User, UserRole
from server.rows import layout_of

_ACCOUNT: tuple[Any, ...] = (
    col(User.user_id),
    col(User.role),
    col(User.participant_id),
    is_narrowed(col(User.id)),
    col(User.disabled_at),
)


async def requester(
    tx: AsyncConnection,
    user_key: int,
    scopes: Iterable[str] = ("*",),
    experiment_keys: Iterable[int] | None = None,
) -> Actor:
    """Return an account as an actor, narrowed as the key was that it used then.

    Forbidden if the account has been closed.
    """
    found = await tx.execute(select(*_ACCOUNT).where(col(User.id) == user_key))
    user_id, role, participant_id, narrowed, disabled_at = tuple(found.one())
    if disabled_at is not None:
        raise Forbidden("The account that asked for this is closed.")
    return Actor(
        user_key=user_key,
        role=UserRole(role),
        participant_id=participant_id,
        scopes=frozenset(scopes),
        experiment_keys=None if experiment_keys is None else frozenset(experiment_keys),
        narrowed=narrowed,
        user_id=user_id,
    )


async def may_still_export(tx: AsyncConnection, export: Row[Any]) -> bool:
    """Say whether who asked for an export may still export what it draws on."""
    try:
        actor = await requester(tx, export.requested_by_key)
    except Forbidden:
        return False
    return await may_have(tx, actor, export)


async def may_have(tx: AsyncConnection, actor: Actor, export: Row[Any]) -> bool:
    """Say whether an actor may export what an export draws on, in files of its level."""
    layout = layout_of(Experiment)
    types = [RecordType[name] for name in export.recipe.get("data_types", ())]
    allowed = actor.may_export(layout, types, Anonymization(export.anonymization))
    beyond = select(col(ExportedExperiment.experiment_key)).where(
        col(ExportedExperiment.export_key) == export.id,
        col(ExportedExperiment.experiment_key).not_in(select(layout.columns["key"]).where(allowed)),
    )
    return (await tx.execute(beyond.limit(1))).first() is None
