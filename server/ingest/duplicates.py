"""Which records are there already: each is stored once, however often it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from server.column_types import JsonType, dump_json
from server.records import RecordType

_ASKED = 5_000
"""How many ids are looked for in one statement: databases take only some thousands."""

_NOT_COMPARED = {"onset", "experiment_key"}
"""An onset follows from the timestamp, and moves when the room's start is corrected."""

Said = Mapping[str, Any]
"""What a record says, by column: JSON as text, keys for ids."""


class Known(Enum):
    """What the database knows of a record."""

    NOTHING = "it is new"
    THE_SAME = "it is there"
    ANOTHER = "its id is another record's"


@dataclass(slots=True)
class Stored:
    """The records of one type and experiment that are there, by what names one.

    What a batch adds is noted too, so that a record that comes in it twice is known by then.
    """

    record_type: RecordType
    rows: dict[tuple[Any, ...], Said]

    def judge(self, said: Said) -> Known:
        """Say whether a record is there, and note it if it is not.

        It is the same one if nothing that it says is otherwise there.
        """
        name = tuple(said[column] for column in self.record_type.value.model.identity)
        if (there := self.rows.get(name)) is None:
            self.rows[name] = said
            return Known.NOTHING
        same = all(
            _is_same(self.record_type, column, value, there.get(column))
            for column, value in said.items()
            if column not in _NOT_COMPARED
        )
        return Known.THE_SAME if same else Known.ANOTHER


async def stored(
    tx: AsyncConnection, record_type: RecordType, experiment_key: int, records: Sequence[Said]
) -> Stored:
    """Look for records that bear the ids of these."""
    model = record_type.value.model
    columns = inspect(model).columns
    kinds: Mapping[str, TypeEngine[Any]] = {each.key: each.type for each in columns}
    first = model.identity[0]
    names = list({said[first] for said in records})
    rows: dict[tuple[Any, ...], Said] = {}
    for start in range(0, len(names), _ASKED):
        found = await tx.execute(
            select(*columns).where(
                columns["experiment_key"] == experiment_key,
                columns[first].in_(names[start : start + _ASKED]),
            )
        )
        for row in found.mappings():
            there = {name: _as_said(kinds[name], value) for name, value in row.items()}
            rows[tuple(there[column] for column in model.identity)] = there
    return Stored(record_type, rows)


def _as_said(kind: TypeEngine[Any], value: object) -> object:
    """Return a stored value as records say it: JSON is text."""
    return dump_json(value) if isinstance(kind, JsonType) and value is not None else value


def _is_same(record_type: RecordType, column: str, said: object, there: object) -> bool:
    if said == there or not isinstance(said, str) or not isinstance(there, str):
        return said == there
    kind = inspect(record_type.value.model).columns[column].type
    return isinstance(kind, JsonType) and orjson.loads(said) == orjson.loads(there)
