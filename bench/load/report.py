"""What is made of a load: a table, and what was not as it must be."""

import argparse
import statistics
from dataclasses import dataclass
from typing import Any

from bench.sections import number, table

MOST_GROWTH = 0.05
"""By how much memory may grow in the second half."""


@dataclass(frozen=True)
class Loaded:
    """What came of a load.

    told     what the crowd counted
    memory   kB, each second
    ended    seconds from the signal until the server's process was gone
    cpu      seconds of processor time that the server took
    resumed  what became of the exports that were under way, after a new start
    """

    told: dict[str, Any]
    memory: list[int]
    ended: float
    cpu: float
    resumed: list[str]

    @property
    def growth(self) -> float:
        """By how much memory grew in the second half: of its first tenth, the last one, medians."""
        second = self.memory[len(self.memory) // 2 :]
        part = max(1, len(second) // 5)
        return statistics.median(second[-part:]) / statistics.median(second[:part]) - 1


def problems(loaded: Loaded, given: argparse.Namespace) -> list[str]:
    """Say what was not as it must be."""
    told = loaded.told
    expected = {
        "answers": set(told["outcomes"]) <= {"answered", "THROTTLED"},
        "adding": set(told["adding"]) <= {"answered", "THROTTLED"},
        "exports": set(told["exports"]) <= {"COMPLETED", "THROTTLED"},
        "lost at the end": told["lost"] == told["unanswered"] == 0,
        "clients": not told["failures"],
        "streams": {name.partition(": ")[2] for name in told["streams"]}
        <= {"begun", "complete", "COMPLETED"},
        "records told": told["followed_records"] == [told["added"]] * 2,
        "memory": loaded.growth <= MOST_GROWTH,
        "exports taken up": set(loaded.resumed) <= {"COMPLETED"},
        "exports under way": len(loaded.resumed) > 0,
    }
    broken = [f"Not as it must be: {what}." for what, met in expected.items() if not met]
    return [*broken, *told["failures"]]


def report(loaded: Loaded, given: argparse.Namespace) -> str:
    """Return the section for results.md."""
    told = loaded.told
    every = told["all"]
    rows = [
        [
            name,
            f"{each['count']:,}",
            *(number(1000 * each[kind]) for kind in ("p50", "p99", "most")),
        ]
        for name, each in [*sorted(told["seconds"].items()), ("all", every)]
    ]
    streams = ", ".join(f"{count:,} {name}" for name, count in sorted(told["streams"].items()))
    half = loaded.memory[len(loaded.memory) // 2 :]
    facts = [
        ["outcomes of requests", _counted(told["outcomes"])],
        ["answers a second", number(every["count"] / given.seconds)],
        ["processor time of the server, share of one core", number(loaded.cpu / given.seconds)],
        ["exports that ended meanwhile", _counted(told["exports"])],
        ["messages to subscribers", f"{told['messages']:,}"],
        ["streams", streams],
        ["records added, and told to each follower", f"{told['added']:,}"],
        ["memory of the server at half time, at the end, MB", f"{_mb(half[0])}, {_mb(half[-1])}"],
        ["growth in the second half", f"{100 * loaded.growth:.1f} %"],
        [
            "requests under way at SIGTERM, of them not answered",
            f"{told['under_way']}, {told['lost'] + told['unanswered']}",
        ],
        [
            "asked after it: answered, told to go",
            f"{told['answered_later']}, {told['refused_later']}",
        ],
        ["sockets closed, by code", _counted(told["closed"])],
        ["seconds until the process was gone", number(loaded.ended)],
        ["exports under way then, after a new start", _counted(_count(loaded.resumed))],
    ]
    return f"""`make bench-load`: {given.clients} clients for {given.seconds:.0f} s, each pausing
{given.pause:g} s on average between an answer and the next question; {given.subscribers}
subscribers; {given.exports} exports always under way; SQLite, demo data {given.scale} times. One
server process; the clients share the two cores with it and with its export worker.

{table(["answers", "count", "p50, ms", "p99, ms", "most, ms"], rows)}

{table(["", ""], facts)}"""


def _count(values: list[str]) -> dict[str, int]:
    return {value: values.count(value) for value in sorted(set(values))}


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"


def _mb(kilobytes: int) -> str:
    return number(kilobytes / 1000)
