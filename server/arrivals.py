"""The order in which a room's records arrive: that of their keys, whoever writes them.

A follower of a room remembers the key up to which it was told, and asks for those above. That
loses nothing as long as no key below is committed later. SQLite has one writer at a time, so its
keys rise as they are committed. PostgreSQL gives keys out before: who has the lower ones may commit
last. Nor do its transaction ids tell what may still come, as they are given out in yet another
order. So whoever adds records to a room that can be followed takes the room first, and holds it
until the end.
"""

from collections.abc import Iterable

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.key_lists import listed

_ROOMS = 2_115_774_316
"""What these advisory locks are of. Locks of two numbers are none of those of one."""


async def take_rooms(tx: AsyncConnection, room_keys: Iterable[int]) -> None:
    """Wait until no other transaction adds records to some rooms; keep others out until the end.

    Call it once in a transaction, with all its rooms, before the first record is inserted. Nobody
    can follow a room that is made in the same transaction, so such a one need not be taken.
    """
    wanted = sorted({_number(key) for key in room_keys})  # in one order, or two might wait for ever
    if wanted and tx.dialect.name == "postgresql":
        rooms = listed(wanted)
        lock = func.pg_advisory_xact_lock(_ROOMS, cast(rooms.c.value, Integer))
        await tx.execute(select(lock).select_from(rooms))


def _number(key: int) -> int:
    """Return a key as a lock's 32 bits: rooms that share them only wait for one another."""
    return (key + (1 << 31)) % (1 << 32) - (1 << 31)
