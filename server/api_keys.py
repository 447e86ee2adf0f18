"""API keys: shown once when issued, kept only as a hash."""

import secrets
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
from server.rows import Layout, Row, readers_of
from server.statements import Statement
from server.timestamps import Timestamp, now

PREFIX = "hst_live_"
_ALPHABET = string.ascii_letters + string.digits
_RANDOM, _CHECKSUM = 40, 6
ACTOR: Mapping[str, Any] = {
    "user_key": col(User.id),
    "user_id": col(User.user_id),
    "role": col(User.role),
    "participant_id": col(User.participant_id),
    "narrowed": is_narrowed(col(User.id)),
    "prefix": col(ApiKey.prefix),
    "scopes": col(ApiKey.scopes),
    "experiment_keys": col(ApiKey.experiment_keys),
    "ends_at": col(ApiKey.expires_at),
}
"""What is read of an account, and of the key in use, if there is one, to know who asks."""

_HOLDER: Mapping[str, Any] = {"key": col(ApiKey.id), **ACTOR}
_LAYOUTS = {
    False: Layout("Holder", list(_HOLDER)),
    True: Layout("Holder", list(_HOLDER), readers=readers_of(_HOLDER.values())),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an API key, and which one: its row."""

    actor: Actor
    key: int


async def issue(
    tx: AsyncConnection,
    user_key: int,
    name: str,
    scopes: Sequence[str] = ("*",),
    expires_at: Timestamp | None = None,
    *,
    description: str | None = None,
    experiment_keys: Collection[int] | None = None,
) -> str:
    """Store a new key of a user and return it: the only time that anyone can read it."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    secret = f"{PREFIX}{random}{_checksum(random)}"
    await tx.execute(
        insert(ApiKey).values(
            hash=hash_of(secret),
            user_key=user_key,
            name=name,
            description=description,
            prefix=secret[: len(PREFIX) + 4],
            scopes=list(scopes),
            experiment_keys=None if experiment_keys is None else sorted(experiment_keys),
            created_at=now(),
            expires_at=expires_at,
        )
    )
    return secret


async def holder_of(db: Database, secret: str) -> Holder:
    """Return the holder of a key; Unauthenticated if it is none of ours, expired or revoked."""
    if not _is_well_formed(secret):  # a mistyped key costs no look-up
        raise Unauthenticated("That is not an API key of ours: check that all of it is there.")
    prepared = db.prepare(_holder, _holder)
    found = await db.fetch(prepared, {"hash": hash_of(secret), "now": now()})
    if not found:
        raise Unauthenticated("That API key is unknown, expired or revoked: use another one.")
    holder = _LAYOUTS[db.raw].row(found[0])
    return Holder(actor_in(holder), holder.key)


def actor_in(row: Row) -> Actor:
    """Return the actor that a row tells of, by `ACTOR`: without a key, all is allowed to them."""
    scopes, experiment_keys = row.scopes, row.experiment_keys
    return Actor(
        user_key=row.user_key,
        role=UserRole(row.role),
        participant_id=row.participant_id,
        scopes=frozenset(("*",) if scopes is None else scopes),
        experiment_keys=None if experiment_keys is None else frozenset(experiment_keys),
        narrowed=bool(row.narrowed),
        ends_at=row.ends_at,
        user_id=row.user_id,
        api_key=row.prefix,
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


def hash_of(secret: str) -> str:
    """Return what is stored of a key."""
    return sha256(secret.encode(errors="replace")).hexdigest()  # 238 random bits need no salt


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
