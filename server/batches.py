"""Batches: what is asked of many objects at once, and the dataloader for those who ask for one."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

from aiodataloader import DataLoader

from server.observing.operations import loaded

Wanted = frozenset[str] | None
"""The names that will be read of what is loaded; None if that is not known."""


class Batch(Protocol):
    """What a field asks of each of many sources of one kin; equal ones are asked together."""

    async def load(self, context: Any, sources: Sequence[Any], wanted: Wanted) -> Sequence[Any]:  # noqa: ANN401 - the context is its user's
        """Return what was asked for each source."""
        ...


class Batches(DataLoader[Any, Any]):
    """Loads batches for sources that are alike. It remembers: it must not outlive its operation."""

    def __init__(self, context: object) -> None:
        super().__init__()
        self._context = context

    def load(self, key: tuple[Batch, Any]) -> asyncio.Future[Any]:
        # Others may wait for the same answer: who is cancelled, beside a failure, must not end it.
        answer = super().load(key)
        shielded = asyncio.shield(answer)
        for each in (answer, shielded):
            each.add_done_callback(_heed)
        return shielded

    async def batch_load_fn(self, keys: Sequence[tuple[Batch, Any]]) -> list[Any]:
        alike = defaultdict[tuple[Batch, object], list[Any]](list)
        for batch, source in keys:
            alike[batch, _kin(source)].append(source)
        found: dict[tuple[Batch, int], Any] = {}
        for (batch, _), sources in alike.items():
            loaded(type(batch).__name__, len(sources))
            try:
                answers: Sequence[Any] = await batch.load(self._context, sources, None)
            except Exception as failure:
                answers = [failure] * len(sources)
            for source, answer in zip(sources, answers, strict=True):
                found[batch, id(source)] = answer
        return [found[batch, id(source)] for batch, source in keys]


def _heed(answer: asyncio.Future[Any]) -> None:
    """Look at a failure for which nobody waits any more, or asyncio will complain of it."""
    if not answer.cancelled():
        answer.exception()


def _kin(source: object) -> object:
    """Return what sources must share to be asked together; None for the root."""
    return getattr(source, "kin", None)
