"""The formats of files, read: the opposite of `server.export.formats`."""

from collections.abc import Mapping

from server.importing.json_rows import read_json, read_ndjson
from server.importing.layouts import Read
from server.importing.parquet_rows import read_parquet
from server.importing.separated import read_csv, read_tsv
from server.records.exports import ExportFormat

READERS: Mapping[ExportFormat, Read] = {
    ExportFormat.CSV: read_csv,
    ExportFormat.TSV: read_tsv,
    ExportFormat.JSON: read_json,
    ExportFormat.NDJSON: read_ndjson,
    ExportFormat.PARQUET: read_parquet,
}
