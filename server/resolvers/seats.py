"""Seats: the public ids of the participants to whom numbers belong."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.key_lists import among
from server.records.participants import Participant
from server.rows import layout_of


class Seat(NamedTuple):
    """Who, and in which room, in public ids; sorted by room, then by arrival."""

    room_key: int
    participant_key: int
    room_id: str
    participant_id: str


async def seats(tx: AsyncConnection, participant_keys: Iterable[int]) -> Mapping[int, Seat]:
    """Look the seats of participants up, by their keys."""
    columns = layout_of(Participant).columns
    statement = select(
        columns["room_key"], columns["key"], columns["room_id"], columns["participant_id"]
    ).where(among(columns["key"], sorted(set(participant_keys))))
    found = [Seat(*row) for row in await tx.execute(statement)]
    return {seat.participant_key: seat for seat in found}
