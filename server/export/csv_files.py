"""CSV: RFC 4180 in UTF-8, but for line ends, which are LF.

NULL is an empty field and an empty text is `""`. For spreadsheets there is a mark of the encoding
in front, and a quote before any text that one would take for a formula; numbers are left alone.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO

from server.export.arrow import Array, Columns, pa, pc, pl
from server.export.arrow_text import iso_times
from server.export.spool import Bytes
from server.export.spreads import Spread
from server.export.tables import Column, Kind

_MARK = "\ufeff".encode()
_FORMULA = r"^[=+\-@\t\r]"


class CsvText:
    """A table as CSV; `spreads` are the JSON columns that become several."""

    ending = "csv"
    resumable = True

    def __init__(
        self, columns: Sequence[Column], spreads: Mapping[str, Spread], *, excel: bool
    ) -> None:
        self._columns = columns
        self._spreads = spreads
        self._excel = excel
        self.header = [
            name
            for column in columns
            for name in (
                column.name,
                *(f"{column.name}.{key}" for key in self._spread(column).keys),
            )
        ]

    def head(self) -> Bytes:
        return (_MARK if self._excel else b"") + _written([pa.array([h]) for h in self.header])

    def rows(self, rows: Columns) -> Bytes:
        cells = [cell for column in self._columns for cell in self._cells(column, rows)]
        return _written(cells)

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
                return self._spread(column).split(values, excel=self._excel)
            case Kind.TEXT | Kind.PUBLIC_ID if self._excel:
                return [_guarded(values)]
            case _:
                return [values]


def _guarded(texts: Array) -> Array:
    formulas = pc.match_substring_regex(texts, _FORMULA)
    return pc.if_else(formulas, pc.binary_join_element_wise("'", texts, ""), texts)


def _written(cells: Sequence[Array]) -> bytes:
    """Write columns, numbered: a name that comes from a JSON key may hold what names cannot."""
    rows = pl.from_arrow(pa.table(cells, [str(number) for number in range(len(cells))]))
    written = BytesIO()
    rows.write_csv(written, include_header=False, batch_size=max(1, rows.height))
    return written.getvalue()
