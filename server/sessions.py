"""Sessions of browsers: who is signed in, by a secret of which only the hash is kept."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.api_keys import ACTOR, actor_in
from server.db import Database
from server.errors import Unauthenticated
from server.records.api_keys import ApiKey
from server.records.sessions import BrowserSession
from server.records.users import User
from server.rows import Layout, readers_of
from server.statements import Statement
from server.timestamps import Timestamp, now

_SHOWN: Mapping[str, Any] = {
    **ACTOR,
    "name": col(User.name),
    "expires_at": col(BrowserSession.expires_at),
}
_LAYOUTS = {
    False: Layout("Session", list(_SHOWN)),
    True: Layout("Session", list(_SHOWN), readers=readers_of(_SHOWN.values())),
}


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, and until when."""

    actor: Actor
    user_id: str
    name: str
    expires_at: Timestamp


async def begin(
    tx: AsyncConnection, user_key: int, seconds: int, api_key_key: int | None = None
) -> str:
    """Store a new session of a user and return its secret: nobody can read it again.

    One that is begun with an API key ends with that key, and may do no more than it.
    """
    secret = secrets.token_urlsafe(32)
    at = now()
    over = col(BrowserSession.expires_at) < at
    await tx.execute(delete(BrowserSession).where(col(BrowserSession.user_key) == user_key, over))
    await tx.execute(
        insert(BrowserSession).values(
            hash=hash_of(secret),
            user_key=user_key,
            api_key_key=api_key_key,
            created_at=at,
            expires_at=at + 1000 * seconds,
        )
    )
    return secret


async def end(tx: AsyncConnection, secret: str) -> None:
    """End a session, in every process, from the next time that anyone asks."""
    session = update(BrowserSession).where(col(BrowserSession.hash) == hash_of(secret))
    await tx.execute(
        session.where(col(BrowserSession.revoked_at).is_(None)).values(revoked_at=now())
    )


async def session_with(db: Database, secret: str) -> Session:
    """Return the session that a secret is of; Unauthenticated if it is over, or none of ours."""
    prepared = db.prepare(_valid, _valid)
    found = await db.fetch(prepared, {"hash": hash_of(secret), "now": now()})
    if not found:
        raise Unauthenticated("You are signed out here: sign in again at /auth/sign-in.")
    row = _LAYOUTS[db.raw].row(found[0])
    return Session(actor_in(row), row.user_id, row.name, row.expires_at)


def _valid() -> Statement:
    at: BindParameter[int] = bindparam("now")
    key_holds = and_(
        col(ApiKey.id).is_not(None),
        col(ApiKey.revoked_at).is_(None),
        or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > at),
    )
    return (
        select(*_SHOWN.values())
        .select_from(BrowserSession)
        .join(User, col(User.id) == col(BrowserSession.user_key))
        .outerjoin(ApiKey, col(ApiKey.id) == col(BrowserSession.api_key_key))
        .where(
            col(BrowserSession.hash) == bindparam("hash"),
            col(BrowserSession.revoked_at).is_(None),
            col(BrowserSession.expires_at) > at,
            col(User.disabled_at).is_(None),
            or_(col(BrowserSession.api_key_key).is_(None), key_holds),
        )
    )


def hash_of(secret: str) -> str:
    """Return what is kept of a secret: it is random, and long enough to need no salt."""
    return sha256(secret.encode()).hexdigest()
