"""What would go: counted before anybody confirms that it is to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.erasure.places import PLACES, naming, parts
from server.erasure.subjects import PEOPLE, Subject
from server.export.holding import HeldBy, holding
from server.records import RecordType
from server.records.quarantine import QuarantinedRecord
from server.records.recordings import Recording
from server.records.tallies import Tally
from server.sealing.store import sealed_counts


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go. `mentions` are rows of others that may get a tombstone."""

    participants: int
    records: Mapping[RecordType, int]
    sealed: int
    media: int
    quarantined: int
    mentions: int
    exports: Sequence[HeldBy]


async def preview(
    tx: AsyncConnection, experiment_key: int, subject: Subject | None = None
) -> Preview:
    """Count what would go of a person, or of a whole experiment."""
    keys = subject.participant_keys if subject else await _everybody(tx, experiment_key)
    refused: ColumnElement[bool] = col(QuarantinedRecord.experiment_key) == experiment_key
    if subject:
        refused = refused & (col(QuarantinedRecord.participant_id) == subject.participant_id)
    media = [col(Recording.storage_key).is_not(None), _of(Recording, experiment_key, subject)]
    sealed = await sealed_counts(tx, keys)
    return Preview(
        participants=len(keys),
        records=await _records(tx, experiment_key, subject),
        sealed=sum(sealed.values()),
        media=await _count(tx, Recording, *media),
        quarantined=await _count(tx, QuarantinedRecord, refused),
        mentions=await _mentions(tx, experiment_key, subject) if subject else 0,
        exports=await _exports(tx, experiment_key, keys if subject else (None,)),
    )


async def _records(
    tx: AsyncConnection, experiment_key: int, subject: Subject | None
) -> Mapping[RecordType, int]:
    counted = select(col(Tally.data_type), func.sum(col(Tally.record_count)))
    found = await tx.execute(
        counted.where(_of(Tally, experiment_key, subject)).group_by(col(Tally.data_type))
    )
    there = {name: int(count) for name, count in found}
    return {each: there.get(each.name, 0) for each in RecordType}


async def _mentions(tx: AsyncConnection, experiment_key: int, subject: Subject) -> int:
    found = Counter[str]()
    for place in PLACES:
        for room in await parts(tx, place, experiment_key):
            keys = await naming(tx, place, experiment_key, room, subject)
            found[place.model.__name__] += len(keys)
    return found.total()


async def _exports(
    tx: AsyncConnection, experiment_key: int, keys: Sequence[int | None]
) -> Sequence[HeldBy]:
    held: dict[int, HeldBy] = {}
    for key in keys:
        held |= {each.export_key: each for each in await holding(tx, experiment_key, key)}
    return [held[key] for key in sorted(held)]


async def _everybody(tx: AsyncConnection, experiment_key: int) -> Sequence[int]:
    keys: list[int] = []
    for model in PEOPLE:
        here = col(model.experiment_key) == experiment_key
        keys += [key for key in await tx.scalars(select(col(model.id)).where(here)) if key]
    return keys


async def _count(tx: AsyncConnection, model: type[Any], *where: ColumnElement[bool]) -> int:
    return await tx.scalar(select(func.count()).select_from(model).where(*where)) or 0


def _of(model: Any, experiment_key: int, subject: Subject | None) -> ColumnElement[bool]:  # noqa: ANN401 - a table's
    clause: ColumnElement[bool] = model.experiment_key == experiment_key
    return clause & col(model.participant_key).in_(subject.participant_keys) if subject else clause
