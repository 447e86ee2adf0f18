"""The formats of files: how a table becomes text, or bytes, whatever it holds."""

from collections.abc import Mapping
from typing import Protocol

from server.export.arrow import Columns
from server.export.csv_files import CsvText
from server.export.json_files import JsonText, NdjsonText
from server.export.parquet_files import ParquetText
from server.export.spool import Bytes
from server.export.spreads import Spread
from server.export.tables import Plan, Table


class Text(Protocol):
    """A table as a file: what comes before its rows, the rows, and what comes after.

    A format of which `resumable` is true needs to remember nothing between rows but whether there
    were any, so that a file can be gone on with by another process.
    """

    ending: str
    resumable: bool

    def head(self) -> Bytes: ...
    def rows(self, rows: Columns) -> Bytes: ...
    def tail(self) -> Bytes: ...


def text_of(
    table: Table, plan: Plan, spreads: Mapping[str, Spread], *, begun: bool = False
) -> Text:
    """Return a table in the plan's format; `begun` if some of its rows are written already."""
    match plan.format:
        case "CSV" | "TSV":
            return CsvText(
                table.columns,
                spreads,
                format_=plan.format,
                mark=plan.excel_bom,
                guard=plan.formula_guard,
            )
        case "JSON":
            return JsonText(table.columns, begun=begun)
        case "NDJSON":
            return NdjsonText(table.columns)
        case "PARQUET":
            return ParquetText(table, plan)
        case unknown:
            raise ValueError(f"There is no format {unknown!r}.")
