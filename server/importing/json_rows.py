"""JSON and NDJSON: rows are objects; what a column of JSON holds stays the text that it is."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, cast

from server.export.arrow import Columns
from server.export.tables import Kind
from server.importing.json_scanner import Scanner
from server.importing.layouts import ROWS, Layout
from server.importing.targets import Target
from server.importing.values import of_values

Row = Mapping[str, Any]


def read_json(stream: IO[bytes], layout: Layout) -> Iterator[Columns]:
    """Read a list of objects."""
    scanner = Scanner(stream)
    yield from read_rows(scanner, scanner.items(), layout.target)
    if not scanner.ended():
        raise ValueError("more than a list")


def read_ndjson(stream: IO[bytes], layout: Layout) -> Iterator[Columns]:
    """Read objects, one after the other."""
    scanner = Scanner(stream)
    return read_rows(scanner, scanner.until_the_end(), layout.target)


def read_rows(scanner: Scanner, rows: Iterable[None], target: Target) -> Iterator[Columns]:
    """Read rows from where a scanner is, as long as there are any."""
    kinds = target.kinds
    nested = {name for name, kind in kinds.items() if kind is Kind.JSON}
    held: list[Row] = []
    for _ in rows:
        held.append(_row(scanner, nested))
        if len(held) == ROWS:
            yield columns_of(held, kinds)
            held.clear()
    if held:
        yield columns_of(held, kinds)


def read_value(scanner: Scanner, *, text: bool) -> Any:  # noqa: ANN401 - any JSON
    """Read a value, or the text that it is."""
    value, written = scanner.value()
    return written if text and value is not None else value


def columns_of(rows: Sequence[Row], kinds: Mapping[str, Kind]) -> Columns:
    """Return rows as columns; ValueError for a name that is none of theirs."""
    names = set[str]().union(*rows)
    if unknown := names.difference(kinds):
        raise ValueError(f"unknown columns {unknown}")
    return {
        name: of_values(kind, [row.get(name) for row in rows])
        for name, kind in kinds.items()
        if name in names
    }


def _row(scanner: Scanner, nested: Collection[str]) -> Row:
    if nested:
        return {key: read_value(scanner, text=key in nested) for key in scanner.keys_of_object()}
    row, _ = scanner.value()
    if not isinstance(row, dict):
        raise ValueError("no object")
    return cast("Row", row)
