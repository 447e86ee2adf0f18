"""The single JSON document: experiments, their rooms, their participants, and their records."""

from collections import Counter
from collections.abc import Sequence

import orjson

from server.export.contents import Contents
from server.export.files import Write, read_rows, row_count
from server.export.json_files import JsonText, objects
from server.export.manifests import columns, metadata, rooms_with_counts, tables
from server.export.reports import Report
from server.export.tables import Plan, RecordTable


class Document:
    """Writes a document from its first byte to its last, never holding more than some rows."""

    def __init__(self, plan: Plan, contents: Contents, report: Report, write: Write) -> None:
        self._plan = plan
        self._contents = contents
        self._report = report
        self._write = write
        self._written = Counter[str]()
        self._levels = (contents.experiments, contents.rooms, contents.participants)
        self._objects = [objects(places.table.columns, places.columns) for places in self._levels]

    def write(self) -> Counter[str]:
        """Write the metadata, then all that is selected, each inside its place; count records."""
        described = {table.name: columns(table, {}) for table in tables(self._plan)}
        rooms = rooms_with_counts(self._plan, self._contents)
        top = {**metadata(self._plan, self._contents), "rooms": rooms, "columns": described}
        self._write(b'{"metadata":' + orjson.dumps(top) + b',\n"experiments":[')
        self._write_places(0, self._contents.experiments.keys)
        self._write(b"\n]}\n")
        return self._written

    def _write_places(self, level: int, keys: Sequence[int]) -> None:
        rows = self._levels[level].row_of
        for place, key in enumerate(keys):
            text: str = self._objects[level][rows[key]].as_py()
            self._write((",\n" if place else "\n").encode() + text.removesuffix("}").encode())
            if level + 1 < len(self._levels):
                inner = self._levels[level + 1]
                self._write(f',"{inner.table.name}":['.encode())
                self._write_places(level + 1, inner.inside.get(key, ()))
                self._write(b"]}")
            else:
                for table in self._plan.records:
                    self._write_records(table, key)
                self._write(b"}")

    def _write_records(self, table: RecordTable, participant: int) -> None:
        text = JsonText(table.columns)
        self._write(f',\n"{table.name}":'.encode() + text.head())
        if self._contents.of_participant[table.data_type].get(participant):
            for rows in read_rows(self._contents, self._report, table, [participant]):
                self._write(text.rows(rows))
                self._written[table.data_type] += row_count(rows)
        self._write(b"]")
