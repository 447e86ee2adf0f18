"""What is sealed of whom: counted, and deleted for good."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.key_lists import among
from server.records import RecordType
from server.records.participants import Participant
from server.records.sealed import SealedParticipant, SealedRecord

Seat = tuple[int, int]
"""The key of a room, and of a participant in it."""


async def sealed_counts(
    tx: AsyncConnection, participant_keys: Collection[int]
) -> Mapping[RecordType, int]:
    """Return how many records of each type are sealed of some participants, in all."""
    counts = (
        select(col(SealedRecord.data_type), func.count())
        .where(among(col(SealedRecord.participant_key), list(participant_keys)))
        .group_by(col(SealedRecord.data_type))
    )
    found = Counter[str]()
    for name, count in await tx.execute(counts):
        found[name] = count
    return {each: found[each.name] for each in RecordType if found[each.name]}


async def seats_of(tx: AsyncConnection, experiment_key: int, participant_id: str) -> Sequence[Seat]:
    """Return the rooms in which somebody is, sealed or not, and their key there."""
    seats: list[Seat] = []
    for model in (Participant, SealedParticipant):
        there = select(col(model.room_key), col(model.id)).where(
            col(model.experiment_key) == experiment_key,
            col(model.participant_id) == participant_id,
        )
        seats += [(room, key) for room, key in await tx.execute(there) if key is not None]
    return sorted(seats)


async def sealed_recordings(tx: AsyncConnection, participant_key: int) -> Mapping[int, str | None]:
    """Return a participant's sealed recordings, by the key that each had: where its file lies."""
    rows = await tx.execute(
        select(col(SealedRecord.record_key), col(SealedRecord.content)).where(
            col(SealedRecord.participant_key) == participant_key,
            col(SealedRecord.data_type) == RecordType.RECORDINGS.name,
        )
    )
    return {key: orjson.loads(content)["storage_key"] for key, content in rows}


async def delete_of(tx: AsyncConnection, participant_key: int, limit: int) -> int:
    """Delete some of what is sealed of a participant, for good; return how many records.

    Once none is left they are gone themselves.
    """
    theirs = col(SealedRecord.participant_key) == participant_key
    some = (await tx.scalars(select(col(SealedRecord.id)).where(theirs).limit(limit))).all()
    keys = [key for key in some if key is not None]
    await tx.execute(delete(SealedRecord).where(among(col(SealedRecord.id), keys)))
    if len(keys) < limit:
        gone = col(SealedParticipant.id) == participant_key
        await tx.execute(delete(SealedParticipant).where(gone))
    return len(keys)
