"""Servers and workers killed in the middle of exports, and what the next ones make of those."""

import hashlib
import io
import os
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest

from tests.conftest import LiveServer, serving
from tests.folders import files_below

pytestmark = pytest.mark.repeats

CREATE = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
  export { id } userErrors { message } } }"""
LOOK = """query ($id: ID!) { export(id: $id) {
  status downloadUrl sha256 errorCode errorMessage progress { completedRows }
  manifest { ledger { selected written } recipe } } }"""

WHOLE = {"experimentIds": ["exp_dyadvideo01"], "anonymization": "KEEP"}
KINDS: tuple[dict[str, Any], ...] = (
    WHOLE,
    {"experimentIds": ["exp_dyadvideo01"], "format": "JSON", "packaging": "SINGLE_FILE"},
    {
        "roomIds": ["room_dyadvideo01_01", "room_dyadvideo01_02"],
        "dataTypes": ["CONTINUOUS_RATINGS"],
        "packaging": "SINGLE_FILE",
    },
)
KILLS = 20
SERVER = 3
"""Every how many kills it is the server that dies, and its workers with it."""

CHANCE = Random(20)


def ask(server: LiveServer, query: str, **variables: Any) -> dict[str, Any]:
    answer = httpx2.post(
        f"{server.url}/graphql",
        json={"query": query, "variables": variables},
        headers={"X-API-Key": server.keys["owner"]},
    ).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def create(server: LiveServer, kind: dict[str, Any], key: str) -> str:
    payload = ask(server, CREATE, input={**kind, "idempotencyKey": key})["exportCreate"]
    assert payload["userErrors"] == []
    export_id: str = payload["export"]["id"]
    return export_id


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait(server: LiveServer, export_id: str, met: Callable[[Any], bool]) -> dict[str, Any]:
    looks: list[dict[str, Any]] = []

    def look() -> bool:
        looks.append(ask(server, LOOK, id=export_id)["export"])
        return met(looks[-1])

    wait_until(look)
    return looks[-1]


def ended(server: LiveServer, export_id: str) -> dict[str, Any]:
    """Return an export once it is completed, or fail with why it is not."""
    export = over(server, export_id)
    assert export["status"] == "COMPLETED", export["errorMessage"]
    return export


def over(server: LiveServer, export_id: str) -> dict[str, Any]:
    return wait(server, export_id, lambda found: found["status"] in {"COMPLETED", "FAILED"})


def children(pid: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def all_dead(pids: list[int]) -> bool:
    return not any(map(is_alive, pids))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def files(server: LiveServer) -> list[Path]:
    return [
        path
        for folder in ("files/exports", "spool")
        for path in files_below(server.data_dir / folder)
    ]


def kill(server: LiveServer) -> None:
    """Kill a server, and wait until its workers have died with it."""
    workers = children(server.process.pid)
    server.process.kill()
    server.process.wait()
    wait_until(partial(all_dead, workers))


def test_an_export_survives_a_server_that_is_killed_twice(tmp_path: Path) -> None:
    export_id = ""
    for _ in range(2):
        with serving(tmp_path, "--scale", "8") as server:
            export_id = export_id or create(server, WHOLE, "one")
            wait(server, export_id, lambda export: export["progress"]["completedRows"] > 0)
            kill(server)
            assert files_below(server.data_dir / "files" / "exports") == []

    with serving(tmp_path) as server:
        export = ended(server, export_id)
        file = httpx2.get(export["downloadUrl"]).content
        assert hashlib.sha256(file).hexdigest() == export["sha256"]
        assert zipfile.ZipFile(io.BytesIO(file)).testzip() is None
        assert all(e["selected"] == e["written"] > 0 for e in export["manifest"]["ledger"])
        wait_until(lambda: len(files(server)) == 1)  # what was half-written is swept away


def file_of(export: dict[str, Any]) -> bytes:
    """Return an export's file, as it is downloaded."""
    file = httpx2.get(export["downloadUrl"]).content
    assert hashlib.sha256(file).hexdigest() == export["sha256"]
    return file


def difference(file: bytes, undisturbed: bytes) -> str | None:
    """Tell where a file is another than it would be: whole files are no message."""
    if file == undisturbed:
        return None
    pairs = zip(file, undisturbed, strict=False)
    at = next((n for n, (one, other) in enumerate(pairs) if one != other), len(file))
    around = slice(max(0, at - 200), at + 200)
    return (
        f"{len(file)} bytes, undisturbed {len(undisturbed)}, the same up to {at}: "
        f"{file[around]!r}, undisturbed {undisturbed[around]!r}"
    )


class Killed:
    """A server that is started again whenever it was killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = self._start()
        self.server = next(self._running)

    def kill(self) -> None:
        kill(self.server)
        self.close()
        self._running = self._start()
        self.server = next(self._running)

    def close(self) -> None:
        for _ in self._running:
            pass

    def _start(self) -> Iterator[LiveServer]:
        with serving(self._folder) as server:
            yield server


@contextmanager
def killed(folder: Path) -> Iterator[Killed]:
    again = Killed(folder)
    try:
        yield again
    finally:
        again.close()


def test_kills_at_random_moments_change_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERDATA_CHECKPOINT_SECONDS", "0.05")
    with serving(tmp_path, "--scale", "3") as server:
        start = time.monotonic()
        calm = [ended(server, create(server, kind, f"calm {n}")) for n, kind in enumerate(KINDS)]
        seconds = (time.monotonic() - start) / len(KINDS)
        undisturbed = [file_of(export) for export in calm]
        again_asked = [
            {**kind, "snapshot": export["manifest"]["recipe"]["snapshot"]}
            for kind, export in zip(KINDS, calm, strict=True)
        ]

    with killed(tmp_path) as again:
        asked = []
        for number in range(KILLS):
            kind = number % len(KINDS)
            asked.append((kind, create(again.server, again_asked[kind], f"killed {number}")))
            time.sleep(CHANCE.uniform(0, seconds))
            if number % SERVER == 0:
                again.kill()
            else:
                for worker in children(again.server.process.pid):
                    os.kill(worker, signal.SIGKILL)
        completed = len(KINDS)
        for number, (kind, export_id) in enumerate(asked):
            export = over(again.server, export_id)
            if export["status"] == "COMPLETED":
                completed += 1
                found = difference(file_of(export), undisturbed[kind])
                assert found is None, (number, KINDS[kind], found)
            else:  # it was killed three times before it had made anything certain
                assert export["errorCode"] == "WORKER_LOST"
        wait_until(lambda: len(files(again.server)) == completed)
