"""Times moved by the shift of their room: by the kind of their column, not by its name."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

from server.export.arrow import Array, Columns, pa, pc
from server.export.lookups import Keys, Lookup
from server.export.tables import Column, Kind, Table

_REMOVED = "[time removed]"


class TimeShifts:
    """By how many milliseconds the times of each room are moved back."""

    def __init__(self, rows: Columns) -> None:
        self._of_room = Lookup(Keys(rows["room_key"].to_pylist()), rows["milliseconds"])

    def moved(
        self, columns: Sequence[Column], rows: Columns, rooms: Array | None
    ) -> dict[str, Array]:
        """Return the columns of times, moved; nothing for what lies in no room.

        All times of a room are moved by the same: what lies between them, and onsets, stay.
        """
        times = [column.name for column in columns if column.kind is Kind.TIMESTAMP]
        if rooms is None:
            return {name: pa.nulls(len(rows[name]), pa.int64()) for name in times}
        shifts = self._of_room.find(rooms)
        return {name: pc.subtract(rows[name], shifts) for name in times}


def moments(tables: Iterable[Table]) -> frozenset[str]:
    """Return the names of all columns of times, in small letters and nothing between them."""
    columns = (column for table in tables for column in table.columns)
    return frozenset(column.name.lower() for column in columns if column.kind is Kind.TIMESTAMP)


def without_times(value: Any, names: Collection[str]) -> Any:  # noqa: ANN401 - any JSON
    """Return filters without the times that they ask for: those would tell when it was."""
    if isinstance(value, list):
        return [without_times(item, names) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    return {
        name: _REMOVED if name.replace("_", "").lower() in names else without_times(item, names)
        for name, item in cast("dict[str, Any]", value).items()
    }
