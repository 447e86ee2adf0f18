"""Parquet: typed columns, compressed, that say themselves what they mean."""

from typing import Any

from server.export.arrow import Array, Columns, pa, pq
from server.export.manifests import about
from server.export.spool import Bytes
from server.export.tables import Column, Kind, Plan, Table

ROWS, BYTES = 1 << 16, 16 << 20
"""How much a row group holds, whichever comes first: as much is held in memory."""

_TYPES = {
    Kind.PUBLIC_ID: pa.string(),
    Kind.TIMESTAMP: pa.timestamp("ms", "UTC"),
    Kind.INTEGER: pa.int64(),
    Kind.REAL: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.json_(),
    Kind.BOOLEAN: pa.bool_(),
}
_IN_STEPS = (Kind.TIMESTAMP, Kind.INTEGER)
"""What is best written as differences: numbers that follow one another."""


class ParquetText:
    """A table as Parquet; its bytes come a row group at a time."""

    ending = "parquet"
    resumable = False

    def __init__(self, table: Table, plan: Plan) -> None:
        self._columns = table.columns
        self._schema = _schema(table, plan)
        self._sink = _Sink()
        self._writer = self._opened()
        self._held: list[Any] = []
        self._rows = self._bytes = 0

    def head(self) -> Bytes:
        return self._sink.drained()

    def rows(self, rows: Columns) -> Bytes:
        arrays = [_typed(column, rows[column.name]) for column in self._columns]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._held.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= ROWS or self._bytes >= BYTES:
            self._write_group()
        return self._sink.drained()

    def tail(self) -> Bytes:
        if self._held:
            self._write_group()
        self._writer.close()
        return self._sink.drained()

    def _opened(self) -> Any:  # noqa: ANN401 - untyped
        in_steps = [column.name for column in self._columns if column.kind in _IN_STEPS]
        others = [column.name for column in self._columns if column.kind not in _IN_STEPS]
        return pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            self._schema,
            compression="zstd",
            use_dictionary=others,
            column_encoding=dict.fromkeys(in_steps, "DELTA_BINARY_PACKED"),
        )

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._held, self._schema)
        self._writer.write_table(group, row_group_size=group.num_rows)
        self._held.clear()
        self._rows = self._bytes = 0


class _Sink:
    """A file that gives away what was written to it, and knows only how much that was."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: Bytes) -> int:
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Do nothing: whoever drains it is next."""

    def close(self) -> None:
        self.closed = True

    def drained(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _schema(table: Table, plan: Plan) -> Any:  # noqa: ANN401 - untyped
    return pa.schema(
        [
            pa.field(column.name, _TYPES[column.kind], metadata=_of_column(column))
            for column in table.columns
        ],
        metadata={name: str(value) for name, value in about(plan).items()} | {"table": table.name},
    )


def _of_column(column: Column) -> dict[str, str]:
    """Return what the data dictionary says of a column."""
    said = {
        "kind": column.kind.value,
        "unit": column.unit,
        "description": column.description,
        "identifies": column.identifies,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def _typed(column: Column, values: Array) -> Array:
    wanted = _TYPES[column.kind]
    if column.kind is Kind.JSON:
        return pa.ExtensionArray.from_storage(wanted, values.cast(wanted.storage_type))
    return values.cast(wanted)
