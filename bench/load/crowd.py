"""All clients, subscribers, exports and records: a process of their own.

    python -m bench.load.crowd

is told what to do by a line of JSON, goes on until it is told by another when the server was told
to end, and then writes what came of it, as JSON.
"""

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.load.clients import Answers, Client
from bench.load.drivers import Exports, Line, Records
from bench.load.questions import Questions
from bench.load.subscribers import PER_SOCKET, Followed, Socket

LAST_SECONDS = 20.0
"""How long is waited for what was asked before the server was told to end."""


async def crowd(told: dict[str, Any]) -> dict[str, Any]:
    port, keys = told["port"], told["keys"]
    over = asyncio.Event()
    answers, followed = Answers(), Followed()
    questions = Questions.about(Path(told["folder"]))
    person, room, _, start = questions.seats[0]
    exports = Exports(Line(port, keys[0]), told["experiments"], told["exports"], over)
    records = Records(Line(port, keys[0]), {"roomId": room, "participantId": person}, start, over)
    clients = [
        Client(n, port, keys[n % len(keys)], told["pause"], questions, answers, over)
        for n in range(told["clients"])
    ]
    sockets = [
        Socket(n, port, keys[n % len(keys)], room, exports.any, followed)
        for n in range(told["subscribers"] // PER_SOCKET)
    ]
    besides = [asyncio.create_task(each.run()) for each in (exports, *sockets)]
    await _until_all_follow(followed, len(sockets))
    besides.append(asyncio.create_task(records.run()))
    asking = [asyncio.create_task(each.run()) for each in clients]
    print("ready", flush=True)
    at = float(await asyncio.to_thread(sys.stdin.readline))
    under_way = sum(sent < at for sent in answers.sent.values())
    over.set()
    _, unanswered = await asyncio.wait(asking, timeout=LAST_SECONDS)
    for each in unanswered:
        each.print_stack()
    await asyncio.wait(besides, timeout=LAST_SECONDS)
    failures = [repr(each.exception()) for each in (*asking, *besides) if _failed(each)]
    return {
        "seconds": {name: _told(seconds) for name, seconds in answers.seconds.items()},
        "all": _told([each for some in answers.seconds.values() for each in some]),
        "outcomes": answers.outcomes,
        "under_way": under_way,
        "lost": sum(began < at for began in answers.lost),
        "unanswered": len(unanswered),
        "refused_later": sum(began >= at for began in answers.lost),
        "answered_later": sum(b < at <= e for b, e in answers.answered_from),
        "exports": exports.outcomes,
        "exports_going_on": exports.going_on,
        "added": records.added,
        "adding": records.outcomes,
        "streams": followed.streams,
        "messages": followed.messages,
        "followed_records": [min(followed.records.values()), max(followed.records.values())],
        "closed": {str(code): count for code, count in followed.closed.items()},
        "failures": failures,
    }


async def _until_all_follow(followed: Followed, sockets: int) -> None:
    deadline = time.monotonic() + 60
    while followed.messages < sockets * PER_SOCKET:
        assert time.monotonic() < deadline, "some subscribers were told nothing"
        await asyncio.sleep(0.1)


def _failed(task: "asyncio.Task[None]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _told(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "count": len(ordered),
        "p50": statistics.median(ordered),
        "p99": ordered[int(len(ordered) * 0.99)],
        "most": ordered[-1],
    }


if __name__ == "__main__":
    asked = orjson.loads(sys.stdin.readline())
    print(orjson.dumps(uvloop.run(crowd(asked))).decode(), flush=True)
