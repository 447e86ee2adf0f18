"""Accounts that can be given something: researchers', and open.

Others are refused in the words used for those that do not exist.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.errors import NotFound
from server.records.users import User, UserRole


async def account(
    tx: AsyncConnection, user_id: str, field: Sequence[str], *, besides: int | None = None
) -> int:
    """Return the key of an account, by its public id; NotFound for `besides`, too."""
    found = await _open(tx, [user_id])
    if (key := found.get(user_id)) is None or key == besides:
        raise NotFound(
            "There is no such account: name a researcher's that is open, and not the owner's.",
            field,
        )
    return key


async def accounts(
    tx: AsyncConnection,
    user_ids: Collection[str],
    field: Sequence[str],
    *,
    members: Collection[int] = (),
) -> set[int]:
    """Return the keys of several accounts; those of `members` may be closed by now."""
    found = await _open(tx, user_ids, members)
    if len(found) < len(set(user_ids)):
        raise NotFound("Not all of these are open accounts of researchers: check the ids.", field)
    return set(found.values())


async def _open(
    tx: AsyncConnection, user_ids: Collection[str], members: Collection[int] = ()
) -> dict[str, int]:
    researcher = col(User.role) == UserRole.RESEARCHER
    usable = researcher & col(User.disabled_at).is_(None) | col(User.id).in_(members)
    statement = select(col(User.user_id), col(User.id)).where(
        col(User.user_id).in_(list(user_ids)), usable
    )
    return {user_id: key for user_id, key in await tx.execute(statement) if key is not None}
