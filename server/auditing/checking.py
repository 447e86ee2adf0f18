"""Whether the audit log is whole: each entry's hash must be made of it and of the one before."""

from dataclasses import dataclass

from server.audit import hash_of
from server.auditing.entries import entries
from server.db import Database


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    count   how many entries fit, from the first on
    newest  the hash of the last of them; empty if there is none
    wrong   the number of the first entry that does not fit; None if all do
    met     whether the hash that was to be there is; True if none was named
    """

    count: int
    newest: str
    wrong: int | None
    met: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be wrong: a tail that was cut off shows by a hash alone."""
        return self.wrong is None and self.met


async def check(db: Database, expected: str | None = None) -> Checked:
    """Follow the chain from the first entry, up to one that does not fit."""
    count, before, met = 0, "", expected is None
    async for entry in entries(db):
        if hash_of(entry, before) != entry["hash"]:
            return Checked(count, before, entry["id"], met)
        count, before = count + 1, entry["hash"]
        met = met or before == expected
    return Checked(count, before, None, met)
