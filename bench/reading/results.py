"""The tables: what each server did, and ours against each of them, round by round."""

import platform
import sqlite3
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.reading.load import CLIENTS, Rate
from bench.reading.servers import OURS, Kind
from bench.reading.versions import versions
from bench.sections import keep, number, spread, table


@dataclass
class Measured:
    """What was measured of each server and question, in order of rounds."""

    kinds: Sequence[Kind]
    questions: Sequence[str]
    rates: dict[tuple[str, str], list[Rate]] = field(default_factory=lambda: defaultdict(list))

    def note(self, kind: Kind, question: str, rate: Rate) -> None:
        self.rates[kind.name, question].append(rate)

    def each(self, kind: Kind, question: str) -> list[float]:
        """Return the requests a second of each round."""
        return [rate.per_second for rate in self.rates[kind.name, question]]


def report(measured: Measured, *, write: bool) -> None:
    """Print the tables, and keep them if asked to."""
    ours = measured.kinds[0]
    assert ours is OURS

    def rates(kind: Kind, question: str) -> str:
        return spread(measured.each(kind, question))

    def ratios(kind: Kind, question: str) -> str:
        pairs = zip(measured.each(ours, question), measured.each(kind, question), strict=True)
        return spread([mine / theirs for mine, theirs in pairs])

    def costs(kind: Kind, question: str) -> str:
        return number(
            statistics.median(r.cpu_milliseconds for r in measured.rates[kind.name, question])
        )

    def cheaper(kind: Kind, question: str) -> str:
        pairs = zip(
            measured.rates[ours.name, question], measured.rates[kind.name, question], strict=True
        )
        return spread([theirs.cpu_milliseconds / mine.cpu_milliseconds for mine, theirs in pairs])

    others = measured.kinds[1:]
    tables = [
        _table("Requests a second", measured, measured.kinds, rates),
        _table("Ours / theirs", measured, others, ratios),
        _table("Processor milliseconds a request", measured, measured.kinds, costs),
        _table("Processor time, theirs / ours", measured, others, cheaper),
        _depths(measured),
    ]
    text = "\n\n".join(filter(None, tables)) + "\n"
    print(text)
    if write:
        keep("Reading", f"{_introduction(measured)}\n{text}")


def _table(
    title: str, measured: Measured, kinds: Sequence[Kind], cell: Callable[[Kind, str], str]
) -> str:
    questions = [each for each in measured.questions if "," not in each]
    rows = [[kind.title, *(cell(kind, each) for each in questions)] for kind in kinds]
    return table([title, *questions], rows)


def _depths(measured: Measured) -> str:
    rows = []
    for kind in measured.kinds:
        first = measured.each(kind, "Q4, page 1")
        later = measured.each(kind, "Q4, page 5,000")
        if first:
            ratios = [one / other for one, other in zip(first, later, strict=True)]
            rows.append([kind.title, spread(first), spread(later), spread(ratios)])
    heads = ["Q4 by depth", "page 1", "page 5,000", "page 1 / page 5,000"]
    return table(heads, rows) if rows else ""


def _introduction(measured: Measured) -> str:
    rounds = max(map(len, measured.rates.values()))
    return f"""Written by `make bench-read`; README.md tells what is asked of whom, and how to read
this. Median (least–most) of {rounds} rounds in which all servers took turns; {CLIENTS} clients over
HTTP.

Python {platform.python_version()} with SQLite {sqlite3.sqlite_version}; {versions()}.
"""
