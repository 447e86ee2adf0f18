"""`hyperdata export --recipe` and `--estimate`: what is asked of a server, and said of it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.stub_server import Stub, stubbed

INPUT = {"experimentIds": ["exp_1"], "dataTypes": ["EVENTS"], "format": "CSV", "packaging": "ZIP"}
RECIPE = {"input": INPUT, "snapshot": "a-snapshot", "software": "hyperstudy-data 0.1.0"}
EVENTS = b"onset\n1\n2\n"


def package(top: str = "exp_1_2026-11-24", events: bytes = EVENTS, **changes: Any) -> bytes:
    """Return an export of some events."""
    dictionary = {"tables": {"events": {"columns": [{"name": "onset"}]}}}
    members = {"room_1/events.csv": events, "data_dictionary.json": json.dumps(dictionary).encode()}
    rows = {"room_1/events.csv": ("EVENTS", events.count(b"\n") - 1)}
    files = [
        {
            "path": f"{top}/{path}",
            "dataType": rows.get(path, (None, 0))[0],
            "rowCount": rows.get(path, (None, 0))[1],
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for path, data in members.items()
    ]
    count = rows["room_1/events.csv"][1]
    stated = {
        "title": top,
        "anonymization": "KEEP",
        "packaging": "ZIP",
        "ledger": [{"dataType": "EVENTS", "selected": count, "written": count, "withheld": []}],
        "recipe": RECIPE,
        "files": files,
        **changes,
    }
    written = BytesIO()
    with ZipFile(written, "w") as archive:
        for path, data in {**members, "metadata.json": json.dumps(stated).encode()}.items():
            archive.writestr(f"{top}/{path}", data)
    return written.getvalue()


def run(stub: Stub, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HYPERDATA_URL": stub.url, "HYPERDATA_API_KEY": "hst_live_x"}
    command = [sys.executable, "-m", "server", "export", *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
    )


def as_zip(folder: Path) -> str:
    (folder / "before.zip").write_bytes(package())
    return "before.zip"


def as_metadata(folder: Path) -> str:
    with ZipFile(BytesIO(package())) as archive:
        (folder / "metadata.json").write_bytes(archive.read("exp_1_2026-11-24/metadata.json"))
    return "metadata.json"


def as_folder(folder: Path) -> str:
    with ZipFile(BytesIO(package())) as archive:
        archive.extractall(folder / "before")
    return "before"


@pytest.mark.parametrize("kept", [as_zip, as_metadata, as_folder])
def test_a_recipe_asks_for_the_same_at_the_same_snapshot(
    tmp_path: Path, kept: Callable[[Path], str]
) -> None:
    with stubbed(package("another_day")) as stub:
        done = run(stub, tmp_path, "--recipe", kept(tmp_path), "-o", "now.zip", "--reason", "again")
    [asked] = stub.inputs
    key = asked.pop("idempotencyKey")
    assert len(key) == 32
    assert asked == {**INPUT, "snapshot": "a-snapshot", "reason": "again"}
    assert done.returncode == 0, done
    said = "The same as the recipe's export: 2 of 2 files, byte by byte."
    assert done.stdout.splitlines()[-1] == said
    assert "Warning" not in done.stderr


def test_what_came_out_differently_is_named_and_ends_with_1(tmp_path: Path) -> None:
    with stubbed(package(events=b"onset\n1\n3\n")) as stub:
        done = run(stub, tmp_path, "--recipe", as_zip(tmp_path), "-o", "now.zip")
        again = ("--recipe", "before.zip", "-o", "now.zip", "--overwrite", "--json")
        told = run(stub, tmp_path, *again)
    assert done.returncode == told.returncode == 1
    assert "different  room_1/events.csv\n" in done.stdout
    said = "NOT the same as the recipe's export: 1 of 2 files, byte by byte."
    assert done.stdout.splitlines()[-1] == said
    repeated = json.loads(told.stdout)["repeated"]
    assert (repeated["allSame"], repeated["different"]) == (False, ["room_1/events.csv"])
    assert repeated["same"] == ["data_dictionary.json"]


def test_the_recipes_own_file_may_be_replaced(tmp_path: Path) -> None:
    with stubbed(package(events=b"onset\n1\n3\n")) as stub:
        same = ("--recipe", as_zip(tmp_path), "-o", "before.zip", "--overwrite")
        done = run(stub, tmp_path, *same)
    assert done.returncode == 1, "it is compared with what was there before"


def test_other_software_is_warned_of(tmp_path: Path) -> None:
    newer = {**RECIPE, "software": "hyperstudy-data 9.0.0"}
    with stubbed(package(recipe=newer)) as stub:
        done = run(stub, tmp_path, "--recipe", as_zip(tmp_path), "-o", "now.zip")
    assert done.returncode == 0
    warning = (
        "Warning: the recipe was written by hyperstudy-data 0.1.0, "
        "this server runs hyperstudy-data 9.0.0.\n"
    )
    assert warning in done.stderr


def test_a_recipe_takes_no_other_choices(tmp_path: Path) -> None:
    with stubbed(package()) as stub:
        done = run(stub, tmp_path, "--recipe", as_zip(tmp_path), "-t", "events")
        (tmp_path / "old.zip").write_bytes(package(recipe=None))
        old = run(stub, tmp_path, "--recipe", "old.zip")
    assert (done.returncode, old.returncode, stub.inputs) == (1, 1, [])
    assert "leave the other choices out. [NOT_UNDERSTOOD]" in done.stderr
    assert "old.zip holds no recipe" in old.stderr


def test_an_estimate_is_shown_in_the_servers_words_and_nothing_is_queued(tmp_path: Path) -> None:
    with stubbed(b"") as stub:
        done = run(stub, tmp_path, "-e", "exp_1", "-t", "sync-metrics", "--estimate")
        told = run(stub, tmp_path, "-e", "exp_1", "--estimate", "--json")
    assert done.stdout == "rows  12,345\nwithheld\n  - reason IDENTIFIERS, count 3\n"
    assert json.loads(told.stdout)["rows"] == 12345
    assert stub.inputs[0] == {"experimentIds": ["exp_1"], "dataTypes": ["SYNC_METRICS"]}
    assert not any("exportCreate" in query for query in stub.queries)
    [query, _] = [query for query in stub.queries if "exportEstimate" in query]
    assert "rows withheld { reason count }" in query
    assert list(tmp_path.iterdir()) == []


def test_a_server_without_estimates_is_said_to_be_older(tmp_path: Path) -> None:
    with stubbed(b"") as stub:
        stub.types = [{"name": "Query", "kind": "OBJECT", "fields": [("export", "Export")]}]
        done = run(stub, tmp_path, "-e", "exp_1", "--estimate")
    assert (done.returncode, done.stdout) == (1, "")
    assert "[NO_ESTIMATES]" in done.stderr


@pytest.mark.parametrize("name", ["../../evil.zip", "/etc/evil.zip", "C:\\evil.zip", "..", ""])
def test_no_name_of_the_servers_leads_out_of_the_folder(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.stub_server.NAME", name)
    (tmp_path / "in" / "side").mkdir(parents=True)
    with stubbed(package()) as stub:
        done = run(stub, tmp_path / "in" / "side", "-e", "exp_1", "-q")
    assert done.returncode == 0, done
    [saved] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert saved.parent == tmp_path / "in" / "side"
    assert saved.name in ("evil.zip", "export")
