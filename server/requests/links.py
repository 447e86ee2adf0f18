"""Links by which a participant without an account asks once for their data, and fetches it."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.records.data_requests import ParticipantToken
from server.records.experiments import Experiment
from server.sessions import hash_of
from server.timestamps import Timestamp, now

PATH = "/my-data"
"""Where a link leads."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that works: for whom, and what was asked for by it, if anything was."""

    key: int
    experiment_key: int
    experiment_name: str
    participant_id: str
    request_key: int | None


async def make_link(
    tx: AsyncConnection, experiment_key: int, participant_id: str, expires_at: Timestamp
) -> str:
    """Store a new link and return its path; those of the person that nobody has used end."""
    token = secrets.token_urlsafe(32)
    unused = (
        col(ParticipantToken.experiment_key) == experiment_key,
        col(ParticipantToken.participant_id) == participant_id,
        col(ParticipantToken.request_key).is_(None),
    )
    await tx.execute(delete(ParticipantToken).where(*unused))
    await tx.execute(
        insert(ParticipantToken).values(
            hash=hash_of(token),
            experiment_key=experiment_key,
            participant_id=participant_id,
            created_at=now(),
            expires_at=expires_at,
        )
    )
    return f"{PATH}?token={token}"


async def link_with(tx: AsyncConnection, token: str) -> Link | None:
    """Return the link that a token opens; None if it does not work, or not any more."""
    return await _one(tx, col(ParticipantToken.hash) == hash_of(token))


async def still_fetches(tx: AsyncConnection, key: int, request_key: int) -> bool:
    """Say whether a link still lets its holder have what was asked for by it."""
    this = col(ParticipantToken.id) == key
    link = await _one(tx, this)
    return link is not None and link.request_key == request_key


async def use(tx: AsyncConnection, link: Link, request_key: int) -> bool:
    """Use a link up for a request; False if it has been used meanwhile."""
    used = (
        update(ParticipantToken)
        .where(col(ParticipantToken.id) == link.key, col(ParticipantToken.request_key).is_(None))
        .values(request_key=request_key)
    )
    return (await tx.execute(used)).rowcount > 0


async def _one(tx: AsyncConnection, which: ColumnElement[bool]) -> Link | None:
    found = await tx.execute(
        select(
            col(ParticipantToken.id),
            col(ParticipantToken.experiment_key),
            col(Experiment.name),
            col(ParticipantToken.participant_id),
            col(ParticipantToken.request_key),
        )
        .join(Experiment, col(Experiment.id) == col(ParticipantToken.experiment_key))
        .where(
            which,
            col(ParticipantToken.expires_at) > now(),
            col(Experiment.participants_may_request_data),
        )
    )
    if (row := found.one_or_none()) is None:
        return None
    values: tuple[Any, ...] = tuple(row)
    return Link(*values)
