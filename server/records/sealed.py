"""What is sealed: rows that were taken out of their tables, so that nothing that reads finds them.

They are kept as they were, until they are put back or erased.
"""

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.participants import ParticipantBase
from server.timestamps import Timestamp


class SealedRecord(Stored, table=True):
    """A sealed record: `content` is the whole of it, as JSON.

    data_type    the name of its type, or QUARANTINE for what had been refused
    record_key   the key that it had
    sender_name  the name beside a message: exports must know it to leave it out of others' texts
    room_start   the room's experiment start at that time: what counts from it follows when it moves
    displaced    whether it cannot be put back, as another record has its id by now
    """

    __table_args__ = (
        Index("ix_sealed_record_participant_key", "participant_key", "data_type", "id"),
        Index("ix_sealed_record_room_key", "room_key", "data_type"),
        Index("ix_sealed_record_experiment_key", "experiment_key", "data_type"),
    )

    experiment_key: int = Field(foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE)
    room_key: int = Field(sa_type=KEY_TYPE)
    participant_key: int = Field(sa_type=KEY_TYPE)
    data_type: str
    record_key: int = Field(sa_type=KEY_TYPE)
    content: str = Field(sa_type=Text)
    sender_id: str | None = None
    sender_name: str | None = None
    room_start: Timestamp | None = Field(default=None, sa_type=BigInteger)
    displaced: bool = False


class SealedParticipant(ParticipantBase, Stored, table=True):
    """A sealed participant, under their own key, which nobody else is given meanwhile."""

    __table_args__ = (
        Index("ix_sealed_participant_experiment_key", "experiment_key", "participant_id"),
        Index("ix_sealed_participant_room_key", "room_key"),
    )

    experiment_key: int = Field(foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE)
    room_key: int = Field(sa_type=KEY_TYPE)


def keep_keys(dialect: str) -> list[str]:
    """Return the statements after which nobody is given the key of somebody who is sealed.

    SQLite gives the highest key again once its row is gone; PostgreSQL gives none twice. Whoever
    adds a participant must look up afterwards which key that is.
    """
    return [] if dialect == "postgresql" else [_SQLITE]


def free_keys(dialect: str) -> list[str]:
    """Return the statements that undo `keep_keys`."""
    return [] if dialect == "postgresql" else ["DROP TRIGGER participant_keeps_sealed_keys"]


_SQLITE = """
CREATE TRIGGER participant_keeps_sealed_keys AFTER INSERT ON participant
WHEN EXISTS (SELECT 1 FROM sealed_participant WHERE id = NEW.id)
BEGIN
UPDATE participant SET id = 1 + max(
    (SELECT max(id) FROM participant), (SELECT max(id) FROM sealed_participant)
) WHERE id = NEW.id;
END
"""
