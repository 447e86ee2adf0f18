"""Time shifts: by how much a room's times are moved in files that must not tell when it was."""

from sqlalchemy import BigInteger
from sqlmodel import Field

from server.column_types import KEY_TYPE
from server.db import Table


class TimeShift(Table, table=True):
    """One shift for all times of a room, given once: onsets and a dyad's common clock stay."""

    room_key: int = Field(primary_key=True, foreign_key="room.id", sa_type=KEY_TYPE)
    milliseconds: int = Field(sa_type=BigInteger)
