"""From a small export to a large one: how many bytes its file would have."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.export.recipe import Recipe
from server.export.surveys import Survey
from server.records.exports import Anonymization, ExportFormat, ExportPackaging

_ABOUT_A_ROW = 60
"""Bytes of a row of which none was in the sample."""

_ABOUT_A_ROOM, _ABOUT_A_LIST = 220, 24
"""Bytes that a JSON document has for each room, and for each list of a participant."""

_METADATA, _DICTIONARY = "metadata.json", "data_dictionary.json"


@dataclass(frozen=True, slots=True)
class Extent:
    """How large an export is.

    rows     records of each type
    lists    in how many rooms each type has any
    rooms, participants, experiments   how many there are
    """

    rows: Mapping[str, int]
    lists: Mapping[str, int]
    rooms: int
    participants: int
    experiments: int


def surveyed(recipe: Recipe) -> Recipe:
    """Return in what form a sample tells most: of a JSON document, list by list."""
    changes: dict[str, Any] = {"include_media": False}
    if (
        recipe.format is ExportFormat.JSON
        and recipe.anonymization is not Anonymization.AGGREGATE_ONLY
    ):
        changes["packaging"] = ExportPackaging.ZIP
    return recipe.model_copy(update=changes)


def foreseen_bytes(recipe: Recipe, extent: Extent, sample: Survey) -> int:
    """Return how many bytes the file would have, media aside, going by a sample of it."""
    if recipe.anonymization is Anonymization.AGGREGATE_ONLY:
        rooms = _rows(_of(sample, "rooms")) or extent.rooms
        return round(sample.bytes * extent.rooms / (rooms or 1))
    if recipe.packaging is ExportPackaging.ZIP:
        return _zip(extent, sample)
    if recipe.format is ExportFormat.JSON:
        return _document(extent, sample)
    return _records(extent, sample, "bytes")


def _zip(extent: Extent, sample: Survey) -> int:
    members = sum(extent.lists.values()) + 2 * extent.experiments + 2
    more = members / len(sample.files)
    around = sample.bytes - _sum(sample.files, "packed")
    metadata = _sum(_of(sample, _METADATA), "packed")
    dictionary = _sum(_of(sample, _DICTIONARY), "packed")
    places = _places(extent, sample, "packed")
    records = _records(extent, sample, "packed")
    return round((around + metadata) * more) + dictionary + places + records


def _document(extent: Extent, sample: Survey) -> int:
    lists = len(extent.rows) * extent.participants
    said = _sum(_of(sample, _DICTIONARY), "bytes") + _ABOUT_A_ROOM * extent.rooms
    places = _places(extent, sample, "bytes")
    return said + places + _ABOUT_A_LIST * lists + _records(extent, sample, "bytes")


def _records(extent: Extent, sample: Survey, size: str) -> int:
    rows, sizes = Counter[str](), Counter[str]()
    for file in sample.files:
        if file["dataType"]:
            rows[file["dataType"]] += file["rowCount"]
            sizes[file["dataType"]] += file[size]
    return sum(
        round(count * (sizes[name] / rows[name] if rows[name] else _ABOUT_A_ROW))
        for name, count in extent.rows.items()
    )


def _places(extent: Extent, sample: Survey, size: str) -> int:
    """Return what the tables of rooms and of participants take."""
    found = 0.0
    for stem, count in (("rooms", extent.rooms), ("participants", extent.participants)):
        files = _of(sample, stem)
        found += _sum(files, size) * count / (_rows(files) or 1)
    return round(found)


def _of(sample: Survey, name: str) -> list[dict[str, Any]]:
    """Return the files of a name, without an ending or with its own, that hold no records."""
    return [
        file
        for file in sample.files
        if not file["dataType"] and name in _names(file["path"].rpartition("/")[2])
    ]


def _names(file_name: str) -> tuple[str, str]:
    return file_name, file_name.rpartition(".")[0]


def _rows(files: list[dict[str, Any]]) -> int:
    return _sum(files, "rowCount")


def _sum(files: list[dict[str, Any]], what: str) -> int:
    return sum(int(file[what]) for file in files)
