"""What no answer may hold, and what a document may well name: read from the demo's own database."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from server.global_ids import global_id

INSIDES = (
    "Traceback (most recent call",
    'File "/',
    "site-packages",
    "sqlalchemy",
    "sqlite3.",
    "asyncpg",
    "pydantic",
    "strawberry.",
    "server/",
    "SELECT ",
    "INSERT INTO",
    "no such table",
)
"""How an answer would begin to tell of how we are made."""

_TYPES = (
    *("Experiment", "Room", "Participant", "Event", "Recording", "ChatMessage"),
    *("ContinuousRating", "SparseRating", "SyncMetric", "Component", "Export", "UserGroup"),
    *("ExportSchedule", "AuditEntry", "QuarantinedRecord", "Webhook", "Erasure", "DataRequest"),
)
_SHARED = (
    "SELECT experiment_key FROM collaborator c JOIN user u ON u.id = c.user_key WHERE u.user_id = ?"
)


class Demo:
    """The database of a server over demo data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def texts(self, statement: str, *values: object) -> list[str]:
        """Return the texts of a statement's first column."""
        return [text for text in self._column(statement, *values) if text]

    def pools(self) -> Mapping[str, Sequence[str]]:
        """Return what a document may name, whoever asks."""
        ids = [global_id(kind, key) for kind in _TYPES for key in (1, 2, 7, 2**40)]
        names = {
            "experimentId": self.texts("SELECT experiment_id FROM experiment"),
            "roomId": self.texts("SELECT room_id FROM room"),
            "participantId": self.texts("SELECT participant_id FROM participant"),
            "userId": self.texts("SELECT user_id FROM user"),
            "componentId": self.texts("SELECT DISTINCT component_id FROM component"),
            "id": ids,
            "path": ["value", "value.choice", "[0]", '"a key"'],
        }
        more = {"ids": "id", "exportId": "id", "groupId": "id", "memberIds": "userId"}
        more |= {"experimentIds": "experimentId", "roomIds": "roomId", "ownerId": "userId"}
        return names | {name: names[same] for name, same in more.items()}

    def hidden(self, keys: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        """Return what each account may not be told, by the name of its key."""
        secret = (self._folder / "secret").read_text()
        hashes = self.texts("SELECT hash FROM api_key")
        always = [*INSIDES, secret, *hashes, *keys.values(), str(self._folder)]
        shared = [str(key) for key in self._column(_SHARED, "usr_collaborator")]
        [own] = self.texts("SELECT participant_id FROM user WHERE user_id = 'usr_participant'")
        elsewhere = f"experiment_key NOT IN ({','.join(shared)})"
        seen = f"SELECT participant_id FROM participant WHERE NOT {elsewhere}"
        people = (
            f"SELECT participant_id FROM participant WHERE {elsewhere} "
            f"AND participant_id NOT IN ({seen})"
        )
        emails = (
            f"SELECT email FROM participant WHERE {elsewhere} AND participant_id NOT IN ({seen})"
        )
        others = "SELECT participant_id FROM participant WHERE participant_id <> ?"
        their_emails = "SELECT email FROM participant WHERE participant_id <> ?"
        return {
            "owner": always,
            "administrator": always,
            "collaborator": [*always, *self.texts(people), *self.texts(emails)],
            "participant": [*always, *self.texts(others, own), *self.texts(their_emails, own)],
        }

    def _column(self, statement: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self._folder / "hyperdata.db")) as connection:
            return [value for (value,) in connection.execute(statement, values)]
