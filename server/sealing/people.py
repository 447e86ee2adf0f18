"""People in their rooms, and in others' lists: taken out, and put back."""

import json

from sqlalchemy import Text, cast, delete, insert, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.records.participants import Participant
from server.records.sealed import SealedParticipant
from server.sealing.withdrawn import LISTS_OF_PEOPLE

AT_ONCE = 1_000
"""How many rows are changed in one transaction."""


async def seal_participants(tx: AsyncConnection, experiment_key: int, participant_id: str) -> None:
    """Take somebody out of all rooms of an experiment: none of their records may be left there."""
    await _transfer(tx, Participant, SealedParticipant, experiment_key, participant_id)


async def restore_participants(
    tx: AsyncConnection, experiment_key: int, participant_id: str
) -> None:
    """Put somebody back into all rooms of an experiment, under their old keys."""
    await _transfer(tx, SealedParticipant, Participant, experiment_key, participant_id)


async def rename_in_lists(tx: AsyncConnection, room_key: int, before: str, after: str) -> int:
    """Put one text in the place of another in some lists of people in a room; return in how many.

    Those of other people's records: so a withdrawn participant's id is not left there.
    """
    changed = 0
    for record_type, names in LISTS_OF_PEOPLE.items():
        columns = inspect(record_type.value.model).columns
        for name in names:
            text = cast(columns[name], Text)
            found = await tx.execute(
                select(columns["id"], columns[name])
                .where(
                    columns["room_key"] == room_key,
                    text.contains(json.dumps(before, ensure_ascii=False), autoescape=True),
                )
                .limit(AT_ONCE - changed)
            )
            for key, listed in found.all():
                shown = [after if each == before else each for each in listed]
                this = columns["id"] == key
                await tx.execute(update(record_type.value.model).where(this).values({name: shown}))
                changed += 1
    return changed


async def _transfer(
    tx: AsyncConnection,
    before: type[Participant | SealedParticipant],
    after: type[Participant | SealedParticipant],
    experiment_key: int,
    participant_id: str,
) -> None:
    columns = {column.key: column for column in inspect(before).columns}
    this = (
        col(before.experiment_key) == experiment_key,
        col(before.participant_id) == participant_id,
    )
    rows = select(*columns.values()).where(*this)
    found = [dict(row) for row in (await tx.execute(rows)).mappings()]
    if found:
        # first gone, then there: a trigger must not take the key for one that is sealed
        await tx.execute(delete(before).where(*this))
        await tx.execute(insert(after), found)
