"""An import, from its first look at a package to the end of its one transaction."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from server.db import Database
from server.errors import BadPackage
from server.importing.documents import Document
from server.importing.media import MediaStore
from server.importing.owners import owner_key
from server.importing.packages import FilePackage, Package, Tell, opened
from server.importing.storing import Store
from server.records.exports import Anonymization
from server.storage import Storage


class Watcher(Protocol):
    """Whoever wants to know how an import goes."""

    def begin(self, what: str, total: int) -> Tell:
        """Be told what is done now, and of how much."""
        ...


@dataclass(frozen=True)
class Imported:
    """What is in the database now, or would be.

    counts        how many records of each type, by how people call it
    anonymization what had been left out of the package
    files         how many files of recordings were stored
    media         how many were not, and were left where they are
    breaches      what does not hold of some records, which are kept all the same
    """

    experiments: int
    rooms: int
    participants: int
    counts: dict[str, int]
    anonymization: Anonymization
    files: int
    media: int
    breaches: list[str]


class _NotToKeep(Exception):
    """Ends a transaction of which nothing is to stay."""


async def import_package(
    db: Database,
    path: Path,
    watcher: Watcher,
    *,
    owner: str | None = None,
    dry_run: bool = False,
    storage: Storage | None = None,
) -> Imported:
    """Import a package: all of it or, if anything is wrong with it, nothing.

    BadPackage, AlreadyThere, NotFound and BadUserInput say what is wrong. A dry run does all the
    same, and keeps nothing. Files of recordings go into a store, if one is given.
    """
    media = None if storage is None or dry_run else MediaStore(storage)
    with _package(path) as package:
        package.check(watcher.begin("Checking", package.size))
        imported: Imported | None = None
        try:
            async with db.write() as tx:
                store = Store(tx, await owner_key(tx, owner))
                imported = await _put(store, package, watcher, media)
                if dry_run:
                    raise _NotToKeep
        except _NotToKeep:
            pass
        except BaseException:
            if media is not None:
                await media.take_back()
            raise
    assert imported is not None
    return imported


async def _put(
    store: Store, package: Package, watcher: Watcher, media: MediaStore | None
) -> Imported:
    metadata = package.metadata
    places = package.places()
    await store.put_places(places, [room.room_id for room in metadata.rooms])
    if metadata.anonymization is Anonymization.REMOVE_IDENTIFIERS:
        await store.put_codes()
    if metadata.times_shifted:
        await store.put_shifts()
    counts = Counter[str]()
    tell = watcher.begin("Importing", sum(metadata.counts.values()))
    for target, rows in package.records():
        await store.put_records(target, rows)
        count = len(next(iter(rows.values())))
        counts[target.title] += count
        tell(count)
    files = 0 if media is None else await store.put_files(media, package.files())
    breaches = await store.breaches()
    return Imported(
        *places.counts,
        dict(counts),
        metadata.anonymization,
        files,
        package.media - files,
        breaches,
    )


@contextmanager
def _package(path: Path) -> Generator[Package]:
    """Open whatever of ours lies at a path."""
    if not path.exists():
        raise BadPackage(f"There is nothing at {path}.")
    if path.is_dir() or _begins_with(path, b"PK"):
        with opened(path) as folder:
            yield FilePackage(folder)
    elif _begins_with(path, b"{"):
        yield Document(path)
    else:
        raise BadPackage(
            f"{path.name} is neither a ZIP nor a JSON document. A table alone does not say whose "
            "it is: export it again as a ZIP."
        )


def _begins_with(path: Path, beginning: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(beginning)) == beginning
