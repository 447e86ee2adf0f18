"""Where files lie: a local folder or an object store, chosen by URL, under one set of verbs."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store, from_url

CHUNK = 1 << 20
"""Bytes handed on at a time."""


class UnsafeKey(ValueError):
    """A key that leads out of the store."""


class Storage:
    """Files by key, such as `exports/7/1/faces.zip`.

    A local folder is cleaned by its paths: obstore neither lists nor deletes the `name#1` files
    in which a killed process leaves what it was writing.
    """

    def __init__(self, url: str, **options: Any) -> None:  # noqa: ANN401 - each store has its own
        parts = urlsplit(url)
        self.root: Path | None = None
        self._store: ObjectStore
        if parts.scheme == "file":
            self.root = Path(url2pathname(parts.path)).resolve()
            self._store = LocalStore(self.root, mkdir=True)
        else:
            self._store = from_url(url, **options)

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
            await obstore.head_async(self._store, "is-there")
        except FileNotFoundError:
            return True
        except (OSError, BaseError):
            return False
        return True

    async def put(self, key: str, data: bytes | AsyncIterable[bytes]) -> None:
        """Store a file, whole or not at all."""
        self.local_path(key)
        await obstore.put_async(self._store, key, data)

    async def put_file(self, key: str, path: Path) -> None:
        """Store a local file, whole or not at all, and never in another's place.

        The file itself stays where it is, and must not be written to any more.
        """
        target = self.local_path(key)
        linked = target is not None and await asyncio.to_thread(_linked, path, target)
        if not linked:
            await obstore.put_async(self._store, key, path, mode="create")
        if target is not None and self.root is not None:
            await asyncio.to_thread(settle, self.root, target)

    async def size(self, key: str) -> int | None:
        """Return a file's size in bytes; None if there is no such file."""
        self.local_path(key)
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            return None

    async def stream(self, key: str, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """Yield a file's bytes, or those from a first offset up to a second; FileNotFoundError."""
        self.local_path(key)
        options = {"range": span} if span else None
        found = await obstore.get_async(self._store, key, options=options)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - its TypedDict exists only in stubs
        async for chunk in found.stream(CHUNK):
            yield bytes(chunk)

    async def keys(self, folder: str) -> list[str]:
        """List the files under a folder, in a local one also those that were never finished."""
        if (path := self.local_path(folder)) is not None:
            return await asyncio.to_thread(self._files, path)
        pages = obstore.list(self._store, folder)  # pyright: ignore[reportUnknownMemberType] - its other overload returns Arrow, untyped
        return [meta["path"] async for page in pages for meta in page]

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
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, key)

    async def delete_prefix(self, folder: str) -> None:
        """Delete a folder with all that is in it; there need not be one."""
        if (path := self.local_path(folder)) is not None:
            await asyncio.to_thread(self._remove, path)
        else:
            await obstore.delete_async(self._store, await self.keys(folder))

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

    async def signed_url(
        self, key: str, method: Literal["GET", "HEAD"], seconds: int
    ) -> str | None:
        """Return a link that the store itself serves; None if it cannot."""
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        expiry = timedelta(seconds=seconds)
        return await obstore.sign_async(self._store, method, key, expires_in=expiry)


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


def settle(root: Path, path: Path) -> None:
    """Make a file of a local store, and the folders it lies in, outlive a loss of power."""
    for place in (path, *path.parents):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if place == root:
            return
