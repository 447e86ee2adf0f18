"""Recorded video and audio in a ZIP: copied from the store piece by piece, under public names."""

from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from server.export.contents import Contents
from server.export.names import distinct_names
from server.export.reading import Reader
from server.export.spool import StorageFailed
from server.export.tables import Plan, Query
from server.object_stores import PART, open_store


@dataclass(frozen=True)
class MediaFile:
    """A file of a recording: what it is called in the ZIP, and where the store keeps it."""

    name: str
    storage_key: str


class Media:
    """The files of the selected recordings, room by room."""

    def __init__(self, plan: Plan, reader: Reader, contents: Contents) -> None:
        self._included = plan.include_media
        self._identify = plan.anonymization == "REMOVE_IDENTIFIERS"
        self._address = plan.storage_url, plan.storage_endpoint
        self._opened: ObjectStore | None = None
        self._of_room = _of_room(plan.media, reader, contents) if plan.media else {}

    def of_room(self, room: int) -> list[MediaFile]:
        """Return the files that are to be copied of a room."""
        return self._of_room.get(room, []) if self._included else []

    def pieces(self, file: MediaFile) -> Iterator[bytes] | None:
        """Read a file; None if it is not in the store."""
        with _reading():
            if self._opened is None:
                self._opened = open_store(*self._address)
            try:
                size = obstore.head(self._opened, file.storage_key)["size"]
            except FileNotFoundError:
                return None
        return _pieces(self._opened, file.storage_key, size)

    def ledger(self, written: int, missing: int) -> dict[str, Any] | None:
        """Return what became of the files; None if there is none, or nobody asked for any."""
        selected = sum(map(len, self._of_room.values()))
        if not selected or not (self._included or self._identify):
            return None
        reasons = {"FILE_MISSING": missing} if self._included else {"IDENTIFIERS": selected}
        withheld = [{"reason": why, "count": count} for why, count in reasons.items() if count]
        return {"selected": selected, "written": written, "withheld": withheld}


def _pieces(store: ObjectStore, key: str, size: int) -> Iterator[bytes]:
    """Read a file part by part: no request lasts as long as what is read is being compressed."""
    for start in range(0, size, PART):
        with _reading():
            piece = obstore.get_range(store, key, start=start, end=min(start + PART, size))
        yield bytes(piece)


@contextmanager
def _reading() -> Generator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageFailed from error


def _of_room(query: Query, reader: Reader, contents: Contents) -> dict[int, list[MediaFile]]:
    found = defaultdict[int, list[tuple[str, str]]](list)
    for experiment, room, participant, recording, key in reader.tuples(query):
        [person] = contents.participants.public_ids([participant])
        label = contents.label(experiment, recording)
        ending = PurePosixPath(key).suffix
        found[room].append((f"{person}_{label}{ending}", key))
    return {
        room: [
            MediaFile(name, key)
            for name, (_, key) in zip(distinct_names(name for name, _ in files), files, strict=True)
        ]
        for room, files in found.items()
    }
