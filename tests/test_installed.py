"""The package as it is installed: with its pins alone, on disks that it may not write."""

import asyncio
import os
import re
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.api_keys import issue
from server.db import Database
from tests.conftest import answering, free_port
from tests.studies import Study
from tests.test_packaging import ROOT, build
from tests.test_the_main_job_on_postgres import exported

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]

PIN = re.compile(r"(?m)^([a-z0-9._-]+)(?:\[[^\]]*\])?==[^\s;\\]+ *(;[^\\\n]*)?")

READ_ONLY = """
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mount -o remount,bind,ro /
exec "$@"
"""
"""Runs a command that may write in one folder alone, in a view of the disks of its own."""


def packages(folder: Path) -> None:
    """Make an environment of what servers are to have, and of no other package that is here."""
    venv.create(folder, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    for name, marker in PIN.findall((ROOT / "requirements" / "servers.txt").read_text()):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            assert marker, f"{name} is not installed"  # it is for another kind of machine
            continue
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            if top != "__pycache__" and not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))))


def installed(folder: Path) -> Path:
    """Install the wheel; return its command."""
    packages(folder / "installed")
    built = build(ROOT, folder)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    python = folder / "installed" / "bin" / "python"
    uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--offline")
    subprocess.run([*uv, "--python", str(python), str(wheel)], check=True)
    return python.with_name("hyperdata")


def confined(folder: Path) -> Sequence[str]:
    """Return what a command is begun with that may write in a folder alone, where that is let."""
    before = ("unshare", "--mount", "sh", "-c", READ_ONLY, str(folder))
    try:
        is_let = subprocess.run([*before, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_let = False
    return before if is_let else ()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is set: little, and what is secret is in files."""
    secrets, temporary = tmp_path / "secrets", tmp_path / "data" / "tmp"
    secrets.mkdir()
    temporary.mkdir(parents=True)
    for name in ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return {
        "HYPERDATA_DATA_DIR": str(tmp_path / "data"),
        "HYPERDATA_SECRETS_DIR": str(secrets),
        "TMPDIR": str(temporary),
        "HOME": "/nowhere",
    }


def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Return how a command ends, and what it says."""
    around = {**os.environ, **environment}
    ended = subprocess.run(command, env=around, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


async def test_the_wheel_does_its_work_on_postgres(
    tmp_path: Path,
    postgres: Any,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hyperdata = str(installed(tmp_path))
    monkeypatch.chdir(tmp_path)  # where there is no `server` beside
    url = await asyncio.to_thread(postgres.new)
    secrets = tmp_path / "secrets"
    (secrets / "hyperdata_database_url").write_text(f"{url}\n")
    (secrets / "hyperdata_secret").write_text("0f1e2d3c4b5a69788796a5b4c3d2e1f00\n")
    before = confined(tmp_path / "data")
    port = free_port()
    probe = (*before, hyperdata, "probe", "--port", str(port))

    migrated = await asyncio.to_thread(run, (*before, hyperdata, "migrate"), environment)
    away = await asyncio.to_thread(run, probe, environment)
    db = Database(url)
    study = Study()
    await study.save(db)
    async with db.write() as tx:
        key = await issue(tx, study.owner.key, "test", ("*",))
    await db.close()
    with answering(
        port,
        *("serve", "--port", str(port)),
        environment=environment,
        program=(*before, hyperdata),
    ):
        address = f"http://127.0.0.1:{port}"
        ready = await asyncio.to_thread(run, (*probe, "--ready"), environment)
        page = httpx2.get(f"{address}/graphiql").status_code
        wanted = {"experimentIds": [study.experiments[0]["experiment_id"]]}
        state = await exported(address, key, wanted)
        file = httpx2.get(state["downloadUrl"]).content
    await asyncio.to_thread(postgres.drop, url)

    assert migrated == (0, "Migrated.\n")
    assert away[0] == 1
    assert "Nothing answers at port" in away[1]
    assert ready[0] == 0
    assert '"status":"ok"' in ready[1]
    assert page == 200
    assert (state["status"], state["fileSize"]) == ("COMPLETED", len(file))
    assert not (tmp_path / "data" / "hyperdata.db").exists()
    assert not (tmp_path / "data" / "secret").exists()


def test_a_folder_of_secrets_that_is_not_there_is_no_reason_to_make_others(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    environment["HYPERDATA_SECRETS_DIR"] = str(tmp_path / "elsewhere")
    code, said = run((sys.executable, "-m", "server", "migrate"), environment)
    assert code == 1
    assert "HYPERDATA_SECRETS_DIR names no folder" in said
    assert not (tmp_path / "data" / "hyperdata.db").exists()
