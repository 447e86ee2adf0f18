"""Links that sign an account in, once: made on the server's own machine, kept as hashes."""

import secrets

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.records.sessions import SignInLink
from server.sessions import hash_of
from server.timestamps import now

SECONDS = 300
"""How long a link works."""

PATH = "/auth/link"


async def make_link(tx: AsyncConnection, user_key: int) -> str:
    """Store a new link of an account and return its path: nobody can read it again."""
    token = secrets.token_urlsafe(32)
    at = now()
    over = col(SignInLink.expires_at) < at
    await tx.execute(delete(SignInLink).where(col(SignInLink.user_key) == user_key, over))
    await tx.execute(
        insert(SignInLink).values(
            hash=hash_of(token), user_key=user_key, expires_at=at + 1000 * SECONDS
        )
    )
    return f"{PATH}?token={token}"


async def is_unused(tx: AsyncConnection, token: str) -> bool:
    """Say whether a link would sign somebody in now."""
    found = await tx.scalar(select(col(SignInLink.id)).where(*_works(token)))
    return found is not None


async def use(tx: AsyncConnection, token: str) -> int | None:
    """Return the account that a link signs in, and use it up; None if it does not work."""
    used = update(SignInLink).where(*_works(token)).values(used_at=now())
    key: int | None = await tx.scalar(used.returning(col(SignInLink.user_key)))
    return key


def _works(token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(SignInLink.hash) == hash_of(token),
        col(SignInLink.used_at).is_(None),
        col(SignInLink.expires_at) > now(),
    )
