"""The ZIP of an export: a folder for each room, a file for each data type that has rows there."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

import orjson

from server.export.contents import Contents
from server.export.data_packages import data_package
from server.export.files import Files, Stand
from server.export.manifests import (
    Manifest,
    columns,
    data_dictionary,
    metadata,
    place_rows,
    rooms_with_counts,
    tables,
)
from server.export.media_files import Media, MediaFile
from server.export.names import distinct_names
from server.export.places import Places
from server.export.readmes import own_data_readme
from server.export.reports import Report
from server.export.spool import Spool, State
from server.export.tables import Plan, RecordTable
from server.export.zip_files import Member, MemberFile, ZipWriter

_README = "README.txt"
_METADATA, _DICTIONARY, _PACKAGE = "metadata.json", "data_dictionary.json", "datapackage.json"


class Archive:
    """The archive of a plan; `manifest` notes its files as they are written."""

    def __init__(
        self, plan: Plan, contents: Contents, media: Media, report: Report, file: Spool
    ) -> None:
        self._plan = plan
        self._contents = contents
        self._media = media
        self._report = report
        self._files = Files(plan, contents, report)
        self._file = file
        self.manifest = Manifest.of(file.state)
        self._zip = ZipWriter(
            file.write, file.size, [Member(**each) for each in file.state.get("members", ())]
        )
        noted = [file["path"] for file in self.manifest.files]
        self._done = {*noted, *self.manifest.missing}
        self._paused: State = file.state.get("paused") or {}

    def write(self) -> None:
        """Write everything; what tells of the files comes last, when they are known."""
        experiments = self._contents.experiments
        top = self._plan.title
        names = distinct_names(experiments.ids.to_pylist(), (_METADATA, _DICTIONARY, _PACKAGE))
        if self._plan.own_view:
            self._write_text(f"{top}/{_README}", own_data_readme(self._plan, self._contents))
        for key, name in zip(experiments.keys, names, strict=True):
            self._write_experiment(key, f"{top}/{name}" if len(names) > 1 else top)
        self._write_json(f"{top}/{_DICTIONARY}", data_dictionary(self._plan, self._files.spreads))
        package = data_package(self._plan, self._files.spreads, self.manifest.files)
        self._write_json(f"{top}/{_PACKAGE}", package)
        self._write_json(f"{top}/{_METADATA}", self._metadata())
        self._zip.close()

    def _write_experiment(self, experiment: int, folder: str) -> None:
        plan, rooms, participants = self._plan, self._contents.rooms, self._contents.participants
        inside = rooms.inside.get(experiment, [])
        people = [person for room in inside for person in participants.inside.get(room, ())]
        for places, keys in ((participants, people), (rooms, inside)):
            path = f"{folder}/{places.table.stem}.{self._files.ending}"
            self._write_file(path, None, partial(self._places, places, keys))
        taken = [f"{table.stem}.{self._files.ending}" for table in tables(plan)]
        names = distinct_names(rooms.public_ids(inside), (*taken, _METADATA, _DICTIONARY, _PACKAGE))
        for room, name in zip(inside, names, strict=True):
            self._write_room(room, f"{folder}/{name}")

    def _write_room(self, room: int, folder: str) -> None:
        for table in self._plan.records:
            if self._contents.of_room[table.data_type][room]:
                path = f"{folder}/{table.stem}.{self._files.ending}"
                self._write_file(path, table.data_type, partial(self._records, table, room, path))
        for file in self._media.of_room(room):
            self._report.tell(f"Copying media, room {self._contents.rooms.row_of[room] + 1}")
            self._copy(file, f"{folder}/media/{file.name}")

    def _copy(self, file: MediaFile, path: str) -> None:
        """Copy a file of the store, if it is there."""
        if path in self._done:
            return
        if (pieces := self._media.pieces(file)) is None:
            self.manifest.missing.append(path)
            return

        def write(member: MemberFile) -> int:
            for piece in pieces:
                member.write(piece)
            return 0

        self.manifest.media.append(path)
        self._write_file(path, None, write)

    def _places(self, places: Places, keys: Sequence[int], member: MemberFile) -> int:
        return self._files.places(places.table, places.only(keys), member.write)

    def _records(self, table: RecordTable, room: int, path: str, member: MemberFile) -> int:
        """Write the records of a room; other processes can go on from wherever it pauses."""

        def pause(stand: Stand) -> None:
            if member.pause():
                paused = {"path": path, "at": self._zip.begun, "rows": stand.rows}
                self._file.checkpoint(lambda: self._state({**paused, "reached": stand.reached}))

        found = self._paused if self._paused.get("path") == path else {}
        stand = Stand(found["rows"], tuple(found["reached"])) if found else Stand()
        return self._files.records(table, [room], member.write, pause, stand)

    def _write_file(
        self, path: str, data_type: str | None, write_rows: Callable[[MemberFile], int]
    ) -> None:
        """Write a file, unless it is there already."""
        if path in self._done:
            return
        at = self._paused["at"] if self._paused.get("path") == path else None
        written = () if at is None else self._file.read(at)
        with self._zip.member(path, at, written) as member:
            rows = write_rows(member)
        done = self._zip.members[-1]
        self.manifest.note(path, data_type, rows, done.size, done.sha256)
        self._file.checkpoint(self._state)

    def _write_text(self, path: str, text: str) -> None:
        def write(member: MemberFile) -> int:
            member.write(text.encode())
            return 0

        self._write_file(path, None, write)

    def _write_json(self, path: str, value: object) -> None:
        def write(member: MemberFile) -> int:
            member.write(
                orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            )
            return 0

        self._write_file(path, None, write)

    def _state(self, paused: State | None = None) -> State:
        """Return what another process needs to know in order to go on."""
        members = [asdict(member) for member in self._zip.members]
        rows = self.manifest.rows + (paused or {"rows": 0})["rows"]
        return {**self.manifest.state, "rows": rows, "members": members, "paused": paused}

    def _metadata(self) -> dict[str, object]:
        described = {
            table.name: columns(table, self._files.spreads) for table in tables(self._plan)
        }
        return {
            **metadata(self._plan, self._contents),
            "ledger": self.manifest.ledger(self._contents.selected, self._contents.sealed),
            "media": self._media.ledger(len(self.manifest.media), len(self.manifest.missing)),
            "experiments": place_rows(self._contents.experiments),
            "rooms": rooms_with_counts(self._plan, self._contents),
            "files": self.manifest.files,
            "columns": described,
        }
