"""The files of recordings in a package, brought back to the recordings that they were of."""

import secrets
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.names import safe_name
from server.key_lists import among
from server.records.participants import Participant
from server.records.recordings import Recording
from server.records.rooms import Room
from server.storage import CHUNK, Storage


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file in a package: where it lies there, and its SHA-256."""

    path: PurePosixPath
    file: zipfile.Path | Path
    sha256: str

    @property
    def place(self) -> tuple[str, str]:
        """The folder of the room, and the name."""
        return self.path.parent.parent.name, self.path.name

    async def pieces(self) -> AsyncIterator[bytes]:
        with self.file.open("rb") as stream:
            while piece := stream.read(CHUNK):
                yield piece


class MediaStore:
    """Puts files into the store, and takes them back if the import is not kept."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._put: list[str] = []

    async def put(
        self, tx: AsyncConnection, files: list[MediaFile], experiment_keys: list[int]
    ) -> int:
        """Give files to the recordings that they are of by name; return how many there were."""
        endings = {file.path.suffix for file in files}
        recordings = await _recordings(tx, experiment_keys, endings)
        count = 0
        for file in files:
            if (key := recordings.get(file.place)) is None:
                continue
            name = f"recordings/{key}-{secrets.token_hex(8)}{file.path.suffix}"
            self._put.append(name)
            await self._storage.put(name, file.pieces())
            this = update(Recording).where(col(Recording.id) == key)
            await tx.execute(this.values(storage_key=name, sha256=file.sha256))
            count += 1
        return count

    async def take_back(self) -> None:
        for name in self._put:
            await self._storage.delete(name)


async def _recordings(
    tx: AsyncConnection, experiment_keys: list[int], endings: set[str]
) -> dict[tuple[str, str], int]:
    """Return recordings by where a package has their files; two of one place are left out."""
    found = await tx.execute(
        select(
            col(Recording.id),
            col(Recording.recording_id),
            col(Participant.participant_id),
            col(Room.room_id),
        )
        .join(Participant, col(Participant.id) == col(Recording.participant_key))
        .join(Room, col(Room.id) == col(Recording.room_key))
        .where(among(col(Recording.experiment_key), experiment_keys))
    )
    named = [
        ((safe_name(room), name), key)
        for key, recording, person, room in found
        for name in _names(person, recording, endings)
        if key is not None
    ]
    times = Counter(place for place, _ in named)
    return {place: key for place, key in named if times[place] == 1}


def _names(person: str, recording: str, endings: set[str]) -> Iterator[str]:
    for ending in endings:
        yield safe_name(f"{person}_{recording}{ending}")
