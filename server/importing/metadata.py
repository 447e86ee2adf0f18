"""What a package says of itself: `metadata.json`, or the head of a document."""

from collections.abc import Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from server.errors import BadPackage
from server.export.manifests import FORMAT_VERSION
from server.export.tables import Kind
from server.importing.gathering import Key
from server.importing.layouts import Layout
from server.importing.targets import RECORDS, TARGETS, Target
from server.records.exports import Anonymization, ExportFormat


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class File(_Part):
    """A file, and what must be in it."""

    path: str
    data_type: str | None
    row_count: int
    bytes: int
    sha256: str


class DescribedColumn(_Part):
    """A column of the files of a table."""

    name: str
    json_types: tuple[str, ...] = ()


class RoomCounts(_Part):
    """A room; rooms are listed in the order in which they were made."""

    room_id: str


class Metadata(_Part):
    """What must be known of a package to import it.

    experiments  their rows, where they are not in files of their own
    counts       how many records of each table there are
    """

    anonymization: Anonymization
    format: ExportFormat
    experiments: tuple[dict[str, Any], ...] = ()
    rooms: tuple[RoomCounts, ...]
    counts: dict[str, int]
    columns: dict[str, tuple[DescribedColumn, ...]]
    files: tuple[File, ...] = ()
    times_shifted: bool = False


def read_metadata(said: object) -> Metadata:
    """Read metadata; BadPackage for those of something else, or of another version."""
    head = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    if (version := head.get("formatVersion")) != FORMAT_VERSION:
        raise BadPackage(
            f"This is format version {version}; this program reads version {FORMAT_VERSION}: "
            "use the one that wrote it, or a newer one."
            if version
            else "This is no export of HyperStudy Data: its metadata name no format version."
        )
    if head.get("anonymization") == Anonymization.AGGREGATE_ONLY:
        raise BadPackage("This export holds statistics only: there is no record to import.")
    try:
        metadata = Metadata.model_validate(said)
    except ValidationError as wrong:
        place = ".".join(map(str, wrong.errors()[0]["loc"]))
        raise BadPackage(f"metadata.json is not as exports write it: look at `{place}`.") from wrong
    if unknown := {*metadata.counts, *metadata.columns}.difference(TARGETS):
        raise BadPackage(f"Nothing here is called {_some(unknown)}: a newer version's export?")
    return metadata


class _Rules(_Part):
    formula_guard: bool = False


class _Dictionary(_Part):
    csv: _Rules | None = None


def is_guarded(dictionary: object) -> bool:
    """Tell by a data dictionary whether texts that look like formulas have a quote in front."""
    try:
        rules = _Dictionary.model_validate(dictionary).csv
    except ValidationError as wrong:
        raise BadPackage("data_dictionary.json is not as exports write it.") from wrong
    return rules is not None and rules.formula_guard


def layouts(metadata: Metadata, *, guarded: bool) -> dict[str, Layout]:
    """Return what the files of each table look like; BadPackage for columns that we do not know."""
    return {
        name: _layout(TARGETS[name], columns, guarded=guarded)
        for name, columns in metadata.columns.items()
    }


def _layout(target: Target, columns: Sequence[DescribedColumn], *, guarded: bool) -> Layout:
    kinds = target.kinds
    keys: dict[str, list[Key]] = {}
    for column in columns:
        name, dot, key = column.name.partition(".")
        if kinds.get(name) is None or (dot and kinds[name] is not Kind.JSON):
            raise BadPackage(f"{target.name} have no column {column.name!r}: nothing was imported.")
        if dot:
            keys.setdefault(name, []).append(Key.of(key, column.json_types))
    names = tuple(column.name for column in columns)
    needed = {*target.places, *(name for name, filled in target.own.items() if filled.needed)}
    if missing := needed.difference(names):
        raise BadPackage(
            f"The {target.title} were exported without {_some(missing)}: export them again with "
            "all columns."
        )
    return Layout(target, names, {name: tuple(each) for name, each in keys.items()}, guarded)


def _some(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def record_target(file: File) -> Target:
    """Return the table that a file of records fills."""
    if (target := RECORDS.get(file.data_type or "")) is None:
        raise BadPackage(f"{file.path} holds {file.data_type}, which is no type of data here.")
    return target
