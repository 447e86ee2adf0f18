"""Which columns the files of some data types show, where not all."""

from collections.abc import Collection, Mapping, Sequence
from typing import get_args

from pydantic.alias_generators import to_camel

from server.errors import BadUserInput
from server.records import RecordType
from server.records.exports import ExportFormat

_FIELD = ("input", "columns")
_WITH_EMPTY_FIELDS = (ExportFormat.CSV, ExportFormat.TSV)


def chosen_columns(
    choice: Mapping[RecordType, Sequence[str]],
    types: Collection[RecordType],
    format_: ExportFormat,
) -> dict[str, tuple[str, ...]]:
    """Return a choice as recipes keep it: in the files' order, each once, all left unsaid.

    BadUserInput for a type that is not exported, for what is no column of it, and for a lone column
    whose missing values would be empty lines of CSV, which readers skip.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    for data_type, names in choice.items():
        every = _columns(data_type)
        _check(data_type, types, names, every)
        kept = tuple(name for name in every if name in names)
        if len(kept) == 1 and every[kept[0]] and format_ in _WITH_EMPTY_FIELDS:
            raise BadUserInput(
                f"`{kept[0]}` alone may be missing, which in {format_} would be an empty line that "
                "readers skip: choose another column as well, such as `onset`.",
                _FIELD,
            )
        if len(kept) < len(every):
            chosen[data_type.name] = kept
    return chosen


def _check(
    data_type: RecordType,
    types: Collection[RecordType],
    names: Sequence[str],
    every: Collection[str],
) -> None:
    if data_type not in types:
        raise BadUserInput(
            f"`columns` names {data_type.name}, which is not exported: add it to `dataTypes`, or "
            "leave it out.",
            _FIELD,
        )
    if not names:
        raise BadUserInput(
            f"Name a column of {data_type.name}, or leave the type out to have all.", _FIELD
        )
    if unknown := [name for name in names if name not in every]:
        raise BadUserInput(
            f"{data_type.name} has no column {', '.join(map(repr, unknown))}: choose among "
            f"{', '.join(every)}.",
            _FIELD,
        )


def _columns(data_type: RecordType) -> dict[str, bool]:
    """Return the columns of a type in order, and whether a value of each may be missing."""
    fields = data_type.value.base.model_fields
    return {
        to_camel(name): name in fields and type(None) in get_args(fields[name].annotation)
        for name in data_type.value.public_columns
    }
