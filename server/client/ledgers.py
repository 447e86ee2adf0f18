"""Whether what an export states of itself adds up: selected = written + withheld, type by type."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from server.client.packages import Problem
from server.client.row_counts import STATISTICS, Counted
from server.client.statements import (
    AGGREGATED,
    MEDIA,
    LedgerEntry,
    MediaEntry,
    StatedFile,
    Statement,
    plain,
)


def accounts(statement: Statement, counted: Mapping[str, Counted]) -> Iterator[Problem]:
    """Yield what does not add up; `counted` are the files whose rows were counted, by path."""
    written = _written(statement, counted)
    if statement.ledger is not None:
        yield from _ledger(statement.ledger, written)
        yield from _unlisted([entry.data_type for entry in statement.ledger], written)
    elif statement.counts is not None:
        yield from _counts(statement.counts, written)
        yield from _unlisted(list(statement.counts), written)
    elif statement.anonymization != AGGREGATED:
        yield Problem("", "there is no ledger: it does not say what was selected")
    if statement.media is not None:
        yield from _media(statement.media, statement.files)


def _written(statement: Statement, counted: Mapping[str, Counted]) -> Counter[str]:
    """Return how many records of each type the files hold, by the types' plain names."""
    written = Counter[str]()
    for stated in statement.files:
        if stated.data_type:
            written[plain(stated.data_type)] += stated.row_count
        elif found := counted.get(stated.path):
            records = {name: rows for name, rows in found.rows.items() if _is_type(name)}
            written.update({plain(name): rows for name, rows in records.items()})
    return written


def _is_type(table: str) -> bool:
    return bool(table) and not table.startswith(STATISTICS)


def _ledger(ledger: Sequence[LedgerEntry], written: Mapping[str, int]) -> Iterator[Problem]:
    for entry in ledger:
        yield from _sum(entry.data_type, entry)
        if (held := written.get(plain(entry.data_type), 0)) != entry.written:
            yield Problem(
                "",
                f"the ledger says that {entry.written:,} rows of {entry.data_type} were written, "
                f"the files hold {held:,}",
            )


def _sum(name: str, entry: LedgerEntry | MediaEntry) -> Iterator[Problem]:
    withheld = sum(each.count for each in entry.withheld)
    if entry.selected != entry.written + withheld:
        yield Problem(
            "",
            f"the ledger of {name} does not add up: {entry.selected:,} selected, "
            f"{entry.written:,} written, {withheld:,} withheld",
        )


def _counts(counts: Mapping[str, int], written: Mapping[str, int]) -> Iterator[Problem]:
    """Check an export without a ledger: all that was selected was written."""
    for name, selected in counts.items():
        if (held := written.get(plain(name), 0)) != selected:
            yield Problem("", f"{selected:,} rows of {name} were selected, the files hold {held:,}")


def _unlisted(names: Sequence[str], written: Mapping[str, int]) -> Iterator[Problem]:
    listed = set(map(plain, names))
    for name, rows in written.items():
        if name not in listed and rows:
            yield Problem("", f"the files hold {rows:,} rows of {name}, which was not selected")


def _media(entry: MediaEntry, files: Sequence[StatedFile]) -> Iterator[Problem]:
    yield from _sum("media", entry)
    held = sum(PurePosixPath(file.path).parent.name == MEDIA for file in files)
    if held != entry.written:
        yield Problem(
            "", f"the ledger says that {entry.written:,} media were written, there are {held:,}"
        )
