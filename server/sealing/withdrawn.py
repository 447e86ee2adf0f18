"""Who has withdrawn, of which data types; and lists of people's ids without those who have."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, inspect, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.column_types import JsonType, dump_json
from server.key_lists import among
from server.records import RecordType
from server.records.columns import Identifies
from server.records.participants import Participant
from server.records.sealed import SealedParticipant
from server.records.withdrawals import Withdrawal
from server.timestamps import Timestamp, now

EVERY = frozenset(RecordType)

Person = tuple[int, str]
"""The key of an experiment, and a participant id."""

LISTS_OF_PEOPLE: Mapping[RecordType, Sequence[str]] = {
    each: [
        column.key
        for column in inspect(each.value.model).columns
        if column.info.get("identifies") is Identifies.DIRECTLY
        and isinstance(column.type, JsonType)
    ]
    for each in RecordType
}
"""The columns of each data type that are lists of participant ids, such as recipients."""


def stand_in(participant_key: int) -> str:
    """Return what stands in others' records for somebody who has withdrawn."""
    return f"withdrawn-{participant_key}"


def holds(at: Timestamp) -> ColumnElement[bool]:
    """Return the clause that keeps the withdrawals that hold at a moment.

    One that was carried out holds, whatever a clock says.
    """
    begun = or_(col(Withdrawal.from_at) <= at, col(Withdrawal.sealed_at).is_not(None))
    return and_(col(Withdrawal.lifted_at).is_(None), begun)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Who has withdrawn from some experiments, and of which types.

    _keys  in each room, the keys of those who have withdrawn from all, by participant id
    """

    _types: Mapping[Person, frozenset[RecordType]]
    _keys: Mapping[int, Mapping[str, int]] = field(default_factory=dict[int, Mapping[str, int]])

    @property
    def anybody(self) -> bool:
        """Whether anybody has: mostly nobody."""
        return bool(self._types)

    def types(self, experiment_key: int, participant_id: str) -> frozenset[RecordType]:
        """Return the types of which somebody has withdrawn."""
        return self._types.get((experiment_key, participant_id), frozenset())

    def wholly(self, experiment_key: int, participant_id: str) -> bool:
        """Say whether somebody has withdrawn from all of an experiment."""
        return self.types(experiment_key, participant_id) == EVERY

    def without(self, record_type: RecordType, room_key: int, row: dict[str, Any]) -> None:
        """Put stand-ins into a row's lists of people, JSON as text, for who has withdrawn."""
        if gone := self._keys.get(room_key):
            for name in LISTS_OF_PEOPLE[record_type]:
                row[name] = replaced(row[name], {each: stand_in(key) for each, key in gone.items()})


def replaced(text: str | None, others: Mapping[str, str]) -> str | None:
    """Return a JSON list of texts with some in the place of others."""
    if text is None or not any(each in text for each in others):
        return text
    listed: list[str] = orjson.loads(text)
    changed = [others.get(each, each) for each in listed]
    return text if changed == listed else dump_json(changed)


async def withdrawn_from(
    tx: AsyncConnection, experiment_keys: Collection[int], besides: int = 0
) -> Withdrawn:
    """Find out who has withdrawn by now from some experiments; one withdrawal does not count."""
    held = select(
        col(Withdrawal.experiment_key),
        col(Withdrawal.participant_id),
        col(Withdrawal.data_types),
    ).where(
        among(col(Withdrawal.experiment_key), list(experiment_keys)),
        holds(now()),
        col(Withdrawal.id) != besides,
    )
    types: dict[Person, frozenset[RecordType]] = defaultdict(frozenset)
    for experiment, person, names in await tx.execute(held):
        types[experiment, person] |= EVERY if names is None else {RecordType[n] for n in names}
    wholly = {person for person, some in types.items() if some == EVERY}
    return Withdrawn(dict(types), await _keys(tx, wholly) if wholly else {})


async def _keys(tx: AsyncConnection, people: Collection[Person]) -> Mapping[int, Mapping[str, int]]:
    keys: dict[int, dict[str, int]] = defaultdict(dict)
    experiments = list({experiment for experiment, _ in people})
    for model in (Participant, SealedParticipant):
        found = await tx.execute(
            select(
                col(model.experiment_key),
                col(model.room_key),
                col(model.participant_id),
                col(model.id),
            ).where(
                among(col(model.experiment_key), experiments),
                col(model.participant_id).in_([person for _, person in people]),
            )
        )
        for experiment, room, person, key in found:
            if key is not None and (experiment, person) in people:
                keys[room][person] = key
    return keys
