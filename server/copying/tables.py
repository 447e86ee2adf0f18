"""The tables that are copied, in an order in which each row finds those that it names."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import TableClause, Text, column, table
from sqlalchemy.types import TypeEngine

from server.column_types import JsonTextType, JsonType
from server.db import metadata

DERIVED = ("tally",)
"""What the target's triggers make of the rows: it is compared, but not copied."""


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table, of which JSON is read and written as the text that it is.

    json     names of the columns of JSON: JSONB in PostgreSQL
    is_long  whether its rows have a key of their own, and are copied some thousand at a time
    """

    clause: TableClause
    json: frozenset[str]
    is_long: bool

    @property
    def name(self) -> str:
        return self.clause.name

    @property
    def columns(self) -> list[str]:
        return list(self.clause.columns.keys())

    @property
    def is_derived(self) -> bool:
        return self.name in DERIVED


def copied_tables() -> list[CopiedTable]:
    """Return all tables, those that others refer to first."""
    made: list[CopiedTable] = []
    for each in metadata.sorted_tables:
        columns = each.columns.values()
        clause = table(each.name, *(column(kept.name, _plain(kept.type)) for kept in columns))
        json = frozenset(kept.name for kept in columns if _is_json(kept.type))
        made.append(CopiedTable(clause, json, "id" in each.columns))
    return made


def _is_json(kind: TypeEngine[Any]) -> bool:
    return isinstance(kind, JsonType) and not isinstance(kind, JsonTextType)


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return Text() if isinstance(kind, JsonType) else kind
