"""What an export says of itself: its files, its ledger, its columns."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.export.contents import Contents
from server.export.json_files import objects
from server.export.places import Places
from server.export.spreads import Spread
from server.export.tables import Column, Kind, Plan, RecordTable, Table

FORMAT_VERSION = 1

_LEVELS = {
    "KEEP": "IDENTIFIABLE: participants can be recognised. Handle it as personal data.",
    "REMOVE_IDENTIFIERS": (
        "DE-IDENTIFIED: codes stand for participants; e-mail and network addresses, browsers and "
        "names were removed, also from free text as far as they were known or recognised."
    ),
}

Spreads = Mapping[str, Mapping[str, Spread]]
"""By data type, the JSON columns that became several columns of CSV."""


@dataclass
class Manifest:
    """The files of an export, noted as they are written."""

    files: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    written: Counter[str] = field(default_factory=Counter[str])
    withheld: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])

    def note(self, path: str, data_type: str | None, rows: int, size: int, sha256: str) -> None:
        """Note a file, and count what is in it."""
        entry = {"path": path, "dataType": data_type, "rowCount": rows}
        self.files.append({**entry, "bytes": size, "sha256": sha256})
        if data_type:
            self.written[data_type] += rows

    def ledger(self, selected: Mapping[str, int]) -> list[dict[str, Any]]:
        """Return what became of the selected records of each type."""
        return [
            {
                "dataType": name,
                "selected": count,
                "written": self.written[name],
                "withheld": [
                    {"reason": reason, "count": withheld}
                    for reason, withheld in sorted(self.withheld.get(name, {}).items())
                ],
            }
            for name, count in selected.items()
        ]


def metadata(plan: Plan, contents: Contents) -> dict[str, Any]:
    """Return what there is to know of an export, but for its files."""
    return {
        "formatVersion": FORMAT_VERSION,
        "title": plan.title,
        "createdBy": plan.software,
        "snapshotAt": plan.snapshot_at,
        "anonymization": plan.anonymization,
        "privacy": _LEVELS[plan.anonymization],
        "format": plan.format,
        "packaging": plan.packaging,
        "selection": _selection(plan, contents),
        "counts": {table.name: contents.selected[table.data_type] for table in plan.records},
    }


def data_dictionary(plan: Plan, spreads: Spreads) -> dict[str, Any]:
    """Return what each column of each table means."""
    return {
        "formatVersion": FORMAT_VERSION,
        "csv": _CSV_RULES if plan.format == "CSV" else None,
        "tables": {
            table.name: {"title": table.title, "columns": columns(table, spreads)}
            for table in tables(plan)
        },
    }


def tables(plan: Plan) -> tuple[Table, ...]:
    """Return every table that a plan writes."""
    return (plan.experiments, plan.rooms, plan.participants, *plan.records)


def columns(table: Table, spreads: Spreads) -> list[dict[str, Any]]:
    """Return the columns of a table's files, in their order."""
    none: Mapping[str, Spread] = {}
    spread = spreads.get(table.data_type, none) if isinstance(table, RecordTable) else none
    return [
        described
        for column in table.columns
        for described in _described(column, spread.get(column.name))
    ]


def _described(column: Column, spread: Spread | None) -> list[dict[str, Any]]:
    own = {
        "name": column.name,
        "type": column.kind.value,
        "unit": column.unit,
        "description": column.description,
        "identifies": column.identifies,
    }
    if column.kind is not Kind.JSON or spread is None:
        return [own]
    parts = [
        {
            **own,
            "name": f"{column.name}.{key}",
            "description": f"The key {key!r} of {column.name}.",
            "jsonTypes": list(types),
        }
        for key, types in zip(spread.keys, spread.key_types, strict=True)
    ]
    return [{**own, "jsonTypes": list(spread.types)}, *parts]


_CSV_RULES = {
    "encoding": "UTF-8",
    "lineEnd": "LF",
    "missing": 'An empty field is a missing value; an empty text is "" in quotes.',
    "json": (
        "A column such as `response.value` holds one key of the objects in `response`: texts as "
        "they are, anything else as JSON. `response` itself holds, as JSON, whatever is not in the "
        "others, and each `null`. `jsonTypes` lists the types that were seen; where there are "
        "others beside texts, a text that would read as JSON is in quotes."
    ),
}


def _selection(plan: Plan, contents: Contents) -> dict[str, Any]:
    return {
        "experiments": contents.experiments.public_ids(plan.experiment_keys),
        "rooms": contents.rooms.public_ids(plan.room_keys),
        "participants": contents.participants.public_ids(plan.participant_keys),
        "dataTypes": [table.data_type for table in plan.records],
        "filters": contents.without_identities(plan.filters),
    }


def place_rows(places: Places) -> list[orjson.Fragment]:
    """Return the rows of a table of places as JSON objects."""
    texts: list[str] = objects(places.table.columns, places.columns).to_pylist()
    return [orjson.Fragment(text) for text in texts]


def rooms_with_counts(plan: Plan, contents: Contents) -> list[dict[str, Any]]:
    """Return how many records of each type there are in each room, also where there are none."""
    rooms = contents.rooms
    return [
        {
            "roomId": room_id,
            "counts": {
                table.name: contents.of_room[table.data_type][key] for table in plan.records
            },
        }
        for key, room_id in zip(rooms.keys, rooms.ids.to_pylist(), strict=True)
    ]
