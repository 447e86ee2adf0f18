"""One table's file, in any format, from its beginning or from where another writer came to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.export.arrow import Columns
from server.export.contents import Contents
from server.export.csv_files import SEPARATORS
from server.export.formats import Text, text_of
from server.export.manifests import Spreads
from server.export.parts import Part, Reached
from server.export.reading import rows_at_once
from server.export.reports import Report
from server.export.spool import Bytes
from server.export.spreads import KeyCount, Spread
from server.export.tables import Plan, RecordTable, Table

Write = Callable[[Bytes], None]

BATCHES = 8
"""How many batches of rows are written from one pause to the next."""


@dataclass(frozen=True)
class Stand:
    """How far the records of a file are written: how many, and to where."""

    rows: int = 0
    reached: Reached | None = None


Pause = Callable[[Stand], None]


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
        text = self._text(table, {})
        write(text.head())
        if count := row_count(rows):
            write(text.rows(rows))
        write(text.tail())
        return count

    def records(
        self,
        table: RecordTable,
        rooms: Sequence[int],
        write: Write,
        pause: Pause,
        stand: Stand,
    ) -> int:
        """Write the records of some rooms, from a stand on; return how many there are.

        `pause` is called after each so many of them, at places that depend on nothing else.
        """
        text = self._text(table, self.spreads.get(table.data_type, {}), begun=stand.rows > 0)
        if stand.reached is None:
            write(text.head())
        parts = read_parts(self._contents, self._report, table, rooms, stand.reached)
        for part, now in _segments(parts, stand, BATCHES * rows_at_once(table)):
            write(text.rows(part.rows))
            stand = now
            if text.resumable and stand.rows % (BATCHES * rows_at_once(table)) == 0:
                pause(stand)
        write(text.tail())
        return stand.rows

    def _text(self, table: Table, spreads: Mapping[str, Spread], *, begun: bool = False) -> Text:
        return text_of(table, self._plan, spreads, begun=begun)


def _segments(parts: Iterator[Part], stand: Stand, size: int) -> Iterator[tuple[Part, Stand]]:
    """Cut parts where a segment of rows ends; yield each with how far it comes."""
    for part in parts:
        start = 0
        while start < len(part):
            cut = part.slice(start, size - stand.rows % size)
            start += len(cut)
            stand = Stand(stand.rows + len(cut), cut.reached(stand.reached))
            yield cut, stand


def read_parts(
    contents: Contents,
    report: Report,
    table: RecordTable,
    places: Sequence[int],
    reached: Reached | None = None,
) -> Iterator[Part]:
    """Read the records of some places, telling which room is being written."""
    room_number = contents.rooms.row_of
    for part in contents.records(table, places, reached):
        yield part
        number = room_number[part.last_room] + 1
        message = f"Writing {table.title}, room {number} of {len(room_number)}"
        report.tell(message, len(part))


def row_count(rows: Columns) -> int:
    """Return how many rows there are."""
    return len(next(iter(rows.values())))


def _spreads(plan: Plan, contents: Contents) -> Spreads:
    """Find the keys of every JSON column, the same for all files of a data type."""
    return {table.data_type: _spread(table.json, contents) for table in plan.records if table.json}


def _spread(table: Table, contents: Contents) -> dict[str, Spread]:
    counts = {column.name: KeyCount() for column in table.columns}
    for rows in contents.json(table):
        for name, count in counts.items():
            count.add(rows[name])
    return {name: count.spread() for name, count in counts.items()}
