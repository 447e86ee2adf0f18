"""BIDS: the events of a dataset, a session of one participant for each file of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from server import timestamps
from server.errors import BadPackage
from server.importing.outside.bids_files import (
    MISSING,
    ROOT,
    EventsFile,
    events_files,
    read_json,
    rows_of,
)
from server.importing.outside.cells import milliseconds, moment, number_or_text
from server.importing.outside.ids import id_of_row, named_experiment
from server.importing.outside.sources import Sent, Wishes
from server.importing.outside.tables import TOO_MANY, Row, read_header, read_table
from server.importing.packages import Tell
from server.records import RecordType
from server.records.checks import EARLIEST

NOBODY_KNOWS = timestamps.parse("2001-01-01T00:00:00Z")
"""Time zero where nothing says when it was: so all that counts from there is known to be that."""


class BidsEvents:
    """The events files of a dataset, of a folder in it, or one of them."""

    def __init__(self, path: Path, wishes: Wishes) -> None:
        found = events_files(path)
        self._files = [file for file in found if "sub" in file.entities]
        if not self._files:
            raise BadPackage(f"There is no `sub-…_events.tsv` at {path}.")
        self._wishes = wishes
        self._root = found[0].root
        self._experiment_id = wishes.into or named_experiment(self._root.name)
        self._people = _participants(self._root)
        self._starts = {self._room_of(file): self._start_of(file) for file in self._files}
        self.size = sum(file.path.stat().st_size for file in self._files)
        self.notes = [*self._notes(), *_left_out(found)]

    def records(self, tell: Tell) -> Iterator[Sent]:
        for file in self._files:
            with file.path.open("rb") as stream:
                header = read_header(stream, file.name, "\t")
            if "onset" not in header:
                raise BadPackage(f"{file.name} has no column `onset`: these are no BIDS events.")
            common = {**self._place(file), "componentId": _component(file)}
            yield Sent(self._task(file, common, header), file.name, 0)
            with file.path.open("rb") as stream:
                for number, row in enumerate(read_table(stream, file.name, "\t", tell), 1):
                    yield Sent(self._event(file, common, number, row), file.name, number)

    def experiment(self, experiment_id: str) -> Mapping[str, Any]:
        path = self._root / ROOT
        said: Mapping[str, Any] = read_json(path) if path.is_file() else {}
        return {"name": str(said.get("Name") or self._root.name)}

    def room(self, room_id: str) -> Mapping[str, Any]:
        start = self._starts.get(room_id)
        return {"experiment_start": start or NOBODY_KNOWS, "start_time": start}

    def participant(self, room_id: str, participant_id: str) -> Mapping[str, Any]:
        return {}

    def _event(
        self, file: EventsFile, common: Mapping[str, str], number: int, row: Row
    ) -> dict[str, Any]:
        """Return a row as a record, with all that it says in the response."""
        said = {name: _value(text) for name, text in row.items() if name != TOO_MANY}
        took = milliseconds(str(said.get("response_time")), "s")
        if took is not None:
            said["responseTime"] = took
        record = {
            "dataType": RecordType.EVENTS.name,
            **common,
            **self._times(common["roomId"], row.get("onset", "")),
            "eventId": id_of_row(RecordType.EVENTS, file.name, number),
            "eventType": _or(row.get("trial_type"), file.entities.get("task", "event")),
            "response": said,
        }
        if (duration := _or(row.get("duration"), None)) is not None:
            record["duration"] = _or(milliseconds(duration, "s"), duration)
        if TOO_MANY in row:
            record[TOO_MANY] = row[TOO_MANY]
        return record

    def _task(
        self, file: EventsFile, common: Mapping[str, str], header: Sequence[str]
    ) -> dict[str, Any]:
        """Return what a file's columns are, and who the person was, as a component."""
        return {
            "dataType": RecordType.COMPONENTS.name,
            **common,
            **self._times(common["roomId"], "0"),
            "componentType": "bids",
            "config": {"file": file.name, "columns": list(header), "sidecar": file.sidecar()},
            "variables": self._people.get(common["participantId"]),
        }

    def _place(self, file: EventsFile) -> dict[str, str]:
        return {
            "experimentId": self._experiment_id,
            "roomId": self._room_of(file),
            "participantId": f"sub-{file.entities['sub']}",
        }

    def _room_of(self, file: EventsFile) -> str:
        return f"room_{self._experiment_id.removeprefix('exp_')}_{file.labelled()}"

    def _times(self, room_id: str, onset: str) -> dict[str, Any]:
        """Return when something was; what has no onset has no time at all, and is refused."""
        ms = milliseconds(onset, "s")
        if ms is None:
            return {}
        start = self._starts[room_id] or NOBODY_KNOWS
        return {"timestamp": start + ms, "onset": ms}

    def _start_of(self, file: EventsFile) -> int | None:
        """Return when a run began, if that can be known: dates are often hidden, before 2000."""
        read = moment(file.acquired() or "", self._wishes.zone)
        at = timestamps.parse(read) if isinstance(read, str) and _is_moment(read) else None
        return at if at is not None and at >= EARLIEST else self._wishes.start

    def _notes(self) -> Iterator[str]:
        unknown = sum(start is None for start in self._starts.values())
        if unknown:
            yield (
                f"Nothing says when {unknown:,} of {len(self._starts):,} runs were: their times "
                f"count from {timestamps.iso(NOBODY_KNOWS)}, which is no real date, and their "
                "onsets are those of the files. `--start` names a date."
            )


def _participants(root: Path) -> dict[str, dict[str, Any]]:
    people: dict[str, dict[str, Any]] = {}
    for row in rows_of(root / "participants.tsv"):
        said = {name: _value(text) for name, text in row.items() if name != TOO_MANY}
        people[str(row.get("participant_id"))] = said
    return people


def _left_out(found: Sequence[EventsFile]) -> Iterator[str]:
    names = [file.name for file in found if "sub" not in file.entities]
    if names:
        yield f"Left out, as they name no participant: {', '.join(names)}."


def _component(file: EventsFile) -> str:
    return f"cmp_{file.labelled('sub', 'ses', 'run') or 'events'}"


def _value(text: str) -> int | float | str | None:
    return None if text == MISSING else number_or_text(text)


def _or(text: Any, other: Any) -> Any:  # noqa: ANN401 - whatever it is given
    return other if text in (None, "", MISSING) else text


def _is_moment(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text).tzinfo)
    except ValueError:
        return False
