"""CSV and TSV read to the letter: Python's own module cannot tell NULL from an empty text."""

import re
from collections.abc import Iterator

_FIELD = r'"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^{separator}"\n]*)'


def read_delimited(data: bytes, separator: str) -> list[dict[str, str | None]]:
    """Return the rows; NULL is None. AssertionError for what is not RFC 4180, but for LF."""
    text = data.decode("utf-8-sig")
    assert text.endswith("\n")
    header, *rows = _rows(text, separator)
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def _rows(text: str, separator: str) -> Iterator[list[str | None]]:
    field = re.compile(_FIELD.format(separator=separator))
    place = 0
    row: list[str | None] = []
    while place < len(text):
        found = field.match(text, place)
        assert found is not None
        quoted, plain = found.group("quoted", "plain")
        row.append(plain or None if quoted is None else quoted.replace('""', '"'))
        end = text[found.end()]
        assert end in (separator, "\n"), f"{end!r} stands behind a field"
        place = found.end() + 1
        if end == "\n":
            yield row
            row = []
