"""The table: requests a second of each server, and ours against each, round by round."""

import platform
import sqlite3
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.reading.load import CLIENTS, Rate
from bench.reading.servers import OURS, Kind

RESULTS = Path(__file__).parent.parent / "results.md"


@dataclass
class Measured:
    """What was measured, in order of rounds."""

    kinds: Sequence[Kind]
    questions: Sequence[str]
    rates: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, kind: Kind, question: str, rate: Rate) -> None:
        self.rates[kind.name, question].append(rate.per_second)

    def ratios(self, kind: Kind, question: str) -> list[float]:
        """Return how many times as many requests ours answered as another, in each round."""
        ours, theirs = self.rates[OURS.name, question], self.rates[kind.name, question]
        return [mine / other for mine, other in zip(ours, theirs, strict=False)]


def report(measured: Measured, *, write: bool) -> None:
    """Print the table, and keep it if asked to."""
    table = "\n".join([*_rates(measured), "", *_ratios(measured), "", *_depths(measured)])
    print(table)
    if write:
        RESULTS.write_text(_introduction(measured) + table + "\n")


def _spread(values: Sequence[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2


def _rates(measured: Measured) -> list[str]:
    lines = _head("requests a second", measured)
    for kind in measured.kinds:
        cells = []
        for question in _main(measured):
            values = measured.rates[kind.name, question]
            cells.append(_spread(values, _digits(statistics.median(values))) if values else "–")
        lines.append(f"| {kind.title} | {' | '.join(cells)} |")
    return lines


def _ratios(measured: Measured) -> list[str]:
    lines = _head("ours / theirs", measured)
    for kind in measured.kinds:
        cells = []
        for question in _main(measured):
            values = measured.ratios(kind, question)
            cells.append(_spread(values, 1 if min(values) > 3 else 2) if values else "–")
        if kind is not OURS:
            lines.append(f"| {kind.title} | {' | '.join(cells)} |")
    return lines


def _depths(measured: Measured) -> list[str]:
    lines = ["| Q4 by page | page 1 | page 5,000 | page 1 / page 5,000 |", "|---|---|---|---|"]
    for kind in measured.kinds:
        first = measured.rates[kind.name, "Q4, page 1"]
        later = measured.rates[kind.name, "Q4, page 5,000"]
        if first and later:
            ratios = [a / b for a, b in zip(first, later, strict=True)]
            cells = (_spread(first, 0), _spread(later, 0), _spread(ratios, 2))
            lines.append(f"| {kind.title} | {' | '.join(cells)} |")
    return lines if len(lines) > 2 else []


def _main(measured: Measured) -> list[str]:
    return [question for question in measured.questions if "," not in question]


def _head(title: str, measured: Measured) -> list[str]:
    names = _main(measured)
    return [f"| {title} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]


def _introduction(measured: Measured) -> str:
    rounds = max(map(len, measured.rates.values()))
    return f"""# Reading, measured

Written by `make bench-read`; README.md beside this file says how to read it. Medians
(least–most) of {rounds} interleaved rounds, {CLIENTS} clients over HTTP, one process a server.
Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}.

"""
