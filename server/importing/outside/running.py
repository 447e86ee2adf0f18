"""An import of data from elsewhere: in batches, each kept by itself, so that it may be resumed."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncConnection

from server.db import Database
from server.importing.outside.ledger import Ledger, are_there, digest_of
from server.importing.outside.places import Places
from server.importing.outside.refused import Report
from server.importing.outside.sources import Sent, Source, Wishes
from server.importing.owners import acting
from server.importing.packages import Tell
from server.ingest.storing import Outcome, ingest, ingest_within
from server.records import RecordType

BATCH = 5_000
"""Records that are taken in at once."""


@dataclass
class TakenIn:
    """What became of all records: `stored` ones are new, `unchanged` ones were there already.

    counts  how many were accepted of each type, by what people call it
    """

    places: Places
    report: Report
    notes: list[str]
    stored: int = 0
    unchanged: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])

    def add(self, batch: Sequence[Sent], outcome: Outcome) -> None:
        self.stored += outcome.stored
        self.unchanged += outcome.unchanged
        refused = {each.index for each in outcome.refused}
        for each in outcome.refused:
            self.report.add(batch[each.index], each.refusal)
        self.counts.update(
            RecordType[sent.record["dataType"]].value.title
            for index, sent in enumerate(batch)
            if index not in refused
        )


@dataclass(frozen=True)
class Intake:
    """Where data from elsewhere goes: an account's experiments, or nowhere in a dry run."""

    db: Database
    ledger: Ledger
    owner: str | None = None
    dry_run: bool = False


async def take_in(
    intake: Intake, source: Source, wishes: Wishes, tell: Tell, report: Report
) -> TakenIn:
    """Take in what can be; the rest goes into quarantine, and into the report.

    What is there already changes nothing, so what was broken off is done by doing it again. A dry
    run is one transaction, which is undone.
    """
    async with AsyncExitStack() as stack:
        undone = await stack.enter_async_context(_undone(intake.db)) if intake.dry_run else None
        async with _writing(intake.db, undone) as tx:
            actor = await acting(tx, intake.owner, wishes.into)
        taken = TakenIn(Places(actor, source, wishes.start), report, source.notes)
        for batch in _batches(source.records(tell)):
            async with _writing(intake.db, undone) as tx:
                await taken.places.make(tx, batch)
                digest = digest_of(batch, taken.places.made)
                known = digest in intake.ledger
                there = known and await are_there(tx, batch, taken.places.experiment_keys)
            if there:
                outcome = Outcome(0, len(batch), ())
            elif undone is not None:
                outcome = await ingest_within(undone, actor, _records(batch))
            else:
                outcome = await ingest(intake.db, actor, _records(batch))
                if digest is not None and not outcome.refused:
                    intake.ledger.add(digest)
            taken.add(batch, outcome)
    return taken


@asynccontextmanager
async def _writing(db: Database, undone: AsyncConnection | None) -> AsyncGenerator[AsyncConnection]:
    """Open a transaction, or go on in the one that is undone in the end."""
    if undone is not None:
        yield undone
        return
    async with db.write() as tx:
        yield tx


def _records(batch: Sequence[Sent]) -> list[object]:
    return [sent.record for sent in batch]


def _batches(records: Iterable[Sent]) -> Iterator[list[Sent]]:
    rows = iter(records)
    while batch := list(islice(rows, BATCH)):
        yield batch


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


@asynccontextmanager
async def _undone(db: Database) -> AsyncGenerator[AsyncConnection]:
    try:
        async with db.write() as tx:
            yield tx
            raise _Undone
    except _Undone:
        pass
