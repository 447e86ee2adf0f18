"""Columns as lines of delimited text: RFC 4180, with quotes only where a field needs them.

polars writes the lines. What is the same in many rows is made a field once: ids of places that
stand beside each other are one column then, and so are values that do not change. The fewer columns
there are, the less each row takes: ids become one with the times behind them, and what every line
ends with is its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from server.export.aligned import rows_of, texts_of
from server.export.arrow import Array, pa, pc, pl

_LAST_SPECIAL = ord(",")
"""No character behind it is ever a reason for quotes."""

_LONG = 256
"""Bytes of a text beyond which there is much to copy for one column less."""


@dataclass(frozen=True)
class _Repeated:
    """Fields that are many times there; `rows` tells which is each row's, if there are several."""

    fields: list[str]
    rows: Array | None = None


def lines(cells: Sequence[Array], separator: str) -> bytes:
    """Return columns, of which dictionaries are the ids of places, as lines."""
    count = len(cells[0])
    columns: list[Array | _Repeated] = []
    for cell in cells:
        shown = _shown(cell, separator)
        if columns and (both := _beside(columns[-1], shown, separator)) is not None:
            columns[-1] = both
        else:
            columns.append(shown)
    end = "\n"
    if len(columns) > 1 and isinstance(last := columns[-1], _Repeated) and last.rows is None:
        end = f"{separator}{last.fields[0]}\n"
        columns.pop()
    arrays = [_array(column, count) for column in columns]
    return _written(arrays, separator, end)


def field(text: str | None, separator: str) -> str:
    """Return a text as a field; NULL is an empty one, and an empty text is in quotes."""
    if text is None:
        return ""
    if text and not any(special in text for special in (separator, *'"\r\n')):
        return text
    return '"' + text.replace('"', '""') + '"'


def _shown(cell: Array, separator: str) -> Array | _Repeated:
    """Return a column as what is to be written of it, in quotes where that must be."""
    if pa.types.is_dictionary(cell.type):
        fields = [field(text, separator) for text in cell.dictionary.to_pylist()]
        return _Repeated(fields, cell.indices if len(fields) > 1 else None)
    if not len(cell):
        return cell
    if cell.null_count == len(cell):
        return _Repeated([""])
    if pa.types.is_string(cell.type):
        return cell if _is_plain(cell, separator) else _quoted(cell, separator)
    if not cell.null_count and cell.type in (pa.int64(), pa.float64()):
        numbers = cell.to_numpy().view(np.int64)  # by their bits: 0.0 is not -0.0
        if (numbers == numbers[0]).all():
            return _Repeated([_number(int(numbers[0]), pa.types.is_floating(cell.type))])
    return cell


@lru_cache
def _number(bits: int, is_real: bool) -> str:  # noqa: FBT001 - a key of the cache
    value = np.array([bits]).view(np.float64 if is_real else np.int64)
    return _written([pa.array(value)], ",").decode().rstrip("\n")


def _is_plain(texts: Array, separator: str) -> bool:
    """Tell whether no text needs quotes, at once for all of them."""
    _, ends, data = texts.buffers()
    places = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    shortest: int = pc.min(pc.binary_length(texts.drop_null())).as_py()
    if not shortest:
        return False
    text = np.frombuffer(data, np.uint8)[places[0] : places[-1]]
    if text.min() > _LAST_SPECIAL:  # as of ids and times
        return True
    return not any((text == ord(special)).any() for special in f'{separator}"\r\n')


def _quoted(texts: Array, separator: str) -> Array:
    needy = pc.match_substring_regex(texts, rf'^$|["\r\n{separator}]')
    inner = pc.replace_substring(texts, '"', '""')
    return pc.if_else(needy, pc.binary_join_element_wise('"', inner, '"', ""), texts)


def _beside(
    left: Array | _Repeated, right: Array | _Repeated, separator: str
) -> Array | _Repeated | None:
    """Return two columns that stand beside each other as one, if that is less to write."""
    if not isinstance(left, _Repeated):
        return None
    if not isinstance(right, _Repeated):
        return _in_front(left, right, separator)
    if left.rows is None or right.rows is None:
        pairs = [(one, other) for one in left.fields for other in right.fields]
    elif len(left.fields) == len(right.fields) and left.rows.equals(right.rows):
        pairs = list(zip(left.fields, right.fields, strict=True))
    else:
        return None
    rows = right.rows if left.rows is None else left.rows
    return _Repeated([one + separator + other for one, other in pairs], rows)


def _in_front(repeated: _Repeated, texts: Array, separator: str) -> Array | None:
    """Return fields and the texts behind them as one column, if in both all are equally long."""
    fields = [f"{field}{separator}".encode() for field in repeated.fields]
    rows = rows_of(texts)
    if rows is None or rows.itemsize > _LONG or len({len(field) for field in fields}) > 1:
        return None
    both = np.zeros(len(fields), [("field", f"S{len(fields[0])}"), ("text", rows.dtype)])
    both["field"] = fields
    both = both.take(repeated.rows if repeated.rows is not None else np.zeros(len(rows), np.int8))
    both["text"] = rows
    return texts_of(both)


def _array(column: Array | _Repeated, count: int) -> Array:
    if not isinstance(column, _Repeated):
        return column
    if column.rows is None:
        return pa.repeat(column.fields[0], count)
    return pc.take(pa.array(column.fields), column.rows, boundscheck=False)


def _written(columns: Sequence[Array], separator: str, end: str = "\n") -> bytes:
    names = [str(number) for number, _ in enumerate(columns)]
    rows = pl.from_arrow(pa.RecordBatch.from_arrays(columns, names))
    parts = _Parts()
    rows.write_csv(
        parts,
        include_header=False,
        separator=separator,
        line_terminator=end,
        quote_style="never",
        batch_size=max(1, rows.height),
    )
    return b"".join(parts)


class _Parts(list[bytes]):
    """What polars writes, as it comes: a file that keeps it would copy it."""

    def write(self, part: bytes) -> int:
        self.append(part)
        return len(part)
