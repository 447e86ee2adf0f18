"""Measures ingest over HTTP against Core's bulk insert, and what readers notice of it."""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from bench.ingest import core, served
from bench.ingest.places import made
from bench.sections import keep, spread, table


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.ingest", description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    given = options.parse_args()
    alone: list[float] = []
    ours: dict[str, list[served.Served]] = {way: [] for way in served.WAYS}
    for number in range(given.rounds):
        with _folder() as folder:
            made(folder)
            alone.append(core.rate(folder, given.rows))
        for way in served.WAYS:
            with _folder() as folder:
                ours[way].append(served.measure(folder, made(folder), given.rows, way))
        print(f"round {number + 1} of {given.rounds}", flush=True)
    text = _report(given.rows, alone, ours)
    print(text)
    if given.write:
        keep("Ingest", text)


class _folder:  # noqa: N801 - it stands where a function does
    """A folder that is gone afterwards."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _report(rows: int, alone: list[float], ours: dict[str, list[served.Served]]) -> str:
    lines = [
        [
            served.WAYS[way],
            spread([each.rate / one for each, one in zip(some, alone, strict=True)]),
            spread([each.peak_late / each.peak_early for each in some]),
            spread([each.busy_p99 / each.idle_p99 for each in some]),
        ]
        for way, some in ours.items()
    ]
    heads = ["", "rate / Core's", "peak memory, all / a tenth", "readers' p99, busy / idle"]
    kilo = statistics.median(alone) / 1000
    return f"""`make bench-ingest`: {rows:,} ratings in batches of 5,000, SQLite; the median of
{len(alone)} rounds, with the least and the most. Core's bulk insert of rows that are ready, alone
in a process: {kilo:.1f} thousand rows a second here.

{table(heads, lines)}"""


if __name__ == "__main__":
    main()
