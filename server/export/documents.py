"""The single JSON document: experiments, their rooms, their participants, and their records."""

from collections.abc import Callable, Sequence
from functools import partial

import orjson

from server.export.contents import Contents
from server.export.files import read_parts
from server.export.json_files import JsonText, objects
from server.export.manifests import Manifest, columns, metadata, rooms_with_counts, tables
from server.export.reports import Report
from server.export.spool import Spool, State
from server.export.tables import Plan, RecordTable


class Document:
    """Writes a document from its first byte to its last, never holding more than some rows."""

    def __init__(self, plan: Plan, contents: Contents, report: Report, file: Spool) -> None:
        self._plan = plan
        self._contents = contents
        self._report = report
        self._file = file
        self.manifest = Manifest.of(file.state)
        self._steps = 0
        self._taken: int = file.state.get("steps", 0)
        self._levels = (contents.experiments, contents.rooms, contents.participants)
        self._objects = [objects(places.table.columns, places.columns) for places in self._levels]

    def write(self) -> None:
        """Write the metadata, then all that is selected, each inside its place."""
        described = {table.name: columns(table, {}) for table in tables(self._plan)}
        rooms = rooms_with_counts(self._plan, self._contents)
        top = {**metadata(self._plan, self._contents), "rooms": rooms, "columns": described}
        self._write(b'{"metadata":' + orjson.dumps(top) + b',\n"experiments":[')
        self._write_places(0, self._contents.experiments.keys)
        self._write(b"\n]}\n")
        self.manifest.note(
            self._plan.file_name, None, self.manifest.rows, self._file.size, self._file.sha256
        )

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
        self._write(f',\n"{table.name}":['.encode())
        if self._contents.of_participant[table.data_type].get(participant):
            self._step(partial(self._records, table, participant))
        self._write(b"]")

    def _records(self, table: RecordTable, participant: int) -> None:
        text = JsonText(table.columns)
        for part in read_parts(self._contents, self._report, table, [participant]):
            self._file.write(text.rows(part.rows))
            self.manifest.written[table.data_type] += len(part)

    def _write(self, text: bytes) -> None:
        self._step(partial(self._file.write, text))

    def _step(self, step: Callable[[], None]) -> None:
        """Take a step of the writing, unless another process has taken it."""
        self._steps += 1
        if self._steps > self._taken:
            step()
            self._file.checkpoint(self._state)

    def _state(self) -> State:
        return {**self.manifest.state, "rows": self.manifest.rows, "steps": self._steps}
