"""Which batches were taken in before, so that an import that was broken off is soon where it was.

A batch is known by the digest of all its records, and of when their experiments were made. It is
passed over only if each of its records is there still: records are never changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import orjson
from sqlalchemy import func, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.importing.outside.fields import id_field
from server.importing.outside.ids import PREFIXES
from server.importing.outside.sources import Sent
from server.records import RecordType

FILE = "imported-batches"
"""Its name in the data folder."""


class Ledger:
    """The digests of batches of which nothing was refused, a line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text("ascii", "replace") if path.exists() else ""
        self._known = set(text.split())

    def __contains__(self, digest: str | None) -> bool:
        return digest in self._known

    def add(self, digest: str) -> None:
        """Note a batch that is stored."""
        if digest not in self._known:
            self._known.add(digest)
            with self._path.open("a", encoding="ascii") as lines:
                lines.write(f"\n{digest}\n")  # what a crash cut off is a line of its own


def digest_of(batch: Sequence[Sent], made: Mapping[str, int]) -> str | None:
    """Return what tells a batch from any other; None if it cannot be told.

    made  when the experiments were made that it is for
    """
    try:
        text = orjson.dumps([made, [sent.record for sent in batch]])
    except TypeError:  # a number of more than 64 bits, for one
        return None
    return blake2b(text, digest_size=16).hexdigest()


async def are_there(
    tx: AsyncConnection, batch: Iterable[Sent], experiment_keys: Mapping[str, int]
) -> bool:
    """Say whether there is a record for each of a batch, by ids alone."""
    named: dict[tuple[RecordType, int], set[str]] = defaultdict(set)
    for sent in batch:
        record_type = RecordType[sent.record["dataType"]]
        if record_type not in PREFIXES:
            return False  # it has no id of its own
        key = experiment_keys[sent.record["experimentId"]]
        named[record_type, key].add(sent.record[id_field(record_type)])
    for (record_type, experiment_key), ids in named.items():
        model = record_type.value.model
        columns = inspect(model).columns
        there = select(func.count()).where(
            columns["experiment_key"] == experiment_key, columns[model.identity[0]].in_(ids)
        )
        if await tx.scalar(there) != len(ids):
            return False
    return True
