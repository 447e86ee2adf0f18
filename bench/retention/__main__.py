"""Measures what readers notice while retention deletes an experiment's rows, on SQLite."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from bench.reader import at, reading
from bench.retention import filled
from bench.sections import keep, number, spread, table
from bench.serving import serving

IDLE_SECONDS = 20.0


@dataclass(frozen=True)
class Round:
    """What was measured: p50 and p99 of readers in seconds, and rows deleted a second."""

    idle: list[float]
    busy: list[float]
    rate: float

    def ratio(self, share: float) -> float:
        return at(self.busy, share) / at(self.idle, share)


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.retention", description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--seconds", type=float, default=120, help="of deletion to read beside; 0 is to its end"
    )
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    given = options.parse_args()
    rounds: list[Round] = []
    with folder() as made:
        key = filled.filled(made, given.rows)
        for each in range(given.rounds):
            with folder() as copy:
                shutil.copytree(made, copy, dirs_exist_ok=True)
                rounds.append(measure(copy, key, given.seconds or inf))
            print(f"round {each + 1} of {given.rounds}", flush=True)
    text = report(given.rows, rounds)
    print(text)
    if given.write:
        keep("Retention", text)


def measure(data: Path, key: str, seconds: float) -> Round:
    """Have a server read from while it is idle, and for so long while it deletes."""
    with serving(data) as (url, _):
        with reading(url, key, filled.READ_ROOM) as idle:
            time.sleep(IDLE_SECONDS)
        rows = filled.rows_left(data)
        filled.expire(data)
        began = time.perf_counter()
        with reading(url, key, filled.READ_ROOM) as busy:
            while (left := filled.rows_left(data)) and time.perf_counter() - began < seconds:
                time.sleep(1)
            took = time.perf_counter() - began
    return Round(idle, busy, (rows - left) / took)


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="bench-retention-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def report(rows: int, rounds: list[Round]) -> str:
    heads = ["readers, busy / idle", "p50", "p99", "the slowest, ms"]
    line = [
        "while rows are deleted",
        spread([each.ratio(0.5) for each in rounds]),
        spread([each.ratio(0.99) for each in rounds]),
        spread([each.busy[-1] * 1000 for each in rounds]),
    ]
    reads = number(sum(len(each.busy) for each in rounds))
    idle = spread([at(each.idle, 0.99) * 1000 for each in rounds])
    rate = spread([each.rate for each in rounds])
    return f"""`make bench-retention`: one experiment's {rows:,} ratings are to be deleted, SQLite;
while that goes on, a process of its own reads another's; the median of {len(rounds)} rounds, with
the least and the most. Idle p99: {idle} ms; {reads} reads meanwhile; {rate} rows deleted a second.

{table(heads, [line])}"""


if __name__ == "__main__":
    main()
