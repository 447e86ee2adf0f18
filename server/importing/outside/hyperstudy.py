"""HyperStudy's own downloads: a folder, or a ZIP, of CSV or JSON, with a file for each type."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server.errors import BadPackage
from server.export.tables import Kind
from server.importing.outside.cells import cell, moment, nested
from server.importing.outside.fields import PLACES, fields_of, id_field, is_nested, put, put_rest
from server.importing.outside.folders import Found, found_at
from server.importing.outside.hyperstudy_fields import FileKind, kind_of, rating_of, renamed
from server.importing.outside.hyperstudy_places import PLACE_FILES, KnownPlaces
from server.importing.outside.ids import PREFIXES, id_of_content
from server.importing.outside.sources import Sent, Wishes
from server.importing.outside.tables import TOO_MANY, Row
from server.importing.packages import Tell
from server.records import RecordType
from server.records.recordings import RecordingKind

_SILENT = {"metadata.json", "data_dictionary.json"}


class HyperStudyFiles:
    """A download of HyperStudy's: of an experiment, a room or a participant."""

    def __init__(self, path: Path, wishes: Wishes) -> None:
        found = found_at(path)
        self._files = [(each, kind) for each in found if (kind := kind_of(each.path)) is not None]
        self._data = [(each, kind) for each, kind in self._files if kind not in PLACE_FILES]
        if not self._data:
            raise BadPackage(f"There is no file such as events.csv or chat.json at {path}.")
        self._wishes = wishes
        self._known = KnownPlaces(self._files, wishes)
        self._without_place = Counter[str]()
        self.size = sum(each.size for each, _ in self._data)
        other = [each.name for each in found if kind_of(each.path) is None]
        other = [name for name in other if name.rpartition("/")[2] not in _SILENT]
        self.notes = [f"Left out, as no type of data here: {', '.join(other)}."] if other else []

    def records(self, tell: Tell) -> Iterator[Sent]:
        for file, kind in self._data:
            for number, (context, row) in enumerate(file.rows(tell), 1):
                record_type = _type_of(kind, row, context)
                yield Sent(self._record(file, record_type, row, context), file.name, number)
        if self._without_place:
            some = ", ".join(f"`{name}`" for name in sorted(self._without_place))
            self.notes.append(f"Left out, as records have no field for them: {some}.")

    def experiment(self, experiment_id: str) -> Mapping[str, Any]:
        return {}

    def room(self, room_id: str) -> Mapping[str, Any]:
        return self._known.rooms.get(room_id, {})

    def participant(self, room_id: str, participant_id: str) -> Mapping[str, Any]:
        people = self._known.people
        return people.get((room_id, participant_id)) or people.get((None, participant_id), {})

    def _record(
        self, file: Found, record_type: RecordType, row: Row, context: Mapping[str, Any]
    ) -> dict[str, Any]:
        said = renamed(record_type, row)
        record: dict[str, Any] = {
            "dataType": record_type.name,
            **self._known.place_of(file, said, context),
        }
        rest: dict[str, Any] = {}
        for name, value in said.items():
            if name not in PLACES:
                within = record if self._is_known(record_type, name) else rest
                put(within, name, self._value(record_type, name, value, text=file.is_table))
        if rest and not put_rest(record_type, record, rest):
            self._without_place.update(f"{record_type.value.name}.{name}" for name in rest)
        _complete(record_type, record)
        return record

    def _is_known(self, record_type: RecordType, name: str) -> bool:
        outer, dot, _ = name.partition(".")
        known = name in fields_of(record_type) or name == TOO_MANY
        return known or bool(dot and is_nested(record_type, outer))

    def _value(self, record_type: RecordType, name: str, value: Any, *, text: bool) -> Any:  # noqa: ANN401 - any JSON
        field = fields_of(record_type).get(name)
        if text and isinstance(value, str):
            return nested(value) if field is None else cell(field, value, self._wishes.zone)
        if field is None:
            return value
        if isinstance(value, str) and field.kind is Kind.TIMESTAMP:
            return moment(value, self._wishes.zone)
        if isinstance(value, float) and field.unit == "ms" and field.kind is Kind.INTEGER:
            return round(value)
        return value


def _type_of(kind: FileKind, row: Row, context: Mapping[str, Any]) -> RecordType:
    return kind if isinstance(kind, RecordType) else rating_of(row, context.get("ratingType"))


def _complete(record_type: RecordType, record: dict[str, Any]) -> None:
    """Add what HyperStudy leaves out, as far as it follows from the rest."""
    if record_type is RecordType.RECORDINGS:
        record.setdefault("timestamp", record.get("startTime"))
        if (
            isinstance(kind := record.get("kind"), str)
            and kind.upper() in RecordingKind.__members__
        ):
            record["kind"] = kind.upper()
    if record_type is RecordType.EVENTS:
        kind = record.get("componentType") or record.get("category")
        record.setdefault("eventType", kind)
    if record_type is RecordType.CHAT_MESSAGES:
        recipients = record.get("recipientIds")
        if isinstance(recipients, str):
            record["recipientIds"] = [each for each in recipients.split(";") if each]
    if record_type in PREFIXES and record.get(id_field(record_type)) is None:
        record[id_field(record_type)] = id_of_content(record_type, record)
