"""Puts a load on one server process for minutes, tells it to end, and starts it again."""

import argparse
import asyncio
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bench.exports.database import Built, database
from bench.load.report import Loaded, problems, report
from bench.sections import keep
from bench.serving import serving
from server.api_keys import issue
from server.db import Database

KEYS = 25
"""How many keys the clients share: a budget is a key's."""

_SCALE, _EVENTS = 20, 10_000
_PATIENCE = 180.0
_LOOK = """query($id: ID!) { export(id: $id) {
  status sha256 downloadUrl manifest { ledger { selected written } } } }"""


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    options.add_argument("--seconds", type=float, default=300)
    options.add_argument("--clients", type=int, default=500)
    options.add_argument("--subscribers", type=int, default=300)
    options.add_argument("--exports", type=int, default=5)
    options.add_argument("--pause", type=float, default=1.0, help="of a client, on average, in s")
    options.add_argument("--scale", type=int, default=_SCALE, help="of the demo data")
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    given = options.parse_args()
    built = database(given.scale, _EVENTS)
    with tempfile.TemporaryDirectory(prefix="bench-load-") as made:
        folder = Path(made) / "data"
        shutil.copytree(built.folder, folder, ignore=shutil.ignore_patterns("larger", "made"))
        loaded = _measure(folder, built, given)
    text = report(loaded, given)
    print(text)
    if given.write:
        keep("Load", text)
    if found := problems(loaded, given):
        sys.exit("\n".join(found))


def _measure(folder: Path, built: Built, given: argparse.Namespace) -> Loaded:
    keys = [built.key, *asyncio.run(_keys(folder))]
    with serving(folder) as (url, pid):
        asked = {
            "port": int(url.rpartition(":")[2]),
            "keys": keys,
            "folder": str(folder),
            "experiments": ["exp_dyadvideo01", "exp_groupchat01", "exp_solorating01"],
            **{name: getattr(given, name) for name in ("clients", "subscribers", "exports")},
            "pause": given.pause,
        }
        with _crowd(asked) as crowd:
            memory = Memory(pid)
            with memory.watched():
                time.sleep(given.seconds)
            cpu = _cpu_seconds(pid)
            at = time.monotonic()
            os.kill(pid, signal.SIGTERM)
            told, _ = crowd.communicate(f"{at}\n", timeout=_PATIENCE)
            ended = _gone_after(pid, at)
    resumed = _resumed(folder, built.key, json.loads(told)["exports_going_on"])
    return Loaded(json.loads(told), memory.samples, ended, cpu, resumed)


async def _keys(folder: Path) -> list[str]:
    db = Database(f"sqlite+aiosqlite:///{folder}/hyperdata.db")
    async with db.write() as tx:
        keys = [await issue(tx, 1, f"client {n}", ("*",)) for n in range(KEYS)]
    await db.close()
    return keys


@contextmanager
def _crowd(asked: dict[str, Any]) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "bench.load.crowd"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@dataclass
class Memory:
    """The resident memory of a process, in kB, every second."""

    pid: int
    samples: list[int] = field(default_factory=list[int])

    @contextmanager
    def watched(self) -> Iterator[None]:
        over = threading.Event()
        watching = threading.Thread(target=self._watch, args=[over])
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(1):
            status = Path(f"/proc/{self.pid}/status").read_text()
            [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", status)
            self.samples.append(int(kilobytes))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _gone_after(pid: int, at: float) -> float:
    """Wait until a process has ended; return how long that took since a moment."""
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < at + _PATIENCE, "the server does not end"
        time.sleep(0.05)
    return time.monotonic() - at


def _resumed(folder: Path, key: str, exports: list[str]) -> list[str]:
    """Start the server again; return what became of the exports that were under way."""
    with (
        serving(folder) as (url, _),
        closing(httpx2.Client(headers={"X-API-Key": key}, timeout=60)) as http,
    ):
        return [_outcome(http, url, each) for each in exports]


def _outcome(http: httpx2.Client, url: str, export_id: str) -> str:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        body = {"query": _LOOK, "variables": {"id": export_id}}
        answer = http.post(f"{url}/graphql", json=body).json()
        if (export := (answer["data"] or {}).get("export")) is None:
            return f"lost: {answer}"
        if export["status"] == "COMPLETED":
            sha256 = hashlib.sha256(http.get(export["downloadUrl"]).content).hexdigest()
            entries = export["manifest"]["ledger"]
            whole = all(each["selected"] == each["written"] > 0 for each in entries)
            return "COMPLETED" if whole and sha256 == export["sha256"] else "not whole"
        if export["status"] in {"FAILED", "CANCELED"}:
            return str(export["status"])
        time.sleep(0.2)
    return "not over"


if __name__ == "__main__":
    main()
