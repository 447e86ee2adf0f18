"""Parquet: its columns have types already."""

import shutil
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Any

import pyarrow.parquet

from server.export.arrow import Columns
from server.importing.layouts import ROWS, Layout
from server.importing.values import of_arrow

parquet: Any = pyarrow.parquet


def read_parquet(stream: IO[bytes], layout: Layout) -> Iterator[Columns]:
    """Read a file from a copy of which the end can be read first."""
    kinds = layout.target.kinds
    with TemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        opened = parquet.ParquetFile(file)
        if unknown := set[str](opened.schema_arrow.names).difference(kinds):
            raise ValueError(f"unknown columns {unknown}")
        for batch in opened.iter_batches(batch_size=ROWS, use_threads=False):
            columns = zip(batch.schema.names, batch.columns, strict=True)
            yield {name: of_arrow(kinds[name], values) for name, values in columns}
