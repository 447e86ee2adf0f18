"""Addresses of files, signed when they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.access import Actor
from server.batches import Wanted
from server.resolvers.context import Context
from server.resolvers.rights import those
from server.rows import Row, keys_of


@dataclass(frozen=True, slots=True)
class RecordingLinks:
    """The address of each recording's file; None where there is none.

    None as well for who may not see identified data: a face tells who somebody is.
    """

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[str | None]:
        context = context.renewed()  # a subscription may have begun long ago
        seen = await those(context, keys_of(sources, "experiment_key"), Actor.identified)
        return [
            context.link(f"/recordings/{source.key}/media", "recording", source.key)
            if source.storage_key and source.experiment_key in seen
            else None
            for source in sources
        ]
