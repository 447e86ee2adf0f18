"""Which account somebody signs in to."""

import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import take_turns
from server.records.sessions import Identity
from server.records.users import User, UserRole
from server.sign_in.refusals import SignInRefused
from server.timestamps import now

LOCK = 0x4F494443
"""The number of the lock under which an identity is given an account."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as a provider knows them; `email` only if it was verified."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is open."""

    key: int
    user_id: str


_NONE = "There is no account for you here."
_CLOSED = "This account is closed."


async def account_with(
    tx: AsyncConnection, clause: ColumnElement[bool], none: str = _NONE
) -> Account:
    """Return the one account for which a clause holds; SignInRefused if it is closed, or none."""
    columns = col(User.id), col(User.user_id), col(User.disabled_at)
    found = (await tx.execute(select(*columns).where(clause))).all()
    if len(found) != 1:
        raise SignInRefused(none)
    key, user_id, disabled_at = found[0]
    if disabled_at is not None:
        raise SignInRefused(_CLOSED)
    assert key is not None
    return Account(key, user_id)


async def account_of(tx: AsyncConnection, person: Person, *, create: bool) -> Account:
    """Return the account of whom a provider vouches for; SignInRefused if they have none.

    It is the one that they had before, else the one with their verified email, which no one else
    of that provider's has used, else a new one if `create` says so.
    """
    await take_turns(tx, LOCK)
    known = select(col(Identity.user_key)).where(
        col(Identity.issuer) == person.issuer, col(Identity.subject) == person.subject
    )
    if (key := await tx.scalar(known)) is not None:
        return await account_with(tx, col(User.id) == key)
    is_theirs = func.lower(col(User.email)) == (person.email or "").lower()
    if person.email and await tx.scalar(select(func.count()).where(is_theirs)):
        account = await account_with(tx, is_theirs)
        await _require_new(tx, account, person.issuer)
    elif create:
        account = await _made(tx, person)
    else:
        raise SignInRefused(_NONE)
    await tx.execute(
        insert(Identity).values(issuer=person.issuer, subject=person.subject, user_key=account.key)
    )
    return account


async def _require_new(tx: AsyncConnection, account: Account, issuer: str) -> None:
    """Refuse an account that another person of the provider's has: addresses are given anew."""
    taken = select(col(Identity.id)).where(
        col(Identity.user_key) == account.key, col(Identity.issuer) == issuer
    )
    if (await tx.execute(taken)).first() is not None:
        raise SignInRefused("The account with your e-mail address is somebody else's.")


async def _made(tx: AsyncConnection, person: Person) -> Account:
    user_id = f"usr_{secrets.token_hex(8)}"
    new = {
        "user_id": user_id,
        "name": person.name or person.email or user_id,
        "role": UserRole.RESEARCHER,
        "email": person.email,
        "created_at": now(),
    }
    await tx.execute(insert(User).values(**new))
    return await account_with(tx, col(User.user_id) == user_id)
