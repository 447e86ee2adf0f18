"""The command line, as people call it."""

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path

import httpx2

from server.db import Database
from server.migrate import migrate
from tests.conftest import serving
from tests.factories import a_user, save


def hyperdata(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_command_and_loads_no_server() -> None:
    code = "import sys, server.cli; print('strawberry' in sys.modules, 'polars' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    told = hyperdata("--help").stdout

    assert loaded.stdout.split() == [b"False", b"False"]
    assert all(command in told for command in ("serve", "demo", "migrate", "import"))


def test_migrate_says_whether_there_was_anything_to_do(tmp_path: Path) -> None:
    assert hyperdata("migrate", "--data-dir", tmp_path / "new").stdout == "Migrated.\n"
    assert hyperdata("migrate", "--data-dir", tmp_path / "new").stdout == "Nothing to do.\n"


def test_a_demo_is_made_once_and_its_keys_are_for_its_owner_only(tmp_path: Path) -> None:
    assert hyperdata("demo", "--no-serve", "--data-dir", tmp_path).returncode == 0
    kept = tmp_path / "demo-keys.json"
    keys = json.loads(kept.read_text())
    assert keys.keys() == {"owner", "collaborator", "participant", "administrator"}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    with serving(tmp_path) as again:
        assert again.keys == keys
        for key in keys.values():
            asked = {"query": "{ experiments { totalCount } }"}
            answer = httpx2.post(f"{again.url}/graphql", json=asked, headers={"X-API-Key": key})
            assert answer.json()["data"]["experiments"]["totalCount"] > 0


def test_a_demo_that_lost_its_keys_gets_new_ones(tmp_path: Path) -> None:
    hyperdata("demo", "--no-serve", "--data-dir", tmp_path)
    kept = tmp_path / "demo-keys.json"
    before = kept.read_text()
    kept.unlink()

    assert hyperdata("demo", "--no-serve", "--data-dir", tmp_path).returncode == 0

    assert json.loads(kept.read_text()).keys() == json.loads(before).keys()


def test_a_demo_does_not_touch_data_of_ones_own(tmp_path: Path) -> None:
    async def own_data() -> None:
        db = Database(f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db")
        await migrate(db)
        await save(db, a_user())
        await db.close()

    asyncio.run(own_data())

    refused = hyperdata("demo", "--no-serve", "--data-dir", tmp_path)

    assert refused.returncode == 1
    assert "choose another --data-dir" in refused.stderr
    assert not (tmp_path / "demo-keys.json").exists()


def test_the_api_needs_no_pages_and_says_what_is_missing(tmp_path: Path) -> None:
    code = (
        "import server.pages, pathlib; server.pages.STATIC = pathlib.Path('/nowhere');"
        "from server.pages import page_routes; from starlette.testclient import TestClient;"
        "from starlette.applications import Starlette;"
        "answer = TestClient(Starlette(routes=page_routes())).get('/graphiql');"
        "print(answer.status_code, answer.text)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert asked.stdout.startswith("503 The pages are not built: run `make pages`")
