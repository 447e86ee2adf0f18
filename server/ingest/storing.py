"""Stores a batch of records: each once, in one transaction with what is refused of them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.arrivals import Moving, take_rooms
from server.db import Database
from server.filling import fill
from server.ingest import quarantine
from server.ingest.places import Places, places_of
from server.ingest.quarantine import Kept
from server.ingest.reading import said_by
from server.ingest.refusals import Refusal
from server.ingest.sorting import Batch, Sorted, read_batch, sort
from server.records.quarantine import RefusalCode
from server.sealing.withdrawn import EVERY, Withdrawn, withdrawn_from
from server.timestamps import now

ADDING = "write:events"
"""The scope that a key needs in order to add records."""

MOST_RECORDS = 5_000
"""How many records one batch may hold."""

_ATTEMPTS = 5
"""How often a batch is tried anew because another one stored one of its records meanwhile."""

_PATIENCE_SECONDS = 20.0
"""How long a batch waits for its experiment to be moved, holding nothing meanwhile."""

_TRY_AGAIN_SECONDS = 0.1

_TOGETHER = Refusal(
    RefusalCode.BATCH_REFUSED,
    "Another record of the batch was refused, and it was to be stored as a whole or not at all: "
    "correct that one, and send all again.",
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was not stored, by its index in the batch."""

    index: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: `stored` records are new, `unchanged` ones were there already."""

    stored: int
    unchanged: int
    refused: Sequence[Refused]

    @property
    def accepted(self) -> int:
        return self.stored + self.unchanged

    @property
    def sent(self) -> int:
        return self.accepted + len(self.refused)


async def ingest(
    db: Database, actor: Actor, records: Sequence[object], *, atomic: bool = False
) -> Outcome:
    """Store what can be stored of a batch, and put the rest into quarantine; Forbidden.

    What is there already changes nothing. If it is `atomic`, one refused record refuses all.
    """
    return await store(db, actor, await read_batch(records), atomic=atomic)


async def store(db: Database, actor: Actor, batch: Batch, *, atomic: bool = False) -> Outcome:
    """Do the same with a batch that has been read."""
    actor.require(ADDING)
    attempts, until = 0, time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            async with db.write() as tx:
                return await _store(tx, actor, batch, atomic=atomic)
        except IntegrityError:
            attempts += 1
            if attempts == _ATTEMPTS:
                raise
        except Moving:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(_TRY_AGAIN_SECONDS)


async def ingest_within(tx: AsyncConnection, actor: Actor, records: Sequence[object]) -> Outcome:
    """Store what can be stored of a batch in a transaction that is somebody else's; Forbidden."""
    actor.require(ADDING)
    return await _store(tx, actor, await read_batch(records), atomic=False)


async def _store(tx: AsyncConnection, actor: Actor, batch: Batch, *, atomic: bool) -> Outcome:
    named = {said["room_id"] for _, said in batch.read.values()}
    places = await places_of(tx, actor, named | _rooms_of(batch))
    await take_rooms(tx, places.room_keys)
    withdrawn = await withdrawn_from(tx, places.experiment_keys)  # by now: nobody seals meanwhile
    sorted_ = await sort(tx, batch, places, withdrawn)
    if atomic and sorted_.refused:
        told = {index: sorted_.refused.get(index, _TOGETHER) for index in range(len(batch.records))}
        sorted_ = Sorted({}, [], told)
    for record_type, rows in sorted_.new.items():
        await fill(tx, record_type.value.model, rows)
    await _keep_aside(tx, actor, batch, places, withdrawn, sorted_)
    return Outcome(
        sorted_.stored,
        len(sorted_.accepted) - sorted_.stored,
        [Refused(index, refusal) for index, refusal in sorted(sorted_.refused.items())],
    )


async def _keep_aside(
    tx: AsyncConnection,
    actor: Actor,
    batch: Batch,
    places: Places,
    withdrawn: Withdrawn,
    sorted_: Sorted,
) -> None:
    kept = [
        Kept(record, refusal, _experiment_of(record, places))
        for record, refusal in (
            (batch.records[index], refusal) for index, refusal in sorted_.refused.items()
        )
        if not _is_withdrawn(record, places, withdrawn)
    ]
    if kept:
        await quarantine.keep(tx, actor.user_key, now(), kept)
    if sorted_.accepted and await quarantine.has_any(tx, actor.user_key):
        accepted = [batch.records[index] for index in sorted_.accepted]
        await quarantine.release(tx, actor.user_key, accepted)


def _is_withdrawn(record: object, places: Places, withdrawn: Withdrawn) -> bool:
    """Say whether a record, whatever is wrong with it, is of somebody who has withdrawn from it."""
    said = said_by(record)
    room, person, name = (
        places.get(said.get("roomId")),
        said.get("participantId"),
        said.get("dataType"),
    )
    if room is None or not isinstance(person, str):
        return False
    types = withdrawn.types(room.experiment_key, person)
    return types == EVERY or name in {each.name for each in types}


def _experiment_of(record: object, places: Places) -> int | None:
    room = places.get(said_by(record).get("roomId"))
    return None if room is None else room.experiment_key


def _rooms_of(batch: Batch) -> set[str]:
    """Return the rooms that refused records name: whose they are tells who is shown them."""
    named: set[str] = set()
    for index in batch.refused:
        room = said_by(batch.records[index]).get("roomId")
        if isinstance(room, str) and "\0" not in room:
            named.add(room)
    return named
