"""Records on their way back from the seal: some at a time, each just as it was."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Stored
from server.filling import fill
from server.key_lists import among, among_texts
from server.records import RecordType
from server.records.participants import Participant
from server.records.quarantine import QuarantinedRecord
from server.records.rooms import Room
from server.records.sealed import SealedParticipant, SealedRecord
from server.sealing.records import QUARANTINE
from server.sealing.store import Seat
from server.sealing.withdrawn import LISTS_OF_PEOPLE, Withdrawn, replaced, stand_in

AT_ONCE = 1_000
"""How many rows are moved in one transaction: a tenth of a second."""


async def restore_records(
    tx: AsyncConnection, seat: Seat, names: Sequence[str], withdrawn: Withdrawn
) -> int:
    """Put some of a participant's sealed records back, of one of some types; return how many."""
    sealed = await tx.execute(
        select(SealedRecord)
        .where(
            col(SealedRecord.participant_key) == seat[1],
            col(SealedRecord.data_type).in_(names),
            col(SealedRecord.displaced).is_(False),
        )
        .order_by(col(SealedRecord.data_type), col(SealedRecord.id))
        .limit(AT_ONCE)
    )
    some = list(sealed)
    alike = [each for each in some if each.data_type == some[0].data_type]
    if not alike:
        return 0
    rows = {each.id: json.loads(each.content) for each in alike}
    if alike[0].data_type == QUARANTINE:
        await _requarantine(tx, list(rows.values()))
        await _forget(tx, list(rows))
        return len(rows)
    record_type = RecordType[alike[0].data_type]
    people = await _people(tx, seat[0])
    start = await tx.scalar(select(col(Room.experiment_start)).where(col(Room.id) == seat[0]))
    for each in alike:
        row = rows[each.id]
        _follow_start(record_type, row, each.room_start, start)
        for name in LISTS_OF_PEOPLE[record_type]:
            row[name] = replaced(row[name], people)
        withdrawn.without(record_type, row["room_key"], row)
    await _put_back(tx, record_type, rows)
    return len(rows)


async def _people(tx: AsyncConnection, room_key: int) -> Mapping[str, str]:
    """Return who is, or was, in a room, by what stands for them if they have withdrawn."""
    people: dict[str, str] = {}
    for model in (Participant, SealedParticipant):
        there = select(col(model.id), col(model.participant_id)).where(
            col(model.room_key) == room_key
        )
        people |= {stand_in(key): person for key, person in await tx.execute(there) if key}
    return people


def _follow_start(
    record_type: RecordType, row: dict[str, Any], before: int | None, after: int | None
) -> None:
    """Count what counts from the room's experiment start from where that is by now."""
    if before is None or after is None or before == after:
        return
    for column in inspect(record_type.value.model).columns:
        if column.info.get("from_start") and row[column.key] is not None:
            row[column.key] += before - after


async def _put_back(
    tx: AsyncConnection, record_type: RecordType, rows: dict[int, dict[str, Any]]
) -> None:
    """Insert rows under their old keys, or others if these are another's by now.

    What is of nobody who is there, or would be a second record of its id, stays where it is.
    """
    model = record_type.value.model
    columns = inspect(model).columns
    there = set(
        await _found(tx, Participant, "id", [row["participant_key"] for row in rows.values()])
    )
    elsewhere = {each: row for each, row in rows.items() if row["participant_key"] not in there}
    first = model.identity[0]
    experiment = {row["experiment_key"] for row in rows.values()}
    names = await tx.execute(
        select(*(columns[name] for name in model.identity)).where(
            columns["experiment_key"].in_(experiment),
            among_texts(columns[first], list({row[first] for row in rows.values()})),
        )
    )
    known = {tuple(name) for name in names}
    doubled = [each for each, row in rows.items() if tuple(row[n] for n in model.identity) in known]
    kept = {each: row for each, row in rows.items() if each not in {*elsewhere, *doubled}}
    taken = set(await _found(tx, model, "id", [row["id"] for row in kept.values()]))
    for row in sorted(kept.values(), key=lambda row: row["id"] in taken):
        if row["id"] in taken:
            del row["id"]
    await fill(tx, model, [row for row in kept.values() if "id" in row])
    await fill(tx, model, [row for row in kept.values() if "id" not in row])
    await _forget(tx, list(kept))
    await _leave_with(tx, elsewhere)
    await tx.execute(
        update(SealedRecord).where(col(SealedRecord.id).in_(doubled)).values(displaced=True)
    )


async def _leave_with(tx: AsyncConnection, rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Leave records sealed with those with whom they were kept, if they are sealed themselves."""
    owners = [row["participant_key"] for row in rows.values()]
    sealed = set(await _found(tx, SealedParticipant, "id", owners))
    for each, row in rows.items():
        owner = row["participant_key"]
        with_them = {"participant_key": owner} if owner in sealed else {"displaced": True}
        await tx.execute(update(SealedRecord).where(col(SealedRecord.id) == each).values(with_them))


async def _requarantine(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Put refused records back into quarantine, unless they were sent again meanwhile."""
    for row in rows:
        del row["room_key"], row["id"]
        again = select(col(QuarantinedRecord.id)).where(
            col(QuarantinedRecord.sender_key) == row["sender_key"],
            col(QuarantinedRecord.digest) == row["digest"],
        )
        if await tx.scalar(again) is None:
            await tx.execute(insert(QuarantinedRecord).values(row))


async def _found(
    tx: AsyncConnection, model: type[Stored], name: str, keys: Sequence[int]
) -> Sequence[int]:
    column = _columns(model)[name]
    return (await tx.scalars(select(column).where(among(column, list(set(keys)))))).all()


def _columns(model: type[Stored]) -> Mapping[str, ColumnElement[Any]]:
    return {column.key: column for column in inspect(model).columns}


async def _forget(tx: AsyncConnection, keys: Sequence[int]) -> None:
    await tx.execute(delete(SealedRecord).where(among(col(SealedRecord.id), list(keys))))
