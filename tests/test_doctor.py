"""`hyperdata doctor`, and what `hyperdata serve` refuses to start with: each said in words."""

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from server.cli import app
from server.db import Database
from server.doctor import places
from server.safety import is_public, unsafe
from server.settings import Settings
from tests.command import hyperdata
from tests.conftest import free_port
from tests.factories import a_user, save

pytestmark = pytest.mark.anyio

OPEN = ["--host", "0.0.0.0", "--insecure-http"]
LONG = "f3a9" + "0123456789abcdef" * 3


async def doctor(folder: Path, *arguments: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """Return how the command ends, and what it finds, by subject."""
    command = ["doctor", "--json", "--data-dir", str(folder), *arguments]
    ended = await asyncio.to_thread(CliRunner().invoke, app, command)
    told = json.loads(ended.stdout)
    found: dict[str, list[tuple[str, str]]] = {}
    for each in told["findings"]:
        found.setdefault(each["subject"], []).append((each["level"], each["message"]))
    levels = {level for some in found.values() for level, _ in some}
    assert told["status"] == (
        "error" if "error" in levels else "warning" if levels - {"ok"} else "ok"
    )
    return ended.exit_code, found


@pytest.fixture
def folder(tmp_path: Path, migrated_file: Path) -> Path:
    shutil.copyfile(migrated_file, tmp_path / "hyperdata.db")
    return tmp_path


async def test_a_good_configuration_is_said_to_be_one(folder: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{folder / 'hyperdata.db'}")
    await save(db, a_user())
    await db.close()

    code, found = await doctor(folder)

    assert code == 0
    assert {level for some in found.values() for level, _ in some} == {"ok"}
    assert found.keys() >= {"safety", "data folder", "disk", "storage", "database", "clock"}
    assert found.keys() >= {"workers", "pages"}


async def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    code, found = await doctor(tmp_path / "later")
    assert (code, (tmp_path / "later").exists()) == (0, False)
    assert "the folder will be made" in found["data folder"][0][1]
    assert found["database"] == [("ok", "There is none yet: `hyperdata serve` makes it.")]


async def test_settings_that_cannot_be_are_named_without_their_values(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERDATA_LEASE_SECONDS", "h1dden")
    monkeypatch.setenv("HYPERDATA_DATABSE_URL", "h1dden")
    code, found = await doctor(folder)
    assert code == 1
    [(_, wrong), (_, unknown)] = found["settings"]
    assert wrong.startswith("HYPERDATA_LEASE_SECONDS: ")
    assert unknown.endswith("is HYPERDATA_DATABASE_URL meant?")
    assert "h1dden" not in str(found)


@pytest.mark.parametrize(
    ("settings", "arguments", "subject", "level", "said"),
    [
        ({}, ["--host", "0.0.0.0"], "safety", "error", "HYPERDATA_PUBLIC_URL=https://"),
        ({"SECRET": "short"}, [], "safety", "warning", "HYPERDATA_SECRET can be guessed"),
        (
            {"WEBHOOK_LOOPBACK": "1", "PUBLIC_URL": "https://data.example.org"},
            [],
            "safety",
            "warning",
            "HYPERDATA_WEBHOOK_LOOPBACK",
        ),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, [], "proxies", "error", "`proxy` is no address"),
        ({"PUBLIC_URL": "https://x.example"}, [], "proxies", "warning", "does not name it"),
        ({"ALLOWED_HOSTS": "*"}, OPEN, "names", "warning", "answers by any name"),
        ({}, OPEN, "names", "warning", "refuses whoever asks for it by a name"),
        ({"PUBLIC_URL": "https://x.example"}, [], "production", "warning", "PRODUCTION is off"),
        ({"TRUSTED_PROXIES": "10.0.0.1"}, [], "proxies", "warning", "HYPERDATA_PUBLIC_URL is not"),
        ({"EXPORT_WORKERS": "0"}, [], "workers", "warning", "HYPERDATA_EXPORT_WORKERS=0"),
        ({"STORAGE_URL": "file:///proc/nothing"}, [], "storage", "error", "HYPERDATA_STORAGE_URL"),
        ({"STORAGE_URL": "nothing://x"}, [], "storage", "error", "cannot be opened"),
        ({"DATABASE_URL": "::"}, [], "database", "error", "is no address"),
        ({"DATABASE_URL": "mysql://h1dden@x/y"}, [], "database", "error", "begins with `mysql`"),
        (
            {"DATABASE_URL": "postgresql+asyncpg://u:h1dden@127.0.0.1:1/x"},
            [],
            "database",
            "error",
            "Nothing listens on 127.0.0.1:1",
        ),
        ({"OTLP_ENDPOINT": "collector"}, [], "traces", "error", "is no address of a collector"),
        ({"OTLP_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, [], "traces", "ok", "will be sent"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    arguments: list[str],
    subject: str,
    level: str,
    said: str,
) -> None:
    settings = {"EXPORT_WORKERS": "0", **settings}  # a worker takes a second to start
    for name, value in settings.items():
        monkeypatch.setenv(f"HYPERDATA_{name}", value)
    code, found = await doctor(folder, *arguments)
    assert [found_level for found_level, message in found[subject] if said in message] == [level]
    assert code == (1 if level == "error" else 0)
    assert "h1dden" not in str(found)


async def test_a_folder_that_cannot_be_used_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERDATA_EXPORT_WORKERS", "0")
    (folder / "file").write_text("")
    (folder / "secret").write_text("x")
    (folder / "secret").chmod(0o644)
    monkeypatch.setattr(places, "SCARCE", 1 << 60)

    in_a_file = await doctor(folder / "file")
    beyond = await doctor(Path("/proc/nothing"))
    _, open_ = await doctor(folder)
    monkeypatch.setattr(places, "TOO_SCARCE", 1 << 60)
    _, full = await doctor(folder)

    assert (in_a_file[0], beyond[0]) == (1, 1)
    assert "is a file" in in_a_file[1]["data folder"][0][1]
    assert "Nothing can be written in /proc" in beyond[1]["data folder"][0][1]
    assert [each for each in open_["data folder"] if each[0] == "error" and "chmod 600" in each[1]]
    assert (open_["disk"][0][0], full["disk"][0][0]) == ("warning", "error")


async def test_versions_accounts_and_clocks_are_looked_at_on_either_database(
    tmp_path: Path, any_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERDATA_DATABASE_URL", any_url)
    monkeypatch.setenv("HYPERDATA_EXPORT_WORKERS", "0")
    is_sqlite = make_url(any_url).get_backend_name() == "sqlite"
    db = Database(any_url)

    async def version(text: str) -> None:
        async with db.write() as tx:
            await tx.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{text}'")

    async with db.read() as tx:
        needed = (await tx.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar_one()
    _, empty = await doctor(tmp_path)
    await version("0001")
    _, behind = await doctor(tmp_path)
    await version("9999")
    _, ahead = await doctor(tmp_path)
    await version(needed)
    ago = time.time() - 1000
    with monkeypatch.context() as earlier:
        earlier.setattr(time, "time", lambda: ago)
        _, late = await doctor(tmp_path)
    await db.close()

    assert "nobody can enter" in empty["accounts"][0][1]
    assert empty["clock"][0][0] == "ok"
    assert behind["database"][0][0] == ("warning" if is_sqlite else "error")
    assert ("hyperdata serve" if is_sqlite else "hyperdata migrate") in behind["database"][0][1]
    assert "newer than this server" in ahead["database"][0][1]
    if not is_sqlite:
        assert late["clock"][0][0] == "error"
        assert "1000 seconds behind" in late["clock"][0][1]


def settings(**given: Any) -> Settings:
    return Settings(data_dir=Path("unused"), **given)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1"])
def test_on_this_machine_alone_a_server_starts_with_anything(host: str) -> None:
    assert not is_public(host)
    assert not list(unsafe(settings(secret="x", public_url="http://x.example"), host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "data.example.org", ""])
def test_where_others_can_reach_it_a_server_needs_https(host: str) -> None:
    [reason] = unsafe(settings(), host)
    assert "--insecure-http" in reason
    assert list(unsafe(settings(public_url="http://x.example", trusted_proxies="10.1.1.1"), host))
    assert not list(unsafe(settings(public_url="https://x.example"), host))
    assert not list(unsafe(settings(trusted_proxies="10.1.1.1"), host))
    assert not list(unsafe(settings(), host, insecure_http=True))


@pytest.mark.parametrize(
    "given",
    [
        {"secret": "short"},
        {"secret": "x" * 64},
        {"secret": f"changeme{LONG}"},
        {"secret": ""},
        {"metrics_token": "short"},
        {"trusted_proxies": "10.0.0.1, *"},
    ],
)
def test_where_others_can_reach_it_what_can_be_guessed_is_refused(given: dict[str, str]) -> None:
    [reason] = unsafe(settings(public_url="https://x.example", **given), "0.0.0.0")
    assert f"HYPERDATA_{next(iter(given)).upper()}" in reason
    assert not list(
        unsafe(settings(secret=LONG, metrics_token=LONG, trusted_proxies="10.0.0.0/8"), "0.0.0.0")
    )


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_server_that_would_be_unsafe_does_not_start(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: pytest.fail("it started"))
    monkeypatch.setattr("server.demo.keys.fill", _nothing)
    ended = CliRunner().invoke(
        app, [command, "--host", "0.0.0.0", "--data-dir", str(tmp_path / "new")]
    )
    assert ended.exit_code == 1
    assert "This would be unsafe." in str(ended.exception) + ended.output
    assert not (tmp_path / "new").exists()
    assert "HYPERDATA_PUBLIC_URL=https" in str(ended.exception) + ended.output
    assert os.environ.get("HYPERDATA_PUBLIC_URL") is None


def test_what_others_can_reach_does_not_start_before_somebody_could_enter(tmp_path: Path) -> None:
    public = ("--host", "0.0.0.0", "--port", str(free_port()), "--insecure-http")
    ended = hyperdata("serve", *public, "--data-dir", tmp_path)
    assert (ended.returncode, "hyperdata users add" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr


async def _nothing(*_: object, **__: object) -> None:
    raise AssertionError("data were made for a server that does not start")
