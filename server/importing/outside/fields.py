"""The fields of records as data from elsewhere fill them: which there are, and what each holds."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic.alias_generators import to_camel

from server.export.tables import Column, Kind
from server.importing.targets import RECORDS, Target
from server.records import RecordType

PLACES = ("experimentId", "roomId", "participantId")

_REST = {
    RecordType.EVENTS: "response",
    RecordType.SPARSE_RATINGS: "details",
    RecordType.COMPONENTS: "config",
}
"""Of each type that has one, the field that may hold whatever else there is."""

MORE = "more"
"""The key under which it holds that."""


@cache
def fields_of(record_type: RecordType) -> Mapping[str, Column]:
    """Return the fields of a type, but for those of its place."""
    return columns_of(RECORDS[record_type.name])


def columns_of(target: Target) -> Mapping[str, Column]:
    """Return a table's own columns."""
    return {name: filled.column for name, filled in target.own.items()}


@cache
def id_field(record_type: RecordType) -> str:
    """Return the field that names a record."""
    return to_camel(record_type.value.model.identity[0])


@cache
def is_nested(record_type: RecordType, name: str) -> bool:
    """Tell a field that holds JSON, so that there may be keys in it."""
    field = fields_of(record_type).get(name)
    return field is not None and field.kind is Kind.JSON


def put(record: dict[str, Any], path: str, value: object) -> None:
    """Put a value into a record: where there are dots, keys in keys."""
    *outer, last = path.split(".")
    for key in outer:
        record = within(record, key)
    record[last] = value


def within(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object that a field holds: what was no object becomes its `value`."""
    there = record.get(name)
    if not isinstance(there, dict):
        record[name] = {} if there is None else {"value": there}
    inner: dict[str, Any] = record[name]
    return inner


def put_rest(record_type: RecordType, record: dict[str, Any], rest: Mapping[str, Any]) -> bool:
    """Put what there is no field for beside what there is; say whether that can be done."""
    field = _REST.get(record_type)
    if field is not None and rest:
        within(record, field)[MORE] = dict(rest)
    return field is not None
