"""The order in which a room's records arrive: that of their keys, whoever writes them.

A follower of a room remembers the key up to which it was told, and asks for those above. That
loses nothing as long as no key below is committed later. SQLite has one writer at a time, so its
keys rise as they are committed. PostgreSQL gives keys out before: who has the lower ones may commit
last. Nor do its transaction ids tell what may still come, as they are given out in yet another
order. So whoever adds records to a room that can be followed takes the room first, and holds it
until the end.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Integer, cast, column, func, literal, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import Busy
from server.key_lists import among, listed

_ROOMS = 2_115_774_316
"""What these advisory locks are of. Locks of two numbers are none of those of one."""

_EXPERIMENTS = 2_115_774_317
"""What those are of that whoever adds to an experiment shares."""

_ROOM = table("room", column("id", BigInteger), column("experiment_key", BigInteger))


class Moving(Busy):
    """An experiment is given a partition of its own: end the transaction, and try again."""

    def __init__(self) -> None:
        super().__init__("The experiment's records are being moved: ask again in some seconds.")


async def take_rooms(tx: AsyncConnection, room_keys: Iterable[int]) -> None:
    """Wait until no other transaction adds records to some rooms; keep others out until the end.

    Moving if one of their experiments is given a partition just then: nobody may wait for that who
    holds anything. Call it once in a transaction, with all its rooms, before the first record is
    inserted. Nobody can follow a room that is made in the same transaction, so such a one need not
    be taken.
    """
    asked = sorted(set(room_keys))
    if not asked or tx.dialect.name != "postgresql":
        return
    within = select(_ROOM.c.experiment_key).where(among(_ROOM.c.id, asked)).distinct()
    number = func.hashint8(within.subquery().c.experiment_key)
    taken = await tx.scalars(select(func.pg_try_advisory_xact_lock_shared(_EXPERIMENTS, number)))
    if not all(taken.all()):
        raise Moving
    rooms = listed(sorted({_number(key) for key in asked}))
    lock = func.pg_advisory_xact_lock(_ROOMS, cast(rooms.c.value, Integer))
    await tx.execute(select(lock).select_from(rooms))


async def add_to(tx: AsyncConnection, experiment_key: int) -> None:
    """Do as `take_rooms` does with their experiment: whoever changes its records may."""
    if tx.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock_shared(_EXPERIMENTS, _hashed(experiment_key))
        await tx.execute(select(lock))


async def keep_out(tx: AsyncConnection, experiment_key: int) -> None:
    """Wait until no other transaction adds to an experiment; keep others out until the end."""
    await tx.execute(select(func.pg_advisory_xact_lock(_EXPERIMENTS, _hashed(experiment_key))))


def _hashed(experiment_key: int) -> Any:  # noqa: ANN401 - a function of SQL's
    return func.hashint8(cast(literal(experiment_key), BigInteger))


def _number(key: int) -> int:
    """Return a key as a lock's 32 bits: rooms that share them only wait for one another."""
    return (key + (1 << 31)) % (1 << 32) - (1 << 31)
