"""What a caller wants exported, kept as JSON to be asked for again."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from server.column_types import Json
from server.records import RecordType
from server.records.data_filter import DataFilter
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.resolvers.selections import Wanted


def stored(wanted: Wanted) -> Json:
    """Return what is wanted as JSON."""
    plain = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    return Json(
        {
            **plain,
            "types": [data_type.name for data_type in wanted.types],
            "kept": wanted.kept.model_dump(mode="json", exclude_none=True),
            "columns": {kind.name: list(names) for kind, names in wanted.columns.items()},
        }
    )


def wanted_again(kept: Json) -> Wanted:
    """Return what is wanted, of which `stored` made JSON."""
    plain = cast("Mapping[str, Any]", kept)
    again: dict[str, Any] = {
        **plain,
        "participants": [(room, person) for room, person in plain["participants"]],
        "types": [RecordType[name] for name in plain["types"]],
        "kept": DataFilter.model_validate(plain["kept"]),
        "columns": {RecordType[name]: names for name, names in plain["columns"].items()},
        "format": ExportFormat(plain["format"]),
        "packaging": ExportPackaging(plain["packaging"]),
        "anonymization": Anonymization(plain["anonymization"]),
    }
    return Wanted(**again)
