"""The folders in which exports are being written on this machine, seen from the server."""

import asyncio
import shutil
from collections.abc import Collection
from pathlib import Path

import orjson


class Spools:
    """A folder for each export that is not over; its worker alone writes there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def discard(self, export_key: int) -> None:
        """Delete what was written of an export."""
        await asyncio.to_thread(shutil.rmtree, self._root / str(export_key), ignore_errors=True)

    async def got_on(self, export_key: int, folder: str) -> bool:
        """Tell whether an attempt, which wrote for a folder of the store, made anything certain."""
        return await asyncio.to_thread(self._got_on, export_key, folder)

    async def keys(self) -> set[int]:
        """Return the exports of which something is written."""
        return await asyncio.to_thread(self._keys)

    async def sweep(self, found: Collection[int], kept: Collection[int]) -> None:
        """Delete what was found, but for the exports that may still be gone on with."""
        for export_key in set(found) - set(kept):
            await self.discard(export_key)

    def _got_on(self, export_key: int, folder: str) -> bool:
        notes = (self._root / str(export_key)).glob("*/state.json")
        attempts = (orjson.loads(note.read_bytes())["attempt"] for note in notes)
        return any(attempt.startswith(f"{folder}/") for attempt in attempts)

    def _keys(self) -> set[int]:
        names = (path.name for path in self._root.glob("*"))
        return {int(name) for name in names if name.isdecimal()}
