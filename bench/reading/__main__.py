"""Builds the database, starts all servers, checks their answers, and measures them in turn."""

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from bench.reading.asked import (
    PAGES,
    cursor_at,
    place_before,
    place_of,
    rows_in,
    template,
    without_cursors,
)
from bench.reading.database import Built, database
from bench.reading.load import Request, measure
from bench.reading.queries import DOCUMENTS, TABS
from bench.reading.results import Measured, report
from bench.reading.servers import KINDS, OURS, Kind, ask, running

QUESTIONS = ("Q1", "Q2", "Q3", *PAGES)
DEPTH = tuple(PAGES)[1:]
"""The questions that are put to ours and the floor only: what a page costs by where it lies."""
WARM_SECONDS = 1.0


@dataclass(frozen=True)
class Timed:
    """A question put to a server: what to send, and how long its checked answer is."""

    kind: Kind
    question: str
    request: Request
    size: int


def main() -> None:
    names = [kind.name for kind in KINDS]
    options = argparse.ArgumentParser(prog="bench.reading", description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    options.add_argument("--servers", nargs="*", choices=names, default=names)
    options.add_argument("--questions", nargs="*", choices=DOCUMENTS, default=list(DOCUMENTS))
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    options.add_argument("--profile", action="store_true", help="tell where ours spends its time")
    given = options.parse_args()
    questions = [each for each in QUESTIONS if each.split(",")[0] in given.questions]
    built = database()
    if given.profile:
        _profile(questions, built, given.seconds)
        return
    kinds = [kind for kind in KINDS if kind is OURS or kind.name in given.servers]
    measured = Measured(kinds, questions)
    with ExitStack() as stack:
        timed = list(_prepared(stack, kinds, questions, built))
        for one in timed:
            measure(one.request, WARM_SECONDS, one.size)
        for number in range(given.rounds):
            for question in questions:
                turn = [each for each in timed if each.question == question]
                first = number % len(turn)
                for one in turn[first:] + turn[:first]:
                    rate = measure(one.request, given.seconds, one.size)
                    measured.note(one.kind, question, rate)
            print(f"round {number + 1} of {given.rounds}", flush=True)
    report(measured, write=given.write)


def _profile(questions: Sequence[str], built: Built, seconds: float) -> None:
    """Print where our server spends its processor time while it answers each question."""
    report = built.folder / "profile.txt"

    def command(port: int, built: Built) -> list[str]:
        here = [sys.executable, "-m", "bench.reading.profiled"]
        return [*here, str(port), str(built.folder), str(report)]

    with ExitStack() as stack:
        kind = replace(OURS, command=command)
        for one in list(_prepared(stack, [kind], questions, built)):
            for wanted in (WARM_SECONDS, seconds):
                report.unlink(missing_ok=True)
                measure(one.request, wanted, one.size)
                os.kill(one.request.process, signal.SIGUSR1)
                deadline = time.monotonic() + 10
                while not report.exists():
                    assert time.monotonic() < deadline, "the profile was not written"
                    time.sleep(0.05)
            print(f"{one.question}: {report.read_text()}")


def _prepared(
    stack: ExitStack, kinds: Sequence[Kind], questions: Sequence[str], built: Built
) -> Iterator[Timed]:
    """Start the servers, ours first, and check every answer against ours before it is timed."""
    before = {name: place_before(built, page) for name, page in PAGES.items() if page > 1}
    row_100 = place_before(built, 2)
    expected: dict[str, bytes] = {}
    marks: dict[str, str] = {}
    for kind in kinds:
        server = stack.enter_context(running(kind, built, BENCH_MARKS=json.dumps(marks)))
        first = {name: ask(server, name) for name in DOCUMENTS}
        marks = marks or _marks({name: json.loads(first[name])["data"] for name in first})
        end = _end_of(first["Q4"])
        for question in questions:
            if question in DEPTH and not kind.tells_depth:
                continue
            base = question.split(",")[0]
            after = cursor_at(end, row_100, before[question]) if question in before else None
            answer = ask(server, base, after) if after else first[base]
            same = _check(kind, question, answer, expected.setdefault(question, answer))
            print(f"{kind.name:12} {question:15} {len(answer):>9,} bytes  {same}", flush=True)
            yield Timed(kind, question, server.asking(base, after), len(answer))


def _check(kind: Kind, question: str, answer: bytes, expected: bytes) -> str:
    if answer == expected:
        return "the same bytes"
    assert rows_in(answer) == rows_in(expected), f"{kind.name} answers {question} with other rows"
    if not kind.same_schema:
        return "the same rows"
    mine, theirs = without_cursors(json.loads(expected)), without_cursors(json.loads(answer))
    assert mine == theirs, f"{kind.name} answers {question} otherwise"
    return "the same JSON, but for cursors"


def _end_of(answer: bytes) -> str:
    """Return the cursor of the last row of an answer that holds one list."""
    found = re.search(rb'"endCursor": ?"([^"]+)"', answer)
    assert found is not None, answer[-200:]
    return found[1].decode()


def _marks(answers: Mapping[str, Any]) -> dict[str, str]:
    """Return what ours writes into the cursors of each list: the floor's are to be the same."""
    lists = {
        "Q1": answers["Q1"]["participant"]["continuousRatings"],
        "Q2": answers["Q2"]["experiments"],
        "Q4": answers["Q4"]["experiment"]["continuousRatings"],
        **{f"Q3.{name}": answers["Q3"]["participant"][name] for name in TABS},
    }
    return {
        name: template(found["pageInfo"]["endCursor"], place_of(found["edges"][-1]["node"]))
        for name, found in lists.items()
    }


if __name__ == "__main__":
    main()
