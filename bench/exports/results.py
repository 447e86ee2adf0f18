"""The tables: what each way of writing a file took, and what was promised of ours."""

import platform
import sqlite3
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from bench.exports.costs import Cost
from bench.exports.files import SHELL, File, Way
from bench.exports.ours import Written
from bench.exports.served import Round, percentile
from bench.sections import keep, number, spread, table

MB = 1_000_000
WARM = "ours, by a warm worker"
PACKAGES = ("polars", "pyarrow", "adbc-driver-sqlite", "duckdb", "sqlmodel", "sqlalchemy")


@dataclass
class Measured:
    """What was measured, in the order of rounds."""

    tasks: list["Task"] = field(default_factory=list)
    memory: list[Written] = field(default_factory=list)
    cancelled: list[float] = field(default_factory=list)
    served: list[Round] = field(default_factory=list)


@dataclass
class Task:
    """What a file took, by the title of the way: how many rows, and what they cost each time."""

    file: File
    rows: dict[str, int] = field(default_factory=dict)
    costs: dict[str, list[Cost]] = field(default_factory=lambda: defaultdict(list))

    def note(self, way: Way, written: Written) -> None:
        self.rows[way.title] = written.rows
        self.costs[way.title].append(written.cost)
        if written.warm is not None:
            self.rows[WARM] = written.rows
            self.costs[WARM].append(written.warm)

    def micros(self, title: str) -> list[float]:
        """Return the microseconds of processor time that a row took, in each round."""
        return [1e6 * cost.cpu / self.rows[title] for cost in self.costs[title]]

    def ratios(self, title: str) -> list[float]:
        """Return how many times as dear as ours, by a worker's start, a row was in each round."""
        ours = next(iter(self.costs))
        pairs = zip(self.micros(title), self.micros(ours), strict=True)
        return [theirs / mine for theirs, mine in pairs]


def report(measured: Measured, *, write: bool) -> None:
    """Print the tables, and keep them if asked to."""
    parts = [
        *(_task(task) for task in measured.tasks),
        _memory(measured.memory) if measured.memory else "",
        _served(measured.served) if measured.served else "",
        _cancelled(measured.cancelled) if measured.cancelled else "",
    ]
    text = "\n\n".join(filter(None, parts))
    print(text)
    if write:
        keep("Exporting", f"{_introduction(measured)}\n\n{text}")


def _task(task: Task) -> str:
    def line(title: str) -> list[str]:
        costs = task.costs[title]
        return [
            title,
            f"{task.rows[title]:,}",
            number(statistics.median(cost.cpu for cost in costs)),
            number(statistics.median(cost.wall for cost in costs)),
            spread(task.micros(title)),
            spread(task.ratios(title)),
            number(max(cost.peak for cost in costs) / MB),
        ]

    heads = [
        task.file.title,
        "rows",
        "CPU, s",
        "time, s",
        "CPU a row, µs",
        "CPU a row, theirs / ours",
        "peak memory, MB",
    ]
    return table(heads, [line(title) for title in task.costs])


def _memory(written: Sequence[Written]) -> str:
    rows = [
        [f"{each.rows:,}", number(each.cost.peak / MB), number(each.cost.cpu)] for each in written
    ]
    return table(["Ratings to CSV by ours", "peak memory, MB", "CPU, s"], rows)


def _served(rounds: Sequence[Round]) -> str:
    def line(title: str, values: list[tuple[list[float], list[float]]], percent: int) -> list[str]:
        pairs = [(percentile(idle, percent), percentile(busy, percent)) for idle, busy in values]
        return [
            f"{title}, p{percent}",
            spread([idle for idle, _ in pairs]),
            spread([busy for _, busy in pairs]),
            spread([busy / idle for idle, busy in pairs]),
        ]

    def both(part: str) -> list[tuple[list[float], list[float]]]:
        return [(getattr(each.idle, part), getattr(each.busy, part)) for each in rounds]

    answers, loop = both("answers"), both("loop")
    worst = [(max(idle), max(busy)) for idle, busy in loop]
    lines = [
        *(line("answer to 100 ratings", answers, percent) for percent in (50, 99)),
        *(line("the loop is late", loop, percent) for percent in (50, 99)),
        [
            "the loop is late, at most",
            number(max(idle for idle, _ in worst)),
            number(max(busy for _, busy in worst)),
            "",
        ],
    ]
    return table(["Milliseconds, served meanwhile", "idle", "exporting", "exporting / idle"], lines)


def _cancelled(seconds: Sequence[float]) -> str:
    cells = [str(len(seconds)), number(statistics.median(seconds)), number(max(seconds))]
    return table(["Seconds until a cancelled export is gone", "median", "most"], [cells])


def _introduction(measured: Measured) -> str:
    rounds = max((len(each) for task in measured.tasks for each in task.costs.values()), default=0)
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    said = subprocess.run([SHELL, "--version"], capture_output=True, text=True, check=True)
    return f"""Written by `make bench-export`; README.md tells what is asked of whom, and how to
read this. Median (least–most) of {rounds} rounds in which all ways took turns, each in a new
process.

Python {platform.python_version()} with SQLite {sqlite3.sqlite_version}; the shell of SQLite
{said.stdout.split()[0]}; {packages}."""
