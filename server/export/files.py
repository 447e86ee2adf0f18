"""One table's file, in any format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from server.export.arrow import Columns
from server.export.contents import Contents
from server.export.csv_files import SEPARATORS
from server.export.formats import Text, text_of
from server.export.manifests import Spreads
from server.export.reports import Report
from server.export.spreads import KeyCount, Spread
from server.export.store import Bytes
from server.export.tables import Plan, RecordTable, Table

Write = Callable[[Bytes], None]


class Files:
    """Writes tables as files of the plan's format."""

    def __init__(self, plan: Plan, contents: Contents, report: Report) -> None:
        self._plan = plan
        self._contents = contents
        self._report = report
        self.ending = plan.format.lower()
        self.spreads: Spreads = _spreads(plan, contents) if plan.format in SEPARATORS else {}

    def places(self, table: Table, rows: Columns, write: Write) -> int:
        """Write a table of places; return how many rows it has."""
        return _write(self._text(table, {}), [rows] if row_count(rows) else [], write)

    def records(self, table: RecordTable, rooms: Sequence[int], write: Write) -> int:
        """Write the records of some rooms; return how many there were."""
        text = self._text(table, self.spreads.get(table.data_type, {}))
        return _write(text, read_rows(self._contents, self._report, table, rooms), write)

    def _text(self, table: Table, spreads: Mapping[str, Spread]) -> Text:
        return text_of(table, self._plan, spreads)


def read_rows(
    contents: Contents, report: Report, table: RecordTable, places: Sequence[int]
) -> Iterator[Columns]:
    """Read the records of some places, telling which room is being written."""
    room_number = contents.rooms.row_of
    for room, rows in contents.records(table, places):
        yield rows
        message = f"Writing {table.title}, room {room_number[room] + 1} of {len(room_number)}"
        report.tell(message, row_count(rows))


def row_count(rows: Columns) -> int:
    """Return how many rows there are."""
    return len(next(iter(rows.values())))


def _write(text: Text, parts: Iterable[Columns], write: Write) -> int:
    count = 0
    write(text.head())
    for rows in parts:
        write(text.rows(rows))
        count += row_count(rows)
    write(text.tail())
    return count


def _spreads(plan: Plan, contents: Contents) -> Spreads:
    """Find the keys of every JSON column, the same for all files of a data type."""
    return {table.data_type: _spread(table.json, contents) for table in plan.records if table.json}


def _spread(table: Table, contents: Contents) -> dict[str, Spread]:
    counts = {column.name: KeyCount() for column in table.columns}
    for rows in contents.json(table):
        for name, count in counts.items():
            count.add(rows[name])
    return {name: count.spread() for name, count in counts.items()}
