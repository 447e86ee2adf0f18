"""Adding to the audit log: each entry's hash is made of its content and of the one before."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.column_types import dump_json
from server.db import take_turns
from server.records.audit import AuditAction, AuditEntry
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.records.users import User, UserRole
from server.timestamps import now

LOCK = 0x41554449
"""The number of the lock under which entries are added: each must know the one before."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, from where, by what and why; None for what is not known."""

    actor_id: str | None = None
    api_key: str | None = None
    address: str | None = None
    user_agent: str | None = None
    reason: str | None = None


async def add(
    tx: AsyncConnection,
    origin: Origin,
    action: AuditAction,
    *,
    allowed: bool = True,
    experiment_keys: Sequence[int] = (),
    resource: str | None = None,
) -> None:
    """Add what was done: an entry for each experiment it was about, or one that names none.

    `resource` is an id or another name of what it was done to: never data.
    """
    origin = await _of_nobody(tx, origin)
    await take_turns(tx, LOCK)
    newest = select(col(AuditEntry.hash)).order_by(col(AuditEntry.id).desc()).limit(1)
    before = await tx.scalar(newest) or ""
    told = {"at": now(), "action": action, "allowed": allowed, "resource": resource}
    entries: list[dict[str, Any]] = []
    for experiment in await _experiments(tx, experiment_keys) or [{}]:
        entry = {**told, **asdict(origin), "experiment_key": None, "experiment_id": None}
        entry |= experiment
        entry["hash"] = before = hash_of(entry, before)
        entries.append(entry)
    await tx.execute(insert(AuditEntry), entries)


def hash_of(entry: Mapping[str, Any], before: str) -> str:
    """Return the hash of an entry that comes after one with the hash `before`."""
    content = {name: entry[name] for name in sorted(entry) if name not in ("id", "hash")}
    return sha256(f"{before}\n{dump_json(content)}".encode()).hexdigest()


_WORD = re.compile(r"[\w.:@+-]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_AROUND = ".:@+-"
NOT_TOLD = "[participant]"


async def _of_nobody(tx: AsyncConnection, origin: Origin) -> Origin:
    """Return an origin that tells of no participant: an entry can never be changed.

    Of a participant who asks, the account is told alone; from a reason, ids of participants and
    addresses are left out.
    """
    if origin.actor_id is not None:
        role = select(col(User.role)).where(col(User.user_id) == origin.actor_id)
        if await tx.scalar(role) == UserRole.PARTICIPANT:
            origin = replace(origin, address=None, user_agent=None)
    if not origin.reason:
        return origin
    told = _EMAIL.sub(NOT_TOLD, origin.reason)
    words = {each for word in _WORD.findall(told) for each in (word, word.strip(_AROUND))}
    person = col(Participant.participant_id)
    known = await tx.scalars(select(person).where(person.in_(words)).distinct())
    ids = sorted(known, key=len, reverse=True)
    for id_ in ids:
        told = re.sub(rf"(?<![\w@+-]){re.escape(id_)}(?![\w@+-])", NOT_TOLD, told)
    return replace(origin, reason=told)


async def _experiments(tx: AsyncConnection, keys: Sequence[int]) -> list[dict[str, Any]]:
    found = select(col(Experiment.id), col(Experiment.experiment_id)).where(
        col(Experiment.id).in_(sorted(set(keys)))
    )
    rows = await tx.execute(found.order_by(col(Experiment.id))) if keys else ()
    return [{"experiment_key": key, "experiment_id": id_} for key, id_ in rows]
