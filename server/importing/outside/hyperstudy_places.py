"""Where records of a HyperStudy download belong: by columns, metadata, and folders."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from pydantic.alias_generators import to_snake

from server import timestamps
from server.errors import BadPackage
from server.export.tables import Column, Kind
from server.importing.outside.cells import cell
from server.importing.outside.fields import PLACES, columns_of
from server.importing.outside.folders import Found
from server.importing.outside.hyperstudy_fields import FileKind, camel
from server.importing.outside.ids import named_experiment
from server.importing.outside.sources import Wishes
from server.importing.outside.tables import Row
from server.importing.targets import PARTICIPANTS, ROOMS, Target

PLACE_FILES = ("rooms", "participants")
"""Files that tell of places."""


class KnownPlaces:
    """What a download says of its rooms and participants, in files of their own.

    people  by room and participant; the room is None where a file does not name it
    """

    def __init__(self, files: Sequence[tuple[Found, FileKind]], wishes: Wishes) -> None:
        self._wishes = wishes
        self._experiment = wishes.into or _experiment_in(files)
        self.rooms: dict[str, dict[str, Any]] = {}
        self.people: dict[tuple[str | None, str], dict[str, Any]] = {}
        for file, kind in files:
            if kind in PLACE_FILES:
                for number, (_, row) in enumerate(file.rows(lambda more: None), 1):
                    self._note(file, number, kind, row)
        rooms_of: dict[str, list[str]] = {}
        for room, person in self.people:
            if room is not None:
                rooms_of.setdefault(person, []).append(room)
        self._only_room = {person: some[0] for person, some in rooms_of.items() if len(some) == 1}

    def place_of(
        self, file: Found, said: Mapping[str, Any], context: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the ids of a record's place, as far as they are known."""
        scope, named = context.get("scope"), context.get("scopeId")
        folders = list(file.path.parts[1:-1])
        if file.path.parts[0].startswith("room"):
            folders.insert(0, file.path.parts[0])
        person = said.get("participantId") or (named if scope == "participant" else None)
        if person is None and folders and not folders[-1].startswith("room"):
            person = folders.pop()
        room = said.get("roomId") or (named if scope == "room" else None) or context.get("roomId")
        if room is None:
            room = self._room_among(folders) or self._only_room.get(str(person))
        if room is None and folders:
            room = folders[-1]
        experiment = self._wishes.into or _experiment_of(said, context) or self._experiment
        ids = (experiment, room, person)
        return {name: each for name, each in zip(PLACES, ids, strict=True) if each is not None}

    def _room_among(self, folders: Sequence[str]) -> str | None:
        """Return the innermost folder that is a room's, as its name tells or a list of rooms."""
        return next(
            (each for each in folders[::-1] if each.startswith("room") or each in self.rooms), None
        )

    def _note(self, file: Found, number: int, kind: FileKind, row: Row) -> None:
        said = {camel(name): text for name, text in row.items()}
        target = ROOMS if kind == "rooms" else PARTICIPANTS
        own = "roomId" if kind == "rooms" else "participantId"
        name = str(said.pop(own, said.pop("id", "")))
        where = f"{file.name}, row {number}"
        facts = _facts(target, said, self._wishes.zone, where)
        if not name:
            raise BadPackage(f"{where}: it names no `{own}`.")
        if kind == "rooms":
            self.rooms[name] = facts
        else:
            room = said.get("roomId") or next(
                (each for each in file.path.parts[-2::-1] if each.startswith("room")), None
            )
            self.people[None if room is None else str(room), name] = facts


def _experiment_in(files: Sequence[tuple[Found, FileKind]]) -> str:
    """Return the experiment that a download names first; what it is called, if it names none."""
    for file, _ in files:
        for context, row in islice(file.rows(lambda more: None), 1):
            said = {camel(name): value for name, value in row.items()}
            if (found := _experiment_of(said, context)) is not None:
                return str(found)
    return named_experiment(files[0][0].path.parts[0])


def _experiment_of(said: Mapping[str, Any], context: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever it says
    scoped = context.get("scopeId") if context.get("scope") == "experiment" else None
    return said.get("experimentId") or scoped


def _facts(target: Target, said: Mapping[str, Any], zone: ZoneInfo, where: str) -> dict[str, Any]:
    """Return what is known of a place, by column: what cannot be read must be mended."""
    facts: dict[str, Any] = {}
    for name, column in columns_of(target).items():
        if name not in said:
            continue
        value = said[name]
        allowed = target.own[name].allowed
        if allowed is not None:
            value = str(value).upper()
            if value not in allowed:
                continue
        elif column.kind is Kind.TIMESTAMP:
            value = _moment(value, column, zone, f"{where}: `{name}`")
        else:
            value = str(value)
        facts[to_snake(name)] = value
    return facts


def _moment(value: object, column: Column, zone: ZoneInfo, where: str) -> int:
    read = cell(column, str(value), zone)
    try:
        return timestamps.parse(read) if isinstance(read, str) else read
    except ValueError as wrong:
        raise BadPackage(f"{where} is no moment, such as 2024-10-20T14:30:45.123Z.") from wrong
