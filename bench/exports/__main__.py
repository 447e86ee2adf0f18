"""Writes the same files in several ways, in turn, and watches a server that exports meanwhile."""

import argparse
import shutil
from collections.abc import Iterator

from bench.exports.asked import FULL, QUICK, Sizes, file, of_all_sizes, zip_file
from bench.exports.compared import assert_same
from bench.exports.database import Built, database
from bench.exports.files import OURS, SHELL, File, ways
from bench.exports.ours import Written
from bench.exports.results import Measured, Task, report
from bench.exports.served import cancellations, rounds, served
from server.records.exports import ExportFormat

FILES = ("csv", "parquet", "ndjson", "zip")
PARTS = (*FILES, "memory", "served", "cancel")


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.exports", description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    options.add_argument("--quick", action="store_true", help="a fifth of the data")
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    given = options.parse_args()
    if shutil.which(SHELL) is None:
        raise SystemExit(f"The shell of SQLite is not there: install the Debian package `{SHELL}`.")
    sizes = QUICK if given.quick else FULL
    built = database(sizes.scale, sizes.events)
    measured = Measured()
    for part in FILES:
        if part in given.parts:
            asked = _file(part, built, sizes)
            measured.tasks.append(_measured(asked, sizes, given.rounds))
    if "memory" in given.parts:
        measured.memory = list(_exported(built))
    if "served" in given.parts or "cancel" in given.parts:
        with served(built) as server:
            if "served" in given.parts:
                measured.served = list(rounds(server, given.rounds))
            if "cancel" in given.parts:
                measured.cancelled = list(cancellations(server, sizes.cancellations))
    report(measured, write=given.write)


def _file(part: str, built: Built, sizes: Sizes) -> File:
    return (
        zip_file(built, sizes.rooms) if part == "zip" else file(built, ExportFormat[part.upper()])
    )


def _measured(asked: File, sizes: Sizes, count: int) -> Task:
    """Have a file written in all ways, in turn; compare what each writes before it counts."""
    shutil.rmtree(asked.folder, ignore_errors=True)
    all_ways = ways(asked.format, sizes.slow, sizes.slower)
    with OURS.written(asked) as ours:
        assert ours.rows == asked.rows, (ours.rows, asked.rows)
        for way in all_ways[1:]:
            with way.written(asked) as theirs:
                assert_same(ours.path, theirs.path, asked.format, theirs.rows)
            print(f"{asked.title}: {way.title} writes the same", flush=True)
    task = Task(asked)
    for number in range(count):
        start = number % len(all_ways)
        for way in all_ways[start:] + all_ways[:start]:
            with way.written(asked) as written:
                task.note(way, written)
        print(f"{asked.title}: round {number + 1} of {count}", flush=True)
    return task


def _exported(built: Built) -> Iterator[Written]:
    for asked in of_all_sizes(built):
        shutil.rmtree(asked.folder, ignore_errors=True)
        with OURS.written(asked) as written:
            assert written.rows == asked.rows, (written.rows, asked.rows)
            yield written
        print(f"{written.rows:,} ratings: {written.cost}", flush=True)


if __name__ == "__main__":
    main()
