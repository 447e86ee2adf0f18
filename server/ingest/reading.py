"""Records as they are sent, read as rows: what a data type declares says what each field may hold.

The same for JSON over the API, for lines of NDJSON and for files. Names are the API's, values are
JSON's: a number is no text, and nothing is guessed. Moments are ISO 8601 with an offset, or whole
milliseconds since 1970.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, cast, get_args, get_origin

import orjson
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import (
    CoreSchema,
    ErrorDetails,
    PydanticCustomError,
    SchemaValidator,
    ValidationError,
)
from pydantic_core import core_schema as core

from server import timestamps
from server.column_types import ByteCount, Json
from server.ingest.refusals import Refusal
from server.records import RecordType
from server.records.base import Place
from server.records.described import Described
from server.records.quarantine import RefusalCode
from server.timestamps import Timestamp

LONGEST_ID = 200
"""Characters that a public id may have."""

LONGEST_TEXT = 20_000
"""Characters that a text may have."""

LONGEST_JSON = 256 * 1024
"""Bytes that a value of JSON may have."""

_OPTIONAL = {"experiment_id", "onset"}
"""What may be left out, though every stored record has it: it follows from the rest."""


def _moment(value: object) -> int:
    if isinstance(value, str):
        try:
            return timestamps.parse(value)
        except ValueError:
            raise PydanticCustomError("moment", "") from None
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < 2**53:
            return value
        raise PydanticCustomError("out_of_range", "")
    raise PydanticCustomError("moment", "")


def _text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("no_nul", "")
    return value


def _json(value: object) -> str | None:
    """Return a value as the text that is stored."""
    if value is None:
        return None
    try:
        text = orjson.dumps(value)
    except TypeError as wrong:
        raise PydanticCustomError("no_json", "") from wrong
    if len(text) > LONGEST_JSON:
        raise PydanticCustomError("json_too_long", "")
    if b"\\u0000" in text and "\\u0000" in text.replace(b"\\\\", b"").decode():
        raise PydanticCustomError("no_nul", "")
    return text.decode()


def _int(low: int, high: int) -> CoreSchema:
    return core.int_schema(strict=True, ge=low, lt=high)


_TEXT = core.no_info_after_validator_function(
    _text, core.str_schema(strict=True, max_length=LONGEST_TEXT)
)
_ID = core.no_info_after_validator_function(
    _text, core.str_schema(strict=True, min_length=1, max_length=LONGEST_ID)
)
_KINDS: Mapping[object, CoreSchema] = {
    Timestamp: core.no_info_plain_validator_function(_moment),
    ByteCount: _int(-(2**53), 2**53),
    Json: core.no_info_plain_validator_function(_json),
    int: _int(-(2**31), 2**31),
    float: core.float_schema(strict=True, allow_inf_nan=False),
    bool: core.bool_schema(strict=True),
    str: _TEXT,
    list[str]: core.no_info_after_validator_function(
        _json, core.list_schema(_ID, strict=True, max_length=1000)
    ),
}


def _kind(name: str, field: FieldInfo) -> CoreSchema:
    annotation: object = field.annotation
    if annotation in _KINDS:
        kinds: Sequence[object] = [annotation]
    else:
        kinds = [each for each in get_args(annotation) if each is not NoneType] or [annotation]
    [kind] = kinds
    if isinstance(kind, type) and issubclass(kind, Described):
        shown: CoreSchema = core.literal_schema([member.value for member in kind])
    else:
        shown = _ID if name.endswith("_id") else _KINDS[kind]
    nullable = annotation is not kind or name in _OPTIONAL
    return core.nullable_schema(shown) if nullable else shown


def _default(name: str, field: FieldInfo) -> object:
    """Return what is stored where a record says nothing."""
    if name in _OPTIONAL:
        return None
    default: Any = field.get_default(call_default_factory=True)
    return _json(default) if get_origin(field.annotation) is list else default


@cache
def _validator(record_type: RecordType) -> SchemaValidator:
    data_type = core.literal_schema([record_type.name])
    fields = {"data_type": core.typed_dict_field(data_type, validation_alias="dataType")}
    for model in (Place, record_type.value.base):
        for name, field in model.model_fields.items():
            kind, needed = _kind(name, field), field.is_required() and name not in _OPTIONAL
            if not needed:
                kind = core.with_default_schema(kind, default=_default(name, field))
            fields[name] = core.typed_dict_field(
                kind, required=needed, validation_alias=to_camel(name)
            )
    return SchemaValidator(core.typed_dict_schema(fields, extra_behavior="forbid"))


def read(record_type: RecordType, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record says, by column: moments in ms, JSON as text; raise Refusal if it can't.

    Where it says nothing, there is what is stored then: null, mostly.
    """
    try:
        row: dict[str, Any] = _validator(record_type).validate_python(record)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False)
    else:
        return row
    if any(error["type"] == "int_type" and _is_whole(error["input"]) for error in errors):
        return read(record_type, _with_whole_numbers(record, errors))
    raise _refusal(errors[0])


def said_by(record: object) -> Mapping[str, object]:
    """Return the fields of whatever was sent: none, if it is no object."""
    if type(record) is dict:  # as JSON is read: the shortest way
        return cast("dict[str, object]", record)
    return cast("Mapping[str, object]", record) if isinstance(record, Mapping) else {}


def type_of(record: object) -> RecordType:
    """Return the data type of whatever was sent; raise Refusal if it names none."""
    said = said_by(record)
    name = said.get("dataType")
    if isinstance(name, str) and (record_type := _TYPES.get(name)) is not None:
        return record_type
    if not said and not isinstance(record, Mapping):
        raise Refusal(RefusalCode.NOT_AN_OBJECT, "A record is a JSON object: send one.")
    names = ", ".join(_TYPES)
    raise Refusal(RefusalCode.UNKNOWN_TYPE, f"Say which type it is of: {names}.", "dataType")


_TYPES = RecordType.__members__


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _with_whole_numbers(
    record: Mapping[str, Any], errors: Sequence[ErrorDetails]
) -> Mapping[str, Any]:
    """Take 3.0 for 3 where a whole number is asked for: there are languages that write it so."""
    names = [error["loc"][0] for error in errors if _is_whole(error["input"])]
    return {name: int(value) if name in names else value for name, value in record.items()}


_CODES: Mapping[str, RefusalCode] = {
    "missing": RefusalCode.MISSING,
    "extra_forbidden": RefusalCode.UNKNOWN_FIELD,
    "string_too_long": RefusalCode.TOO_LARGE,
    "too_long": RefusalCode.TOO_LARGE,
    "json_too_long": RefusalCode.TOO_LARGE,
    "greater_than_equal": RefusalCode.OUT_OF_RANGE,
    "less_than": RefusalCode.OUT_OF_RANGE,
    "out_of_range": RefusalCode.OUT_OF_RANGE,
    "finite_number": RefusalCode.OUT_OF_RANGE,
}
_SENTENCES: Mapping[str, str] = {
    "missing": "Records of this type must have `{name}`: send it.",
    "extra_forbidden": "Records of this type have no `{name}`: leave it out.",
    "string_too_long": "`{name}` may have at most {max_length:,} characters: shorten it.",
    "string_too_short": "`{name}` must not be empty.",
    "too_long": "`{name}` may have at most {max_length:,} elements.",
    "json_too_long": f"`{{name}}` may have at most {LONGEST_JSON:,} bytes as JSON.",
    "no_nul": "`{name}` holds the character U+0000, which databases cannot keep: leave it out.",
    "no_json": "`{name}` holds a number of more than 64 bits: send it as text.",
    "int_type": "`{name}` must be a whole number.",
    "greater_than_equal": "`{name}` is too small for a whole number of 32 bits.",
    "less_than": "`{name}` is too large for a whole number of 32 bits.",
    "out_of_range": "`{name}` is no moment: it is beyond what milliseconds since 1970 can be.",
    "float_type": "`{name}` must be a number.",
    "finite_number": "`{name}` must be a finite number.",
    "bool_type": "`{name}` must be true or false.",
    "string_type": "`{name}` must be text.",
    "list_type": "`{name}` must be a list of texts.",
    "literal_error": "`{name}` must be one of {expected}.",
    "moment": "`{name}` must be a moment such as 2024-10-20T14:30:45.123Z, with its offset from "
    "UTC, or whole milliseconds since 1970.",
}


def _refusal(error: ErrorDetails) -> Refusal:
    kind, name = error["type"], str(error["loc"][0])
    code = _CODES.get(kind, RefusalCode.WRONG_TYPE)
    sentence = _SENTENCES.get(kind, "`{name}` is not what it must be.")
    known = name if len(name) <= LONGEST_ID and name.isprintable() else None
    return Refusal(code, sentence.format(name=known or "…", **error.get("ctx", {})), known)
