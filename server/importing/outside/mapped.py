"""Any table, or a folder of them, by a mapping file."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from server import timestamps
from server.errors import BadPackage, BadUserInput
from server.export.tables import Column, Kind
from server.importing.outside.cells import UNITS, cell, decimal, moment, nested, number_or_text
from server.importing.outside.fields import PLACES, fields_of, id_field, put, within
from server.importing.outside.folders import Found, found_at
from server.importing.outside.ids import PREFIXES, id_of_row, named_experiment
from server.importing.outside.mapping import Field, read_mapping, require_columns
from server.importing.outside.sources import Sent, Wishes
from server.importing.outside.tables import TOO_MANY, Row, read_header, read_table
from server.importing.packages import Tell


class MappedTables:
    """A table, or all tables of a folder."""

    def __init__(self, path: Path, mapping: Path, wishes: Wishes) -> None:
        self._mapped = mapped = read_mapping(mapping)
        self._files = [each for each in found_at(path) if each.is_table]
        if not self._files:
            raise BadPackage(f"There is no CSV or TSV at {path}.")
        self._inside = {
            file.name: file.path.name if path.is_file() else "/".join(file.path.parts[1:])
            for file in self._files
        }
        self._zone = ZoneInfo(mapped.time_zone) if mapped.time_zone else wishes.zone
        self._start = wishes.start if mapped.start is None else self._moment(mapping, mapped.start)
        named = named_experiment(path.resolve().stem)
        self._experiment_id = wishes.into or mapped.experiment_id or named
        self._kinds = fields_of(mapped.data_type)
        named_columns = {field.column for field in mapped.fields.values()}
        self._unnamed: dict[str, list[str]] = {}
        for file in self._files:
            with file.open() as stream:
                header = read_header(stream, file.name, self._separator(file))
            require_columns(mapping, mapped, file.name, header)
            self._unnamed[file.name] = [each for each in header if each not in named_columns]
        self.size = sum(each.size for each in self._files)
        self.notes = list(self._left_out())

    def records(self, tell: Tell) -> Iterator[Sent]:
        for file in self._files:
            separator = self._separator(file)
            with file.open() as stream:
                for number, row in enumerate(read_table(stream, file.name, separator, tell), 1):
                    yield Sent(self._record(file, number, row), file.name, number)

    def experiment(self, experiment_id: str) -> Mapping[str, Any]:
        named = self._mapped.experiment_name
        return {} if named is None else {"name": named}

    def room(self, room_id: str) -> Mapping[str, Any]:
        return {}

    def participant(self, room_id: str, participant_id: str) -> Mapping[str, Any]:
        return {}

    def _record(self, file: Found, number: int, row: Row) -> dict[str, Any]:
        mapped = self._mapped
        record: dict[str, Any] = {
            "dataType": mapped.data_type.name,
            "experimentId": self._experiment_id,
        }
        for name, field in mapped.fields.items():
            value = self._value(name, field, file.path, row)
            if value is not None:
                put(record, name, value)
        if TOO_MANY in row:
            record[TOO_MANY] = row[TOO_MANY]
        self._add_rest(file, record, row)
        self._complete(file, record, number)
        return record

    def _add_rest(self, file: Found, record: dict[str, Any], row: Row) -> None:
        """Put the columns that are not named where the mapping wants them."""
        if self._mapped.rest is not None:
            texts = ((column, row.get(column, "")) for column in self._unnamed[file.name])
            within(record, self._mapped.rest).update(
                (column, None if text in self._mapped.missing else number_or_text(text))
                for column, text in texts
            )

    def _complete(self, file: Found, record: dict[str, Any], number: int) -> None:
        """Add the timestamp and the id, where no column has them."""
        onset, record_type = record.get("onset"), self._mapped.data_type
        if self._start is not None and "timestamp" not in record and isinstance(onset, int):
            record["timestamp"] = self._start + onset
        own = id_field(record_type)
        if record_type in PREFIXES and own not in record:
            record[own] = id_of_row(record_type, self._inside[file.name], number)

    def _value(self, name: str, field: Field, path: PurePosixPath, row: Row) -> Any:  # noqa: ANN401 - any JSON
        if field.constant is not None:
            return field.constant
        if field.from_ is not None:
            return field.prefix + (path.stem if field.from_ == "file" else path.parent.name)
        text = row.get(field.column or "", "")
        if text in self._mapped.missing:
            return None
        if (column := self._kinds.get(name)) is None:
            return field.prefix + text if name in PLACES else nested(text)
        return self._cell(column, field, field.prefix + text)

    def _cell(self, column: Column, field: Field, text: str) -> Any:  # noqa: ANN401 - any JSON
        zone = self._zone if field.time_zone is None else ZoneInfo(field.time_zone)
        if field.unit is None or (number := decimal(text)) is None:
            return cell(column, text, zone)
        time: Decimal = number * UNITS[field.unit]
        return float(time) if column.kind is Kind.REAL else round(time)

    def _left_out(self) -> Iterator[str]:
        columns = {column for file in self._files for column in self._unnamed[file.name]}
        if columns and self._mapped.rest is None:
            names = ", ".join(f"`{column}`" for column in sorted(columns))
            yield f"Left out, as the mapping does not name them: {names}. `rest` would keep them."

    def _separator(self, file: Found) -> str:
        return self._mapped.delimiter or file.separator

    def _moment(self, mapping: Path, text: str) -> int:
        read = moment(text, self._zone)
        try:
            return timestamps.parse(read) if isinstance(read, str) else read
        except ValueError as wrong:
            raise BadUserInput(f"{mapping.name}: `start`: {wrong}", ["mapping"]) from wrong
