"""API keys: shown once when issued, kept only as a hash."""

import secrets
import string
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from zlib import crc32

from sqlalchemy import bindparam, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.db import Database
from server.errors import Unauthenticated
from server.grants import is_narrowed
from server.records.api_keys import ApiKey
from server.records.users import User, UserRole
from server.rows import Layout, readers_of
from server.statements import Statement
from server.timestamps import Timestamp, now

PREFIX = "hst_live_"
_ALPHABET = string.ascii_letters + string.digits
_RANDOM, _CHECKSUM = 40, 6
_HOLDER: Mapping[str, Any] = {
    "user_key": col(User.id),
    "user_id": col(User.user_id),
    "prefix": col(ApiKey.prefix),
    "role": col(User.role),
    "participant_id": col(User.participant_id),
    "scopes": col(ApiKey.scopes),
    "experiment_keys": col(ApiKey.experiment_keys),
    "narrowed": is_narrowed(col(User.id)),
}
_LAYOUTS = {
    False: Layout("Holder", list(_HOLDER)),
    True: Layout("Holder", list(_HOLDER), readers=readers_of(_HOLDER.values())),
}


async def issue(
    tx: AsyncConnection,
    user_key: int,
    name: str,
    scopes: Sequence[str] = ("*",),
    expires_at: Timestamp | None = None,
) -> str:
    """Store a new key of a user and return it: the only time that anyone can read it."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    secret = f"{PREFIX}{random}{_checksum(random)}"
    await tx.execute(
        insert(ApiKey).values(
            hash=_hash(secret),
            user_key=user_key,
            name=name,
            prefix=secret[: len(PREFIX) + 4],
            scopes=list(scopes),
            created_at=now(),
            expires_at=expires_at,
        )
    )
    return secret


async def actor_with(db: Database, secret: str | None) -> Actor:
    """Return the holder of a key; Unauthenticated if it is none of ours, expired or revoked."""
    if not secret:
        raise Unauthenticated(
            "Send an API key: header `X-API-Key: hst_live_…` or `Authorization: Bearer hst_live_…`."
        )
    if not _is_well_formed(secret):  # a mistyped key costs no look-up
        raise Unauthenticated("That is not an API key of ours: check that all of it is there.")
    prepared = db.prepare(_holder, _holder)
    found = await db.fetch(prepared, {"hash": _hash(secret), "now": now()})
    if not found:
        raise Unauthenticated("That API key is unknown, expired or revoked: use another one.")
    holder = _LAYOUTS[db.raw].row(found[0])
    return Actor(
        user_key=holder.user_key,
        role=UserRole(holder.role),
        participant_id=holder.participant_id,
        scopes=frozenset(holder.scopes),
        experiment_keys=None if (keys := holder.experiment_keys) is None else frozenset(keys),
        narrowed=bool(holder.narrowed),
        user_id=holder.user_id,
        api_key=holder.prefix,
    )


def _holder() -> Statement:
    return (
        select(*_HOLDER.values())
        .join(User, col(User.id) == col(ApiKey.user_key))
        .where(
            col(ApiKey.hash) == bindparam("hash"),
            col(ApiKey.revoked_at).is_(None),
            col(User.disabled_at).is_(None),
            or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > bindparam("now")),
        )
    )


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()  # 238 random bits need no salt


def _checksum(random: str) -> str:
    """Return what makes a leaked or mistyped key recognisable without asking the database."""
    left, digits = crc32(random.encode()), ""
    for _ in range(_CHECKSUM):
        left, digit = divmod(left, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return digits


def _is_well_formed(secret: str) -> bool:
    random = secret.removeprefix(PREFIX)[:_RANDOM]
    return secret.isascii() and secret == f"{PREFIX}{random}{_checksum(random)}"


async def kept_of(tx: AsyncConnection, secret: str) -> tuple[int, str]:
    """Return what is kept of a key that is known to be ours: its row's key, and how it begins."""
    kept = select(col(ApiKey.id), col(ApiKey.prefix)).where(col(ApiKey.hash) == _hash(secret))
    key, prefix = (await tx.execute(kept)).one()
    assert key is not None
    return key, prefix
