"""The ZIP of an export: a folder for each room, a file for each data type that has rows there."""

from collections.abc import Callable
from functools import partial

import orjson

from server.export.contents import Contents
from server.export.files import Files, Write
from server.export.manifests import (
    Manifest,
    columns,
    data_dictionary,
    metadata,
    place_rows,
    rooms_with_counts,
    tables,
)
from server.export.names import distinct_names
from server.export.tables import Plan
from server.export.zip_files import ZipWriter

_METADATA, _DICTIONARY = "metadata.json", "data_dictionary.json"


class Archive:
    """The archive of a plan; `manifest` notes its files as they are written."""

    def __init__(self, plan: Plan, contents: Contents, files: Files, write: Write) -> None:
        self._plan = plan
        self._contents = contents
        self._files = files
        self._zip = ZipWriter(write)
        self.manifest = Manifest()

    def write(self) -> None:
        """Write everything; what tells of the files comes last, when they are known."""
        experiments = self._contents.experiments
        top = self._plan.title
        names = distinct_names(experiments.ids.to_pylist(), (_METADATA, _DICTIONARY))
        for key, name in zip(experiments.keys, names, strict=True):
            self._write_experiment(key, f"{top}/{name}" if len(names) > 1 else top)
        self._write_json(f"{top}/{_DICTIONARY}", data_dictionary(self._plan, self._files.spreads))
        self._write_json(f"{top}/{_METADATA}", self._metadata())
        self._zip.close()

    def _write_experiment(self, experiment: int, folder: str) -> None:
        plan, rooms, participants = self._plan, self._contents.rooms, self._contents.participants
        inside = rooms.inside.get(experiment, [])
        people = [person for room in inside for person in participants.inside.get(room, ())]
        for places, keys in ((participants, people), (rooms, inside)):
            rows = partial(self._files.places, places.table, places.only(keys))
            self._write_file(f"{folder}/{places.table.stem}.{self._files.ending}", None, rows)
        taken = [f"{table.stem}.{self._files.ending}" for table in tables(plan)]
        names = distinct_names(rooms.public_ids(inside), (*taken, _METADATA, _DICTIONARY))
        for room, name in zip(inside, names, strict=True):
            self._write_room(room, f"{folder}/{name}")

    def _write_room(self, room: int, folder: str) -> None:
        for table in self._plan.records:
            if self._contents.of_room[table.data_type][room]:
                path = f"{folder}/{table.stem}.{self._files.ending}"
                rows = partial(self._files.records, table, [room])
                self._write_file(path, table.data_type, rows)

    def _write_file(
        self, path: str, data_type: str | None, write_rows: Callable[[Write], int]
    ) -> None:
        with self._zip.member(path) as member:
            rows = write_rows(member.write)
        done = self._zip.last
        self.manifest.note(path, data_type, rows, done.size, done.sha256)

    def _write_json(self, path: str, value: object) -> None:
        def write(write: Write) -> int:
            write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            return 0

        self._write_file(path, None, write)

    def _metadata(self) -> dict[str, object]:
        described = {
            table.name: columns(table, self._files.spreads) for table in tables(self._plan)
        }
        return {
            **metadata(self._plan, self._contents),
            "experiments": place_rows(self._contents.experiments),
            "rooms": rooms_with_counts(self._plan, self._contents),
            "files": self.manifest.files,
            "columns": described,
        }
