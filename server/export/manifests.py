"""What an export says of itself: its files, its ledger, its columns."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

import orjson

from server.export.contents import Contents
from server.export.csv_files import SEPARATORS
from server.export.json_files import objects
from server.export.places import Places
from server.export.spreads import Spread
from server.export.tables import Column, Kind, Plan, RecordTable, Table

FORMAT_VERSION = 1

_SEALED = "CONSENT_WITHDRAWN"
"""Why sealed records are withheld."""

_MEDIA = (
    "IDENTIFIABLE MEDIA: the tables are de-identified, but video and audio show who people are. "
    "Handle it as personal data."
)
_OWN_VIEW = (
    "ONE PERSON'S OWN DATA: they can be recognised, so handle it as personal data. Codes stand for "
    "everybody else, as far as they were known or recognised."
)
_LEVELS = {
    "KEEP": "IDENTIFIABLE: participants can be recognised. Handle it as personal data.",
    "REMOVE_IDENTIFIERS": (
        "DE-IDENTIFIED: codes stand for participants; e-mail and network addresses, browsers and "
        "names were removed, also from free text as far as they were known or recognised."
    ),
    "AGGREGATE_ONLY": (
        "AGGREGATED: statistics of groups of people, and no record of anybody. What would have "
        "been of too few people was left out."
    ),
}

Spreads = Mapping[str, Mapping[str, Spread]]
"""By data type, the JSON columns that became several columns of CSV."""


@dataclass
class Manifest:
    """The files of an export, noted as they are written.

    media    paths of copied files
    missing  paths of files that should have been copied, and are not in the store
    """

    files: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    media: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])
    written: Counter[str] = field(default_factory=Counter[str])
    withheld: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Manifest":
        """Return the manifest that was noted as a state; an empty one if none was."""
        noted: dict[str, dict[str, int]] = state.get("withheld", {})
        withheld = {name: Counter(counts) for name, counts in noted.items()}
        return cls(
            files=list(state.get("files", ())),
            media=list(state.get("media", ())),
            missing=list(state.get("missing", ())),
            written=Counter(state.get("written", {})),
            withheld=withheld,
        )

    @property
    def rows(self) -> int:
        """How many records are written."""
        return self.written.total()

    @property
    def state(self) -> dict[str, Any]:
        """The same, as JSON."""
        return {name: getattr(self, name) for name in (each.name for each in fields(self))}

    def note(self, path: str, data_type: str | None, rows: int, size: int, sha256: str) -> None:
        """Note a file, and count what is in it."""
        entry = {"path": path, "dataType": data_type, "rowCount": rows}
        self.files.append({**entry, "bytes": size, "sha256": sha256})
        if data_type:
            self.written[data_type] += rows

    def ledger(
        self, selected: Mapping[str, int], sealed: Mapping[str, int]
    ) -> list[dict[str, Any]]:
        """Return what became of the selected records of each type, the sealed ones among them."""
        return [
            {
                "dataType": name,
                "selected": count + sealed[name],
                "written": self.written[name],
                "withheld": [
                    {"reason": reason, "count": withheld}
                    for reason, withheld in sorted(self._withheld(name, sealed[name]).items())
                ],
            }
            for name, count in selected.items()
        ]

    def _withheld(self, name: str, sealed: int) -> Counter[str]:
        besides = Counter({_SEALED: sealed}) if sealed else Counter[str]()
        return self.withheld.get(name, Counter[str]()) + besides


def about(plan: Plan) -> dict[str, Any]:
    """Return what every file that can say anything of itself says, however it is passed on."""
    return {
        "formatVersion": FORMAT_VERSION,
        "createdBy": plan.software,
        "snapshotAt": plan.snapshot_at,
        "anonymization": plan.anonymization,
        "privacy": _privacy(plan),
    }


def metadata(plan: Plan, contents: Contents) -> dict[str, Any]:
    """Return what there is to know of an export, but for its files."""
    known = {
        **about(plan),
        "title": plan.title,
        "format": plan.format,
        "packaging": plan.packaging,
        "timesShifted": plan.shift_times,
    }
    if plan.anonymization == "AGGREGATE_ONLY":
        selection = _aggregated_selection(plan, contents)
        return {**known, "smallestCell": plan.smallest_cell, "selection": selection}
    return {
        **known,
        "selection": _selection(plan, contents),
        "counts": {table.name: contents.selected[table.data_type] for table in plan.records},
        "recipe": recipe(plan, contents),
    }


def _privacy(plan: Plan) -> str:
    """Say loudly what the files tell of people."""
    if plan.own_view:
        return _OWN_VIEW
    shown = plan.include_media and plan.anonymization == "REMOVE_IDENTIFIERS"
    return _MEDIA if shown else _LEVELS[plan.anonymization]


def recipe(plan: Plan, contents: Contents) -> dict[str, Any]:
    """Return what asks for the same again: the input, its places as the files call them."""
    rooms = contents.rooms.public_ids(plan.room_keys)
    people = contents.participants.public_ids(plan.participant_keys)
    their_rooms = contents.participants.parents_of(plan.participant_keys)
    people_in = zip(contents.rooms.public_ids(their_rooms), people, strict=True)
    named = {
        "experimentIds": contents.experiments.public_ids(plan.experiment_keys),
        "roomIds": rooms,
        "participants": [{"roomId": r, "participantId": p} for r, p in people_in],
    }
    asked = dict(plan.recipe["input"])
    asked["filter"] = contents.timeless(_disguised(asked["filter"], contents))
    return {
        "input": {name: value for name, value in {**named, **asked}.items() if value},
        "snapshot": plan.recipe["snapshot"],
        "software": plan.software,
    }


def _disguised(filters: object, contents: Contents) -> object:
    """Return filters without what tells who people are; their fields are nobody's names."""
    if isinstance(filters, dict):
        fields = cast("dict[str, object]", filters)
        return {name: _disguised(asked, contents) for name, asked in fields.items()}
    if isinstance(filters, list):
        return [_disguised(each, contents) for each in cast("list[object]", filters)]
    return contents.disclosable(filters)


def data_dictionary(plan: Plan, spreads: Spreads) -> dict[str, Any]:
    """Return what each column of each table means."""
    return {
        "formatVersion": FORMAT_VERSION,
        "csv": _csv_rules(plan) if plan.format in SEPARATORS else None,
        "json": _JSON_RULES if plan.format in ("JSON", "NDJSON") else None,
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
            "key": key,
            "description": f"The key {key!r} of {column.name}.",
            "jsonTypes": list(types),
        }
        for key, types in zip(spread.keys, spread.key_types, strict=True)
    ]
    return [{**own, "jsonTypes": list(spread.types)}, *parts]


def _csv_rules(plan: Plan) -> dict[str, Any]:
    return {
        **_CSV_RULES,
        "separator": SEPARATORS[plan.format],
        "byteOrderMark": plan.excel_bom,
        "formulaGuard": plan.formula_guard,
        "formulas": _FORMULA_RULE if plan.formula_guard else None,
    }


_CSV_RULES = {
    "encoding": "UTF-8",
    "lineEnd": "LF",
    "quoting": "RFC 4180: a field is in double quotes where it must be, each inside is doubled.",
    "missing": 'An empty field is a missing value; an empty text is "" in quotes.',
    "infinite": "Infinite numbers are inf and -inf.",
    "json": (
        "A column such as `response.value` holds one key of the objects in `response`: texts as "
        "they are, anything else as JSON. `response` itself holds, as JSON, whatever is not in the "
        "others, and each `null`. `jsonTypes` lists the types that were seen; where there are "
        "others beside texts, a text that would read as JSON is in quotes."
    ),
}
_FORMULA_RULE = (
    "A text that begins like a formula has a ' in front: take one ' from every text that matches "
    "^'+[=+\\-@\\t\\r\\n＝＋－＠] to have what was recorded."
)
_JSON_RULES = {
    "encoding": "UTF-8",
    "lineEnd": "LF",
    "missing": "null is a missing value.",
    "infinite": 'Infinite numbers are the texts "Infinity" and "-Infinity".',
}


def _selection(plan: Plan, contents: Contents) -> dict[str, Any]:
    return {
        "experiments": contents.experiments.public_ids(plan.experiment_keys),
        "rooms": contents.rooms.public_ids(plan.room_keys),
        "participants": contents.participants.public_ids(plan.participant_keys),
        "dataTypes": [table.data_type for table in plan.records],
        "filters": contents.disclosable(plan.filters),
    }


def _aggregated_selection(plan: Plan, contents: Contents) -> dict[str, Any]:
    """Say no more than is safe: numbers of records, and filters, can be of a few people."""
    return {
        "experiments": contents.experiments.ids.to_pylist(),
        "whole": not (plan.room_keys or plan.participant_keys or plan.filters),
        "dataTypes": [table.data_type for table in plan.records],
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
