"""Stores a batch of records: each once, in one transaction with what is refused of them."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_origin

from pydantic.alias_generators import to_camel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.arrivals import take_rooms
from server.column_types import dump_json
from server.db import Database
from server.filling import fill
from server.ingest import duplicates, quarantine
from server.ingest.duplicates import Known
from server.ingest.places import KnownRoom, Places, places_of
from server.ingest.quarantine import Kept
from server.ingest.reading import read, said_by, type_of
from server.ingest.refusals import Refusal
from server.records import RecordType
from server.records.base import Place
from server.records.checks import EXPERIMENT_START
from server.records.quarantine import RefusalCode
from server.timestamps import now

ADDING = "write:events"
"""The scope that a key needs in order to add records."""

_AT_ONCE = 250
"""How many records are read before others have their turn: some milliseconds."""

_ATTEMPTS = 5
"""How often a batch is tried anew because another one stored one of its records meanwhile."""

_NOT_STORED = ("data_type", EXPERIMENT_START, *Place.model_fields)
"""What is said, or known, of a record, but has no column of its own."""

_INT32 = 2**31

_TAKEN = Refusal(
    RefusalCode.ID_TAKEN,
    "There is a record of that id in the experiment, and it says something else: what is stored "
    "stays as it is. Send it under an id of its own.",
)
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


@dataclass(slots=True)
class _Batch:
    """A batch on its way: what was read of each record, or why it is refused, by index."""

    records: Sequence[object]
    read: dict[int, tuple[RecordType, dict[str, Any]]] = field(
        default_factory=dict[int, tuple[RecordType, dict[str, Any]]]
    )
    refused: dict[int, Refusal] = field(default_factory=dict[int, Refusal])


@dataclass(slots=True)
class _Sorted:
    """A batch of which it is known what becomes of each record."""

    new: dict[RecordType, list[dict[str, Any]]]
    accepted: list[int]
    refused: dict[int, Refusal]
    stored: int


async def ingest(
    db: Database, actor: Actor, records: Sequence[object], *, atomic: bool = False
) -> Outcome:
    """Store what can be stored of a batch, and put the rest into quarantine; Forbidden.

    What is there already changes nothing. If it is `atomic`, one refused record refuses all.
    """
    actor.require(ADDING)
    batch = await _read(records)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with db.write() as tx:
                return await _store(tx, actor, batch, atomic=atomic)
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError


async def ingest_within(tx: AsyncConnection, actor: Actor, records: Sequence[object]) -> Outcome:
    """Store what can be stored of a batch in a transaction that is somebody else's; Forbidden."""
    actor.require(ADDING)
    return await _store(tx, actor, await _read(records), atomic=False)


async def _read(records: Sequence[object]) -> _Batch:
    batch = _Batch(records)
    for index, record in enumerate(records):
        if index % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        try:
            record_type = type_of(record)
            said = read(record_type, said_by(record))
            batch.read[index] = record_type, said
        except Refusal as refusal:
            batch.refused[index] = refusal
    return batch


async def _store(tx: AsyncConnection, actor: Actor, batch: _Batch, *, atomic: bool) -> Outcome:
    named = {said["room_id"] for _, said in batch.read.values()}
    places = await places_of(tx, actor, named | _rooms_of(batch))
    await take_rooms(tx, places.room_keys)
    sorted_ = await _sort(tx, batch, places)
    if atomic and sorted_.refused:
        told = {index: sorted_.refused.get(index, _TOGETHER) for index in range(len(batch.records))}
        sorted_ = _Sorted({}, [], told, 0)
    for record_type, rows in sorted_.new.items():
        await fill(tx, record_type.value.model, rows)
    await _keep_aside(tx, actor, batch, places, sorted_)
    return Outcome(
        sorted_.stored,
        len(sorted_.accepted) - sorted_.stored,
        [Refused(index, refusal) for index, refusal in sorted(sorted_.refused.items())],
    )


async def _sort(tx: AsyncConnection, batch: _Batch, places: Places) -> _Sorted:
    """Find out what becomes of each record, in the order in which they were sent."""
    refused = dict(batch.refused)
    placed: dict[tuple[RecordType, int], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for index, (record_type, said) in batch.read.items():
        try:
            row = _placed(record_type, said, places)
        except Refusal as refusal:
            refused[index] = refusal
        else:
            placed[record_type, row["experiment_key"]].append((index, row))
    new: dict[RecordType, list[dict[str, Any]]] = defaultdict(list)
    accepted: list[int] = []
    stored = 0
    for (record_type, experiment), rows in placed.items():
        there = await duplicates.stored(tx, record_type, experiment, [row for _, row in rows])
        template = _template(record_type)
        for index, row in rows:
            known = there.judge(row)
            if known is Known.ANOTHER:
                refused[index] = _TAKEN
                continue
            accepted.append(index)
            if known is Known.NOTHING:
                stored += 1
                new[record_type].append({**template, **row})
    return _Sorted(new, accepted, refused, stored)


def _placed(record_type: RecordType, said: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """Return a record as a row: with keys for ids, and its onset; raise Refusal if it can't be."""
    room = places.room(said["room_id"], said.get("experiment_id"))
    row = {
        **said,
        "experiment_key": room.experiment_key,
        "room_key": room.key,
        "participant_key": room.key_of(said["participant_id"]),
        "onset": _onset(said, room),
    }
    row[EXPERIMENT_START] = room.start
    for check in record_type.value.all_checks:
        if not check.passes(row):
            raise Refusal(RefusalCode(check.code), check.sentence, to_camel(check.field))
    for name in _NOT_STORED:
        row.pop(name, None)
    return row


def _onset(said: Mapping[str, Any], room: KnownRoom) -> int:
    given: int | None = said.get("onset")
    if given is not None:
        return given
    if room.start is None:
        raise Refusal(
            RefusalCode.ROOM_NOT_STARTED,
            "Nobody has said yet when the room's experiment started: give an `onset`, or set "
            "`experimentStart` by `roomUpsert` and send the record again.",
            "onset",
        )
    onset: int = said["timestamp"] - room.start
    if abs(onset) >= _INT32:
        raise Refusal(
            RefusalCode.ONSET_DISAGREES,
            "It is weeks from the room's experiment start: correct the `timestamp`.",
            "timestamp",
        )
    return onset


@cache
def _template(record_type: RecordType) -> Mapping[str, Any]:
    """Return what stands in the columns of which a record says nothing."""
    nothing: dict[str, Any] = {}
    for name, column in record_type.value.base.model_fields.items():
        if not column.is_required():
            default: Any = column.get_default(call_default_factory=True)
            is_list = get_origin(column.annotation) is list
            nothing[name] = dump_json(default) if is_list else default
    return nothing


async def _keep_aside(
    tx: AsyncConnection, actor: Actor, batch: _Batch, places: Places, sorted_: _Sorted
) -> None:
    kept = [
        Kept(record, refusal, _experiment_of(record, places))
        for record, refusal in (
            (batch.records[index], refusal) for index, refusal in sorted_.refused.items()
        )
    ]
    if kept:
        await quarantine.keep(tx, actor.user_key, now(), kept)
    if sorted_.accepted and await quarantine.has_any(tx, actor.user_key):
        accepted = [batch.records[index] for index in sorted_.accepted]
        await quarantine.release(tx, actor.user_key, accepted)


def _experiment_of(record: object, places: Places) -> int | None:
    room = places.get(said_by(record).get("roomId"))
    return None if room is None else room.experiment_key


def _rooms_of(batch: _Batch) -> set[str]:
    """Return the rooms that refused records name: whose they are tells who is shown them."""
    named: set[str] = set()
    for index in batch.refused:
        room = said_by(batch.records[index]).get("roomId")
        if isinstance(room, str) and "\0" not in room:
            named.add(room)
    return named
