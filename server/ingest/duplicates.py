"""Which records are there already: each is stored once, however often it is sent."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from operator import itemgetter
from typing import Any, cast

import orjson
from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from server.column_types import JsonType, dump_json
from server.key_lists import among_texts
from server.records import RecordType

Said = Mapping[str, Any]
"""What a record says, by column: JSON as text, keys for ids."""


class Known(Enum):
    """What the database knows of a record."""

    NOTHING = "it is new"
    THE_SAME = "it is there"
    ANOTHER = "its id is another record's"


class Stored:
    """The records of one type and experiment that are there, by what names one.

    What a batch adds is noted too, so that a record that comes in it twice is known by then.
    """

    def __init__(self, record_type: RecordType, rows: dict[Any, Said]) -> None:
        model = record_type.value.model
        self._columns = inspect(model).columns
        self._name = _naming(record_type)
        self._rows = rows

    def judge(self, said: Said) -> Known:
        """Say whether a record is there: it is if nothing that it says is otherwise there.

        A null says nothing. What counts from the room's experiment start may be otherwise, for that
        can be corrected; and so may what a file says anew, once it was uploaded.
        """
        if (there := self._rows.get(self._name(said))) is None:
            return Known.NOTHING
        settled = ("from_start", "from_file") if there.get("sha256") else ("from_start",)
        same = all(
            value is None
            or value == there[name]
            or self._is_same(name, value, there[name], settled)
            for name, value in said.items()
        )
        return Known.THE_SAME if same else Known.ANOTHER

    def note(self, said: Said) -> None:
        """Let a record be there from now on."""
        self._rows[self._name(said)] = said

    def _is_same(self, name: str, said: object, there: object, settled: Sequence[str]) -> bool:
        column = self._columns[name]
        if any(column.info.get(each) for each in settled):
            return True
        if not isinstance(said, str) or not isinstance(there, str):
            return False
        return isinstance(column.type, JsonType) and orjson.loads(said) == orjson.loads(there)


def _naming(record_type: RecordType) -> Callable[[Said], Any]:
    """Return what finds the name of a record in what it says."""
    return cast("Callable[[Said], Any]", itemgetter(*record_type.value.model.identity))


async def stored(
    tx: AsyncConnection, record_type: RecordType, experiment_key: int, records: Sequence[Said]
) -> Stored:
    """Look for records that bear the ids of these."""
    model = record_type.value.model
    columns = inspect(model).columns
    kinds: Mapping[str, TypeEngine[Any]] = {each.key: each.type for each in columns}
    name, first = _naming(record_type), model.identity[0]
    rows: dict[Any, Said] = {}
    found = await tx.execute(
        select(*columns).where(
            columns["experiment_key"] == experiment_key,
            among_texts(columns[first], list({said[first] for said in records})),
        )
    )
    for row in found.mappings():
        there = {each: _as_said(kinds[each], value) for each, value in row.items()}
        rows[name(there)] = there
    return Stored(record_type, rows)


def _as_said(kind: TypeEngine[Any], value: object) -> object:
    """Return a stored value as records say it: JSON is text."""
    return dump_json(value) if isinstance(kind, JsonType) and value is not None else value
