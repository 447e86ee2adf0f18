"""CSV and TSV: an empty field is NULL, and `""` an empty text, so none but Arrow can read them."""

from collections.abc import Iterator, Mapping
from typing import IO, Any

import pyarrow.csv

from server.export.arrow import Array, Columns, pa
from server.export.tables import Kind
from server.importing.gathering import gather, unguarded
from server.importing.layouts import ROWS, Layout
from server.importing.values import check_json, of_texts

csv: Any = pyarrow.csv

_BLOCK = 1 << 24
"""Bytes that are read at once, and of the longest row."""


def read_csv(stream: IO[bytes], layout: Layout) -> Iterator[Columns]:
    """Read a table whose values have commas between them."""
    return _separated(stream, layout, ",")


def read_tsv(stream: IO[bytes], layout: Layout) -> Iterator[Columns]:
    """Read a table whose values have tabs between them."""
    return _separated(stream, layout, "\t")


def _separated(stream: IO[bytes], layout: Layout, separator: str) -> Iterator[Columns]:
    numbers = [str(number) for number in range(len(layout.columns))]  # names may hold anything
    batches = csv.open_csv(
        stream,
        csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=numbers),
        csv.ParseOptions(delimiter=separator, newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=dict.fromkeys(numbers, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    header = True
    for batch in batches:
        if header and [column[0].as_py() for column in batch.columns] != list(layout.columns):
            raise ValueError("another header")
        for start in range(int(header), batch.num_rows, ROWS):
            part = batch.slice(start, ROWS)
            yield _of_cells(dict(zip(layout.columns, part.columns, strict=True)), layout)
        header = False


def _of_cells(cells: Mapping[str, Array], layout: Layout) -> Columns:
    return {
        name: _of_column(name, kind, cells, layout)
        for name, kind in layout.target.kinds.items()
        if name in cells
    }


def _of_column(name: str, kind: Kind, cells: Mapping[str, Array], layout: Layout) -> Array:
    if kind is Kind.JSON:
        keys = layout.keys.get(name, ())
        spread = [cells[f"{name}.{key.name}"] for key in keys]
        gathered = gather(cells[name], keys, spread, guarded=layout.guarded)
        check_json(gathered)
        return gathered
    if layout.guarded and kind in (Kind.TEXT, Kind.PUBLIC_ID):
        texts = cells[name].to_pylist()
        return pa.array([text and unguarded(text) for text in texts], pa.string())
    return of_texts(kind, cells[name])
