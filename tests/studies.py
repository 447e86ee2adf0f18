"""Studies to export, and what is in the files."""

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from server.db import Database
from server.records import RecordType
from server.records.exports import ExportFormat
from tests.delimited import read_delimited
from tests.factories import (
    A_RECORD,
    Row,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    save,
)
from tests.warm_worker import (
    CSV,
    ONE,
    Exported,
    Worker,
    exported,
)

ONSETS = (-2_500, -1, 0, 1_000, 90_000)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "",
        '"',
        '""',
        "a,b",
        "a\nb",
        "a\tb",
        "\t",
        "\n",
        "'",
        "a\r\nb",
        "\r",
        "=1+1",
        "'=1",
        "-5",
        "\0",
        "😀",
        "\ufeff",
        "null",
        " x ",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | TEXTS
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def storable(db: Database, value: Any) -> Any:
    """Return a JSON value as a database can keep it: PostgreSQL has no text with U+0000."""
    if db.file:
        return value
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [storable(db, item) for item in value]
    if isinstance(value, dict):
        return {storable(db, key): storable(db, item) for key, item in value.items()}
    return value


ASKING = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Study:
    """Two experiments of two rooms of two people, and five records of every type of each."""

    def __init__(self) -> None:
        self.owner = a_user()
        self.experiments = [an_experiment(self.owner) for _ in range(2)]
        self.rooms = [a_room(experiment) for experiment in self.experiments for _ in range(2)]
        self.people = [a_participant(room) for room in self.rooms for _ in range(2)]
        self.records: dict[RecordType, list[Row]] = {
            data_type: [make(person, onset=onset) for onset in ONSETS for person in self.people]
            for data_type, make in A_RECORD.items()
        }

    async def save(self, db: Database) -> None:
        rows = [row for records in self.records.values() for row in records]
        await save(db, self.owner, *self.experiments, *self.rooms, *self.people, *rows)

    def ids(self, data_type: RecordType, key: str, *keys: int) -> list[str]:
        """Return the public ids of the records in some places, sorted."""
        rows = self.records[data_type]
        return sorted(row[id_column(data_type)] for row in rows if row[key] in keys)


async def a_person(db: Database) -> Row:
    """Store a participant in an experiment of their own."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(db, owner, experiment, room, person)
    return person


async def exported_of(
    worker: Worker,
    db: Database,
    folder: Path,
    person: Row,
    data_type: RecordType,
    file_format: ExportFormat = CSV,
    **recipe: Any,
) -> Exported:
    """Export all that a participant has of one type, as one file."""
    chosen = {"participants": [person], "types": [data_type], "packaging": ONE}
    return await exported(worker, db, folder, format=file_format, **{**chosen, **recipe})


def id_column(data_type: RecordType) -> str:
    return data_type.value.model.identity[0]


def id_field(data_type: RecordType) -> str:
    head, *rest = id_column(data_type).split("_")
    return head + "".join(part.capitalize() for part in rest)


def ids_in(rows: list[dict[str, Any]], data_type: RecordType) -> list[str]:
    return sorted(row[id_field(data_type)] for row in rows)


def records_in(document: Any, data_type: RecordType) -> list[dict[str, Any]]:
    return [
        record
        for experiment in document["experiments"]
        for room in experiment["rooms"]
        for person in room["participants"]
        for record in person[data_type.value.name]
    ]


def values_in(made: Exported, data_type: RecordType) -> list[dict[str, Any]]:
    """Return the records of one file in any format; what is NULL is None in each of them."""
    data = made.path.read_bytes()
    match made.path.suffix:
        case ".csv":
            return read_delimited(data, ",")
        case ".tsv":
            return read_delimited(data, "\t")
        case ".json":
            return records_in(made.json(), data_type)
        case _:
            return made.rows()


def records_of(person: Row, document: Any, data_type: RecordType) -> list[dict[str, Any]]:
    rows = records_in(document, data_type)
    assert {row["participantId"] for row in rows} <= {person["participant_id"]}
    return rows


def all_keys(study: Study) -> list[int]:
    return [experiment.key for experiment in study.experiments]
