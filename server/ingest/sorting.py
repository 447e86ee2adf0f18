"""What becomes of each record of a batch: it is new, there already, or refused for a reason."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from pydantic.alias_generators import to_camel
from sqlalchemy.ext.asyncio import AsyncConnection

from server.ingest import duplicates
from server.ingest.duplicates import Known
from server.ingest.places import KnownRoom, Places
from server.ingest.reading import read, said_by, type_of
from server.ingest.refusals import Refusal, Unreadable
from server.records import RecordType
from server.records.base import Place
from server.records.checks import EXPERIMENT_START, Check
from server.records.quarantine import RefusalCode
from server.sealing.withdrawn import Withdrawn

_AT_ONCE = 100
"""How many records are looked at before others have their turn: less than a millisecond."""

_NOT_STORED = ("data_type", *Place.model_fields)
"""What is said of a record, but has no column of its own."""

_INT32 = 2**31

Item = TypeVar("Item")
_Placed = tuple[int, dict[str, Any], int | None]
"""A record's index in its batch, its row, and its room's experiment start."""

_WITHDRAWN = Refusal(
    RefusalCode.CONSENT_WITHDRAWN,
    "Its participant has withdrawn, or does not consent to this data type: nothing of it is kept, "
    "so do not send it again.",
    "participantId",
)

_TAKEN = Refusal(
    RefusalCode.ID_TAKEN,
    "There is a record of that id in the experiment, and it says something else: what is stored "
    "stays as it is. Send it under an id of its own.",
)


@dataclass(slots=True)
class Batch:
    """A batch on its way: what was read of each record, or why it is refused, by index."""

    records: Sequence[object]
    read: dict[int, tuple[RecordType, dict[str, Any]]] = field(
        default_factory=dict[int, tuple[RecordType, dict[str, Any]]]
    )
    refused: dict[int, Refusal] = field(default_factory=dict[int, Refusal])


@dataclass(slots=True)
class Sorted:
    """A batch of which it is known what becomes of each record."""

    new: dict[RecordType, list[dict[str, Any]]]
    accepted: list[int]
    refused: dict[int, Refusal]

    @property
    def stored(self) -> int:
        return sum(map(len, self.new.values()))


async def read_batch(records: Sequence[object]) -> Batch:
    """Read each record as its type declares, and give others their turn meanwhile."""
    batch = Batch([each.text if isinstance(each, Unreadable) else each for each in records])
    async for some in _in_turns(enumerate(records)):
        for index, record in some:
            try:
                if isinstance(record, Unreadable):
                    raise record.refusal
                record_type = type_of(record)
                said = read(record_type, said_by(record))
                batch.read[index] = record_type, said
            except Refusal as refusal:
                batch.refused[index] = refusal
    return batch


async def sort(tx: AsyncConnection, batch: Batch, places: Places, withdrawn: Withdrawn) -> Sorted:
    """Find out what becomes of each record, in the order in which they were sent."""
    placed, refused = await _place(batch, places, withdrawn)
    new: dict[RecordType, list[dict[str, Any]]] = defaultdict(list)
    accepted: list[int] = []
    for (record_type, experiment), rows in placed.items():
        there = await duplicates.stored(tx, record_type, experiment, [row for _, row, _ in rows])
        added, checks = new[record_type], record_type.value.all_checks
        async for some in _in_turns(rows):
            for index, row, start in some:
                known = there.judge(row)
                if fault := _fault(known, checks, row, start):
                    refused[index] = fault
                    continue
                accepted.append(index)
                if known is Known.NOTHING:
                    there.note(row)
                    added.append(row)
    return Sorted(new, accepted, refused)


async def _place(
    batch: Batch, places: Places, withdrawn: Withdrawn
) -> tuple[dict[tuple[RecordType, int], list[_Placed]], dict[int, Refusal]]:
    """Return the records as rows, by type and experiment, and those that are refused so far."""
    refused = dict(batch.refused)
    placed: dict[tuple[RecordType, int], list[_Placed]] = defaultdict(list)
    anybody = withdrawn.anybody
    async for some in _in_turns(batch.read.items()):
        for index, (record_type, said) in some:
            try:
                room = places.room(said["room_id"], said["experiment_id"])
                if anybody and record_type in withdrawn.types(
                    room.experiment_key, said["participant_id"]
                ):
                    raise _WITHDRAWN
                row = _placed(said, room)
                if anybody:
                    withdrawn.without(record_type, room.key, row)
            except Refusal as refusal:
                refused[index] = refusal
            else:
                placed[record_type, room.experiment_key].append((index, row, room.start))
    return placed, refused


async def _in_turns(items: Iterable[Item]) -> AsyncGenerator[Sequence[Item]]:
    """Yield items, some at a time, and let others have their turn in between."""
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
        await asyncio.sleep(0)


def _placed(said: Mapping[str, Any], room: KnownRoom) -> dict[str, Any]:
    """Return a record as a row: with keys for ids, and its onset; raise Refusal if it can't be."""
    row = {
        **said,
        "experiment_key": room.experiment_key,
        "room_key": room.key,
        "participant_key": room.key_of(said["participant_id"]),
        "onset": _onset(said, room),
    }
    for name in _NOT_STORED:
        del row[name]
    return row


def _fault(
    known: Known, checks: Sequence[Check], row: dict[str, Any], start: int | None
) -> Refusal | None:
    """Return what is wrong with what a row says; None if nothing is, or it is there just so."""
    if known is not Known.NOTHING:
        return _TAKEN if known is Known.ANOTHER else None
    row[EXPERIMENT_START] = start
    for check in checks:
        if not check.passes(row):
            break
    else:
        check = None
    del row[EXPERIMENT_START]
    if check is None:
        return None
    return Refusal(RefusalCode(check.code), check.sentence, to_camel(check.field))


def _onset(said: Mapping[str, Any], room: KnownRoom) -> int:
    given: int | None = said["onset"]
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
