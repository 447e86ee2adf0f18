"""A mapping file: which column of a table is which field of a record. TOML or JSON."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from server.errors import BadUserInput
from server.export.tables import Kind
from server.importing.outside.fields import PLACES, fields_of, is_nested
from server.records import NamedType, RecordType


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="forbid")


def _zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise PydanticCustomError("zone", "is no time zone, such as Europe/Berlin") from None
    return name


class Field(_Part):
    """Where a field comes from: a column, the file's name, its folder's name, or one value for all.

    unit    of a time, which is in ms here
    prefix  what is put before it
    """

    column: str | None = None
    constant: str | int | float | bool | None = None
    from_: Literal["file", "folder"] | None = None
    unit: Literal["us", "ms", "s", "min", "h"] | None = None
    time_zone: str | None = None
    prefix: str = ""

    _known_zone = field_validator("time_zone")(_zone)

    model_config = ConfigDict(alias_generator=lambda name: to_camel(name.rstrip("_")))

    @model_validator(mode="before")
    @classmethod
    def _short(cls, said: Any) -> Any:  # noqa: ANN401 - whatever the file says
        return {"column": said} if isinstance(said, str) else said

    @model_validator(mode="after")
    def _one_source(self) -> "Field":
        if sum(each is not None for each in (self.column, self.constant, self.from_)) != 1:
            raise PydanticCustomError("source", "needs one of `column`, `constant` and `from`")
        return self


class Mapped(_Part):
    """What a mapping file says.

    missing  cells that say nothing
    rest     the field of JSON that holds all columns that are not named
    """

    data_type: NamedType
    experiment_id: str | None = None
    experiment_name: str | None = None
    delimiter: str | None = None
    missing: tuple[str, ...] = ("",)
    time_zone: str | None = None
    start: str | None = None
    rest: str | None = None
    fields: dict[str, Field]

    _known_zone = field_validator("time_zone")(_zone)

    @field_validator("data_type", mode="before")
    @classmethod
    def _named(cls, name: Any) -> RecordType:  # noqa: ANN401 - whatever the file says
        if isinstance(name, str) and name in RecordType.__members__:
            return RecordType[name]
        known = ", ".join(RecordType.__members__)
        raise PydanticCustomError("type", "must be one of {known}", {"known": known})


def read_mapping(path: Path) -> Mapped:
    """Read a mapping file; BadUserInput names the key at fault."""
    try:
        text = path.read_text("utf-8")
        said: Any = orjson.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as wrong:
        raise BadUserInput(f"There is no mapping file {path}.", ["mapping"]) from wrong
    except ValueError as wrong:
        raise BadUserInput(f"{path.name} is neither TOML nor JSON: {wrong}", ["mapping"]) from wrong
    try:
        mapped = Mapped.model_validate(said)
    except ValidationError as wrong:
        raise BadUserInput(_said(path, wrong.errors()), ["mapping"]) from wrong
    _check_fields(path, mapped)
    return mapped


def require_columns(path: Path, mapped: Mapped, file: str, header: Sequence[str]) -> None:
    """Raise BadUserInput unless a file has all columns that are named."""
    for name, field in mapped.fields.items():
        if field.column is not None and field.column not in header:
            raise _wrong(
                path,
                f"fields.{name}.column",
                f"{file} has no column {field.column!r}. It has {', '.join(header)}",
            )


def _check_fields(path: Path, mapped: Mapped) -> None:
    known = fields_of(mapped.data_type)
    for name, field in mapped.fields.items():
        outer, dot, _ = name.partition(".")
        in_json = bool(dot) and is_nested(mapped.data_type, outer)
        if name not in known and name not in PLACES and not in_json:
            names = ", ".join((*PLACES, *known))
            kind = mapped.data_type.name
            raise _wrong(path, f"fields.{name}", f"{kind} have no such field. They have {names}")
        holds = known[name].kind if name in known else None
        if field.unit is not None and holds not in (Kind.INTEGER, Kind.REAL, Kind.TIMESTAMP):
            raise _wrong(path, f"fields.{name}.unit", "only times have a unit")
        if field.time_zone is not None and holds is not Kind.TIMESTAMP:
            raise _wrong(path, f"fields.{name}.timeZone", "only moments have a time zone")
    for name in ("roomId", "participantId"):
        if name not in mapped.fields:
            raise _wrong(path, f"fields.{name}", "is missing: each record is of somebody in a room")
    if mapped.rest is not None and not is_nested(mapped.data_type, mapped.rest):
        nested = [name for name in known if is_nested(mapped.data_type, name)]
        why = f"must be a field of JSON: {', '.join(nested) or 'there is none'}"
        raise _wrong(path, "rest", why)


def _wrong(path: Path, key: str, why: str) -> BadUserInput:
    return BadUserInput(f"{path.name}: `{key}`: {why}.", ["mapping"])


def _said(path: Path, errors: Sequence[ErrorDetails]) -> str:
    lines = [
        f"{path.name}: `{'.'.join(map(str, error['loc'])) or 'it'}`: {_why(error)}."
        for error in errors
    ]
    return "\n".join(lines)


def _why(error: Mapping[str, Any] | ErrorDetails) -> str:
    known = {"missing": "is missing", "extra_forbidden": "is no key of a mapping"}
    message = str(error["msg"])
    return known.get(error["type"], message[:1].lower() + message[1:])
