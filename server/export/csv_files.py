"""CSV and TSV: RFC 4180 in UTF-8, with commas or tabs, but for line ends, which are LF.

NULL is an empty field and an empty text is `""`. For spreadsheets there is a mark of the encoding
in front, and a quote before any text that one would take for a formula; numbers are left alone.
"""

from collections.abc import Mapping, Sequence

from server.export.arrow import Array, Columns
from server.export.arrow_text import iso_times
from server.export.delimited import field, lines
from server.export.formulas import guarded
from server.export.spool import Bytes
from server.export.spreads import Spread
from server.export.tables import Column, Kind

_MARK = "\ufeff".encode()

SEPARATORS = {"CSV": ",", "TSV": "\t"}
"""What stands between the values, by format: in these, a JSON column becomes several."""


class CsvText:
    """A table as CSV or TSV; `spreads` are the JSON columns that become several.

    mark   whether a byte order mark begins the file
    guard  whether texts that look like formulas get a quote in front
    """

    resumable = True

    def __init__(
        self,
        columns: Sequence[Column],
        spreads: Mapping[str, Spread],
        *,
        format_: str = "CSV",
        mark: bool = False,
        guard: bool = False,
    ) -> None:
        self._columns = columns
        self._spreads = spreads
        self._separator = SEPARATORS[format_]
        self._mark = mark
        self._guard = guard
        self.ending = format_.lower()
        self.header = [
            name
            for column in columns
            for name in (
                column.name,
                *(f"{column.name}.{key}" for key in self._spread(column).keys),
            )
        ]

    def head(self) -> Bytes:
        names = self._separator.join(field(name, self._separator) for name in self.header)
        return (_MARK if self._mark else b"") + f"{names}\n".encode()

    def rows(self, rows: Columns) -> Bytes:
        cells = [cell for each in self._columns for cell in self._cells(each, rows)]
        return lines(cells, self._separator)

    def tail(self) -> Bytes:
        return b""

    def _spread(self, column: Column) -> Spread:
        return self._spreads.get(column.name, Spread())

    def _cells(self, column: Column, rows: Columns) -> list[Array]:
        values = rows[column.name]
        match column.kind:
            case Kind.TIMESTAMP:
                return [iso_times(values)]
            case Kind.JSON:
                return self._spread(column).split(values, guard=self._guard)
            case Kind.TEXT | Kind.PUBLIC_ID if self._guard:
                return [guarded(values)]
            case _:
                return [values]
