"""`datapackage.json`: the files of a ZIP as a Data Package, which programs can check and open.

`frictionless validate datapackage.json` checks each file's bytes and each value's type.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from server.export.csv_files import SEPARATORS
from server.export.manifests import Spreads, about, columns, tables
from server.export.media_types import MEDIA_TYPES
from server.export.tables import Kind, Plan, Table

Field = dict[str, Any]

_FIELDS: Mapping[str, Field] = {
    Kind.PUBLIC_ID: {"type": "string"},
    Kind.TIMESTAMP: {"type": "datetime"},
    Kind.INTEGER: {"type": "integer"},
    Kind.REAL: {"type": "number"},
    Kind.TEXT: {"type": "string"},
    Kind.JSON: {"type": "any"},
    Kind.BOOLEAN: {"type": "boolean", "trueValues": ["true"], "falseValues": ["false"]},
}
_CELLS: Mapping[str, Field] = {
    "string": _FIELDS[Kind.TEXT],
    "number": _FIELDS[Kind.REAL],
    "boolean": _FIELDS[Kind.BOOLEAN],
}
"""What a column of one key holds if nothing but this was seen there: else it is anything."""

_NO_TABLES = ("PARQUET",)
"""Formats that programs for Data Packages read by themselves, if at all: they check the bytes."""


def data_package(
    plan: Plan, spreads: Spreads, files: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the description of the tables among a ZIP's files, as its manifest notes them."""
    said = about(plan)
    ending = plan.format.lower()
    by_name = {f"{table.stem}.{ending}": (table, _schema(table, spreads)) for table in tables(plan)}
    return {
        "name": plan.title.lower(),
        "title": plan.title,
        "description": said["privacy"],
        "created": plan.snapshot_at,
        "version": str(said["formatVersion"]),
        **{name: said[name] for name in ("createdBy", "anonymization")},
        "resources": [
            _resource(plan, *by_name[name], file)
            for file in files
            if (name := PurePosixPath(file["path"]).name) in by_name
        ],
    }


def _schema(table: Table, spreads: Spreads) -> dict[str, Any]:
    fields = [_field(column) for column in columns(table, spreads)]
    return {"fields": fields, "missingValues": [""]}


def _resource(
    plan: Plan, table: Table, schema: Mapping[str, Any], file: Mapping[str, Any]
) -> dict[str, Any]:
    path = PurePosixPath(file["path"]).relative_to(plan.title)
    format_ = plan.format.lower()
    whole = {
        "name": str(path.with_suffix("")).lower(),
        "path": str(path),
        "title": table.title,
        "format": format_,
        "mediatype": MEDIA_TYPES[format_],
        "hash": f"sha256:{file['sha256']}",
        "bytes": file["bytes"],
    }
    if plan.format in _NO_TABLES or not (file["rowCount"] or plan.format in SEPARATORS):
        return {**whole, "type": "file"}
    return {
        **whole,
        "type": "table",
        "rows": file["rowCount"],
        **_encoding(plan),
        "schema": schema,
    }


def _encoding(plan: Plan) -> dict[str, Any]:
    if plan.format not in SEPARATORS:
        return {"encoding": "utf-8"}
    return {
        "encoding": "utf-8-sig" if plan.excel_bom else "utf-8",
        "dialect": {
            "delimiter": SEPARATORS[plan.format],
            "lineTerminator": "\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "skipInitialSpace": False,
        },
    }


def _field(column: Field) -> Field:
    """Return a column of the data dictionary as a field of a Table Schema."""
    unit = f" Unit: {column['unit']}." if column["unit"] else ""
    return {
        "name": column["name"].strip(),  # as programs read a header
        **_type(column),
        "description": f"{column['description']}{unit}",
    }


def _type(column: Field) -> Field:
    seen: set[str] = set(column.get("jsonTypes", ())) - {"null"}
    if "key" in column and len(seen) == 1:
        return _CELLS.get(seen.pop(), _FIELDS[Kind.JSON])
    return _FIELDS[column["type"]]
