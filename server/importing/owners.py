"""Whose the experiments of an import will be."""

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.errors import BadUserInput, NotFound
from server.records.experiments import Experiment
from server.records.users import User, UserRole
from server.timestamps import now

_FIRST = "usr_owner"
_ALL = frozenset({"*"})


async def owner_key(tx: AsyncConnection, user_id: str | None) -> int:
    """Return the key of an account, by default the only researcher's.

    Where there is no account at all, it is made: a database may begin with an import.
    """
    if await tx.scalar(select(col(User.id)).limit(1)) is None:
        return await _made(tx, user_id or _FIRST)
    if user_id is not None:
        named = select(col(User.id)).where(col(User.user_id) == user_id)
        if (key := await tx.scalar(named)) is None:
            raise NotFound(f"There is no account {user_id!r}: give the id of one, `usr_…`.")
        return key
    researchers = select(col(User.id)).where(col(User.role) == UserRole.RESEARCHER.value)
    keys = (await tx.scalars(researchers.limit(2))).all()
    if len(keys) != 1 or keys[0] is None:
        raise BadUserInput("Say whose it will be: `--owner`, with the id of an account, `usr_…`.")
    return keys[0]


async def acting(tx: AsyncConnection, user_id: str | None, into: str | None) -> Actor:
    """Return the account that an import acts for: by default, whose the experiment is."""
    if user_id is None and into is not None:
        owned = select(col(User.user_id)).join(
            Experiment, col(Experiment.owner_key) == col(User.id)
        )
        user_id = await tx.scalar(owned.where(col(Experiment.experiment_id) == into))
    key = await owner_key(tx, user_id)
    named = select(col(User.user_id), col(User.role)).where(col(User.id) == key)
    name, role = (await tx.execute(named)).one()
    if UserRole(role) is UserRole.PARTICIPANT:
        raise BadUserInput(f"{name} is a participant's account, which owns no experiment.")
    return Actor(user_key=key, role=UserRole(role), participant_id=None, scopes=_ALL, user_id=name)


async def _made(tx: AsyncConnection, user_id: str) -> int:
    values = {
        "user_id": user_id,
        "name": user_id,
        "role": UserRole.RESEARCHER.value,
        "created_at": now(),
    }
    added = insert(User).values(values).returning(col(User.id))
    key: int | None = await tx.scalar(added)
    assert key is not None
    return key
