"""Where files lie: a local folder or an object store, chosen by URL, under one set of verbs."""

import asyncio
import logging
import os
import re
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from server.errors import Busy
from server.logs import whereabouts
from server.object_stores import PART, PARTS_AT_ONCE, open_store, part_size
from server.s3 import S3, Method
from server.settings import Settings
from server.settling import settle

CHUNK = 1 << 20
"""Bytes handed on at a time."""

_READ = 2 << 20
"""Bytes asked of a store at a time: what is in memory of a file that somebody reads slowly."""

ABANDONED = timedelta(days=1)
"""How old an upload in parts must be to be taken for one that nobody goes on with."""

PROBES = "probes/"
"""Where the store is tried."""

UNFINISHED_FILE = re.compile(r"#\d+$")
"""What a file in a local folder is called until it is whole."""

log = logging.getLogger(__name__)


class UnsafeKey(ValueError):
    """A key that leads out of the store."""


class Storage:
    """Files by key, such as `exports/7/1/faces.zip`; an object store out of reach is told as Busy.

    A local folder is cleaned by its paths: obstore neither lists nor deletes the `name#1` files
    in which a killed process leaves what it was writing.

    endpoint    where the API of an object store is, if its URL does not say so
    origin      where browsers reach it, if that is elsewhere
    redirected  whether they are sent there at all
    """

    def __init__(
        self,
        url: str,
        endpoint: str | None = None,
        *,
        origin: str | None = None,
        redirected: bool = True,
    ) -> None:
        parts = urlsplit(url)
        self.root: Path | None = None
        self._store: ObjectStore
        if parts.scheme == "file":
            self.root = Path(url2pathname(parts.path)).resolve()
            self._store = LocalStore(self.root, mkdir=True)
        else:
            self._store = open_store(url, endpoint)
        self._s3 = S3(self._store, origin) if isinstance(self._store, S3Store) else None
        if self._s3 is not None and not self._s3.signs:
            self._s3 = None
        self._redirected = redirected

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the store that an operator has set."""
        return cls(
            settings.storage,
            settings.storage_endpoint,
            origin=settings.storage_origin,
            redirected=settings.storage_redirects,
        )

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins besides our own from which browsers must be allowed to load media."""
        return (self._s3.origin,) if self._s3 is not None and self._redirected else ()

    def local_path(self, key: str) -> Path | None:
        """Return where a key's file lies in the local folder; None in another store."""
        if self.root is None:
            return None
        path = (self.root / key).resolve() if "\0" not in key else self.root
        if path == self.root or not path.is_relative_to(self.root):
            raise UnsafeKey("A key names a file inside the store.")
        return path

    async def is_there(self) -> bool:
        """Tell whether the store can be reached at all."""
        if self.root is not None:
            return await asyncio.to_thread(self.root.is_dir)
        try:
            await self.size("is-there")
        except Busy:
            return False
        return True

    async def put(self, key: str, data: bytes | AsyncIterable[bytes]) -> None:
        """Store a file, whole or not at all."""
        self.local_path(key)
        with self._reaching():
            await obstore.put_async(
                self._store, key, data, chunk_size=PART, max_concurrency=PARTS_AT_ONCE
            )

    async def put_file(self, key: str, path: Path) -> None:
        """Store a local file, whole or not at all, and never in another's place.

        The file itself stays where it is, and must not be written to any more.
        """
        target = self.local_path(key)
        if target is None:
            await self._send(key, path)
            return
        assert self.root is not None
        if not await asyncio.to_thread(_linked, path, target):
            await obstore.put_async(self._store, key, path, mode="create")
        await asyncio.to_thread(settle, self.root, target)

    async def _send(self, key: str, path: Path) -> None:
        """Send a file in parts, which no store does on condition that there is none.

        So it is looked first: keys are chosen by chance, and nobody else is about to take one.
        """
        if await self.size(key) is not None:
            raise AlreadyExistsError(key)
        size = (await asyncio.to_thread(path.stat)).st_size
        with self._reaching():
            await obstore.put_async(
                self._store, key, path, chunk_size=part_size(size), max_concurrency=PARTS_AT_ONCE
            )

    async def size(self, key: str) -> int | None:
        """Return a file's size in bytes; None if there is no such file."""
        self.local_path(key)
        try:
            with self._reaching():
                return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            return None

    async def stream(self, key: str, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """Yield a file's bytes, or those from a first offset up to a second; FileNotFoundError.

        They come in parts, so that whoever reads slowly keeps no request waiting.
        """
        size = await self.size(key)
        if size is None:
            raise FileNotFoundError(key)
        first, end = span or (0, size)
        for start in range(first, min(end, size), _READ):
            part = {"range": (start, min(start + _READ, end, size))}
            with self._reaching():
                found = await obstore.get_async(self._store, key, options=part)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - its TypedDict exists only in stubs
                whole = bytes(await found.bytes_async())
            for at in range(0, len(whole), CHUNK):
                yield whole[at : at + CHUNK]

    async def keys(self, folder: str) -> list[str]:
        """List the files under a folder, in a local one also those that were never finished."""
        if (path := self.local_path(folder)) is not None:
            return await asyncio.to_thread(self._files, path)
        with self._reaching():
            pages = obstore.list(self._store, folder)  # pyright: ignore[reportUnknownMemberType] - its other overload returns Arrow, untyped
            return [meta["path"] async for page in pages for meta in page]

    async def everything(self) -> list[str]:
        """List all files that were finished, but for those by which the store was tried."""
        if self.root is not None:
            found = await asyncio.to_thread(self._files, self.root)
            found = [key for key in found if not UNFINISHED_FILE.search(key)]
        else:
            with self._reaching():
                pages = obstore.list(self._store)  # pyright: ignore[reportUnknownMemberType] - as above
                found = [meta["path"] async for page in pages for meta in page]
        return sorted(key for key in found if not key.startswith(PROBES))

    def _files(self, folder: Path) -> list[str]:
        assert self.root is not None
        return [
            str(Path(parent, name).relative_to(self.root).as_posix())
            for parent, _folders, names in os.walk(folder)
            for name in names
        ]

    async def delete(self, key: str) -> None:
        """Delete a file; there need not be one."""
        if (path := self.local_path(key)) is not None:
            await asyncio.to_thread(self._remove, path)
        else:
            with self._reaching(), suppress(FileNotFoundError):
                await obstore.delete_async(self._store, key)

    async def delete_prefix(self, folder: str) -> None:
        """Delete a folder with all that is in it; there need not be one."""
        if (path := self.local_path(folder)) is not None:
            await asyncio.to_thread(self._remove, path)
        else:
            keys = await self.keys(folder)
            with self._reaching():
                await obstore.delete_async(self._store, keys)

    def _remove(self, path: Path) -> None:
        """Remove a file or folder, and the folders that it leaves empty."""
        assert self.root is not None
        with suppress(FileNotFoundError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for parent in path.parents:
            if self.root in (parent, parent.parent):
                return  # the top folders stay: others may be writing to them
            with suppress(OSError):  # not empty, or gone already
                parent.rmdir()

    def signed_url(
        self, key: str, method: Method, seconds: int, answer: Mapping[str, str]
    ) -> str | None:
        """Return a link that the store itself serves, with headers as given; None if it cannot."""
        if self._s3 is None or not self._redirected:
            return None
        return self._s3.link(key, method, seconds, answer)

    async def abort_unfinished(self) -> int:
        """Take back what was sent in parts and never finished, a day after it was begun."""
        if self._s3 is None:
            return 0
        return await self._s3.abort_unfinished(datetime.now(UTC) - ABANDONED)

    async def keeps_versions(self) -> bool:
        """Tell whether the store is known to keep what is deleted."""
        return self._s3 is not None and await self._s3.keeps_versions()

    @contextmanager
    def _reaching(self) -> Generator[None]:
        """Tell an object store that is out of reach, or refuses, as what passes by itself."""
        try:
            yield
        except (FileNotFoundError, AlreadyExistsError):
            raise
        except BaseError as error:
            if self.root is not None:
                raise
            log.warning("The store is out of reach, or refuses: %s", whereabouts(error))
            raise Busy(_UNREACHABLE) from error


_UNREACHABLE = "The files cannot be reached at this moment: try again soon."


def _linked(path: Path, target: Path) -> bool:
    """Give a file another name; False if it cannot have that, as on another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True
