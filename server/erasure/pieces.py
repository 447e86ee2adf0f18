"""A piece of an erasure: one short transaction, which counts what it does as it does it.

So whoever goes on after a crash has the right counts, and nothing is counted twice.
"""

import hashlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.arrivals import add_to
from server.db import Database
from server.erasure.subjects import Subject, read
from server.links import Signer
from server.records.erasures import Erasure, ErasureKind, ErasureStatus
from server.storage import Storage
from server.timestamps import now

LEASE_MS = 120_000
"""How long an erasure is left to a server that is silent, and not known to be dead."""


class Lost(Exception):
    """Another server has taken the erasure up."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What an erasure reaches: the database, the store, and folders on this machine."""

    db: Database
    storage: Storage
    signer: Signer
    spool: Path
    uploads: Path


@dataclass
class Piece:
    """One transaction of an erasure: what is known, and what is gone by now."""

    tx: AsyncConnection
    key: int
    kind: ErasureKind
    experiment_key: int
    subject: Subject
    counts: dict[str, Any]
    removed: int
    step: int
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def count(self, what: str, number: int, of: str | None = None) -> None:
        """Add to what is gone: of a kind, and perhaps of a type of that."""
        if not number:
            return
        if of is None:
            self.counts[what] = self.counts.get(what, 0) + number
        else:
            kinds = self.counts.setdefault(what, {})
            kinds[of] = kinds.get(of, 0) + number

    def hash(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows that go into the hash of all that went, behind a salt that is thrown away."""
        before = self.counts.get("hash") or self.subject.salt
        taken = hashlib.sha256(before.encode())
        for row in rows:
            taken.update(repr(sorted(row.items())).encode("utf-8", "surrogatepass"))
        self.counts["hash"] = taken.hexdigest()


@dataclass(frozen=True, slots=True)
class Run:
    """An erasure that this server has taken up."""

    tools: Tools
    key: int
    fence: int

    @asynccontextmanager
    async def piece(self) -> AsyncGenerator[Piece]:
        """Open a transaction of the erasure's; Lost if it is another server's by now."""
        this = (
            col(Erasure.id) == self.key,
            col(Erasure.fence) == self.fence,
            col(Erasure.status) == ErasureStatus.RUNNING,
        )
        async with self.tools.db.write() as tx:
            locked = select(Erasure).where(*this).with_for_update()
            if (row := (await tx.execute(locked)).one_or_none()) is None:
                raise Lost
            await add_to(tx, row.experiment_key)  # nobody moves its records meanwhile
            subject = read(row.subject) if row.subject else Subject()
            piece = Piece(
                tx,
                self.key,
                ErasureKind(row.kind),
                row.experiment_key,
                subject,
                dict(row.counts),
                row.removed_count,
                row.step,
            )
            yield piece
            kept = {"subject": piece.subject.stored()} if piece.subject is not subject else {}
            values = {
                "counts": piece.counts,
                "removed_count": piece.removed,
                "lease_until": now() + LEASE_MS,
                **kept,
                **piece.values,
            }
            await tx.execute(update(Erasure).where(*this).values(values))
