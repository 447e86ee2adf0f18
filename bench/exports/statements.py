"""The rows of a file in SQL, from how its table is declared: as stored, and as SQLite has them."""

from pydantic.alias_generators import to_snake

from server.export.tables import Column, Kind, RecordTable
from server.records import RecordType

ALL = -1


def stored(table: RecordTable, rows: int = ALL, where: str = "true") -> str:
    """Return the statement that reads a table's rows, or the first of them, as they are stored."""
    shown = [f"{_at(column)} AS {column.name}" for column in table.columns]
    return _select(shown, table, rows, where)


def as_csv(table: RecordTable) -> str:
    """Return the statement that reads a table's rows with times as they are to be written."""
    return _select([f"{_written(column)} AS {column.name}" for column in table.columns], table)


def as_json(table: RecordTable) -> str:
    """Return the statement that reads each row as the text of an object."""
    pairs = [f"'{column.name}', {_written(column)}" for column in table.columns]
    return _select([f"json_object({', '.join(pairs)})"], table)


def _select(shown: list[str], table: RecordTable, rows: int = ALL, where: str = "true") -> str:
    name = RecordType[table.data_type].value.model.__tablename__
    return f"""SELECT {", ".join(shown)} FROM {name} record
        JOIN experiment ON experiment.id = record.experiment_key
        JOIN room ON room.id = record.room_key
        JOIN participant ON participant.id = record.participant_key
        WHERE {where}
        ORDER BY record.room_key, record.timestamp, record.id LIMIT {rows}"""


def _at(column: Column) -> str:
    name = to_snake(column.name)
    return f"{name.removesuffix('_id')}.{name}" if column.key else f"record.{name}"


def _written(column: Column) -> str:
    match column.kind:
        case Kind.TIMESTAMP:
            return f"strftime('%Y-%m-%dT%H:%M:%fZ', {_at(column)} / 1000.0, 'unixepoch')"
        case Kind.JSON:
            return f"json({_at(column)})"
        case _:
            return _at(column)
