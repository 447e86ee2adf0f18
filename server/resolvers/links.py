"""Addresses of files, signed when they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.batches import Wanted
from server.resolvers.context import Context
from server.rows import Row


@dataclass(frozen=True, slots=True)
class RecordingLinks:
    """The address of each recording's file; None where there is none."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[str | None]:
        return [
            source.storage_key
            and context.link(f"/recordings/{source.key}/media", "recording", source.key)
            for source in sources
        ]
