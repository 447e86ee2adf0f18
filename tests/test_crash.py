"""A server killed in the middle of an export, and what the next one makes of it."""

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import LiveServer, serving
from tests.folders import files_below

CREATE = """mutation { exportCreate(
  input: {experimentIds: ["exp_dyadvideo01"], anonymization: KEEP}
) { export { id } userErrors { message } } }"""
LOOK = """query ($id: ID!) { export(id: $id) {
  status downloadUrl sha256 errorCode errorMessage progress { completedRows }
  manifest { ledger { selected written } } } }"""


def ask(server: LiveServer, query: str, **variables: Any) -> dict[str, Any]:
    answer = httpx2.post(
        f"{server.url}/graphql",
        json={"query": query, "variables": variables},
        headers={"X-API-Key": server.keys["owner"]},
    ).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


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
    return files_below(server.data_dir / "files" / "exports")


def test_an_export_survives_a_server_that_is_killed_twice(tmp_path: Path) -> None:
    export_id = ""
    for _ in range(2):
        with serving(tmp_path, "--scale", "8") as server:
            export_id = export_id or ask(server, CREATE)["exportCreate"]["export"]["id"]
            wait(server, export_id, lambda export: export["progress"]["completedRows"] > 0)
            workers = children(server.process.pid)
            server.process.kill()
            server.process.wait()

            wait_until(partial(all_dead, workers))  # a worker dies with its server
            assert not [path for path in files(server) if "#" not in path.name]

    with serving(tmp_path) as server:
        export = wait(server, export_id, lambda export: export["status"] in {"COMPLETED", "FAILED"})

        assert export["status"] == "COMPLETED", export["errorMessage"]
        file = httpx2.get(export["downloadUrl"]).content
        assert hashlib.sha256(file).hexdigest() == export["sha256"]
        assert zipfile.ZipFile(io.BytesIO(file)).testzip() is None
        assert all(e["selected"] == e["written"] > 0 for e in export["manifest"]["ledger"])
        wait_until(lambda: len(files(server)) == 1)  # what was half-written is swept away
