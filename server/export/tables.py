"""The plan of an export: what to read, in SQL, and what the columns of its files are."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum, StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import orjson


class Kind(StrEnum):
    """What a column holds."""

    PUBLIC_ID = "public id"
    TIMESTAMP = "timestamp"
    INTEGER = "integer"
    REAL = "real"
    TEXT = "text"
    JSON = "json"
    BOOLEAN = "boolean"


class Identifying(StrEnum):
    """How a column can tell who a person is: `server.records.columns.Identifies`, for a worker."""

    DIRECTLY = "direct identifier"
    IN_PART = "quasi-identifier"
    IN_TEXT = "free text"


BORNE_BY = {"senderName": "senderId"}
"""Names that stand beside the id of who bears them, and become their code."""


@dataclass(frozen=True)
class Column:
    """A column of a file; `key` is the column of the result that a public id is looked up by."""

    name: str
    kind: Kind
    description: str
    unit: str | None = None
    identifies: Identifying | None = None
    key: str | None = None


@dataclass(frozen=True)
class Query:
    """A statement and its parameters; `among_at` is the one that says which places to read.

    sampled      where columns of a result have no types: the same after a row that shows them
    other_kinds  the columns that hold no whole numbers, as all seem to that are empty
    """

    sql: str
    parameters: tuple[str | int | float, ...]
    among_at: int | None = None
    sampled: str | None = None
    other_kinds: tuple[str, ...] = ()

    def among(self, keys: Sequence[int]) -> "Query":
        """Read only these places."""
        assert self.among_at is not None
        parameters = list(self.parameters)
        parameters[self.among_at] = orjson.dumps(list(keys)).decode()
        return replace(self, parameters=tuple(parameters))


@dataclass(frozen=True)
class Table:
    """A table of the files."""

    name: str
    title: str
    stem: str
    columns: tuple[Column, ...]
    rows: Query


@dataclass(frozen=True)
class RecordTable(Table):
    """The table of a data type.

    data_type  its name among the data types
    hidden     columns that no file shows, but without which another's identities cannot be removed
    json       its JSON columns by themselves, where there are any: CSV needs their keys in advance
    counts     rows of each participant
    selected   rows in all, counted without regard to how they will be read
    tallied    the same off the tallies, where these tell: should they be wrong, rows are counted
    sealed     rows in the same places whose participants have withdrawn
    """

    data_type: str
    hidden: tuple[Column, ...]
    json: Table | None
    counts: Query
    selected: Query
    tallied: Query | None
    sealed: Query


@dataclass(frozen=True)
class Summary:
    """What is read of a table for its statistics, all of it under names of our own.

    data_type     its name among the data types; empty for participants
    by_component  whether its rows belong to components
    categories    the columns whose values are counted, as texts
    numbers       the columns that are calculated with
    counts        for each participant_key, component, category_0, …: records, and of number_0, …
                  count_0, least_0, most_0, …
    values        for each of the numbers: participant_key, component, value; the smallest first
    """

    title: str
    stem: str
    data_type: str
    by_component: bool
    categories: tuple[Column, ...]
    numbers: tuple[Column, ...]
    counts: Query
    values: tuple[Query, ...]


@dataclass(frozen=True)
class Identities:
    """What must be known of people so that nothing tells who they are, experiment by experiment.

    people    experiment, participant id, code
    names     experiment, participant id or an empty text, name
    contacts  experiment, then addresses of a participant or empty texts
    """

    people: Query
    names: Query
    contacts: Query


@dataclass(frozen=True)
class Plan:
    """All that a worker must know to write an export.

    revisions  of its experiments' data, each with the experiment's key: a file that was begun
               of others must not be gone on with
    spool      folder in which the file is written before it goes into the store
    recipe   the input that asks for the same again, but for what is selected, and its snapshot
    """

    title: str
    format: str
    packaging: str
    anonymization: str
    excel_bom: bool
    formula_guard: bool
    include_media: bool
    shift_times: bool
    smallest_cell: int
    snapshot_at: str
    software: str
    recipe: dict[str, Any]

    own_view: bool
    own: tuple[str, ...] = field(repr=False)
    """The ids, names and addresses of the person whose own view it is: they stay."""

    experiment_keys: tuple[int, ...]
    room_keys: tuple[int, ...]
    participant_keys: tuple[int, ...]
    filters: dict[str, dict[str, Any]]

    revisions: tuple[tuple[int, int], ...]
    spool: str
    checkpoint_seconds: float
    database_uri: str = field(repr=False)  # it may hold a password
    storage_url: str
    storage_endpoint: str | None
    storage_key: str
    file_name: str

    experiments: Table
    rooms: Table
    participants: Table
    records: tuple[RecordTable, ...]
    media: Query | None
    identities: Identities | None
    shifts: Query | None
    """By how many milliseconds the times of each room are moved, by its key."""
    summaries: tuple[Summary, ...]
    """The statistics to write; none where records are written."""

    def command(self, job: str) -> bytes:
        """Return the line that tells a worker to carry the plan out."""
        return orjson.dumps({"job": job, "plan": self}) + b"\n"


def read_plan(data: object) -> Plan:
    """Make a plan of its JSON."""
    plan: Plan = _read(Plan, data)
    return plan


def _read(kind: Any, data: Any) -> Any:  # noqa: ANN401 - whatever the annotations say
    if type(None) in get_args(kind):
        return None if data is None else _read(get_args(kind)[0], data)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        names = [each.name for each in fields(kind)]
        make: Any = kind
        return make(**{name: _read(hints[name], data[name]) for name in names})
    if get_origin(kind) is tuple and is_dataclass(item := get_args(kind)[0]):
        return tuple(_read(item, each) for each in data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return tuple(data) if get_origin(kind) is tuple else data
