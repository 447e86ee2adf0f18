"""`hyperdata users`, `keys` and `grants`, as operators call them on the server's own machine."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from typer.testing import CliRunner

from server.cli import app
from server.records.api_keys import ApiKey
from server.records.audit import AuditEntry
from server.records.collaborators import Collaborator
from server.records.users import User
from tests.conftest import Api, opened
from tests.factories import a_user, an_experiment, save

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, any_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands find the database, of either kind."""
    monkeypatch.setenv("HYPERDATA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HYPERDATA_DATABASE_URL", any_url)


async def run(*arguments: str) -> Any:
    """Run a command, beside the server that this process is."""
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def done(*arguments: str) -> str:
    """Return what a command says that must succeed."""
    ended = await run(*arguments)
    assert ended.exit_code == 0, ended.stderr
    told: str = ended.stdout
    return told


async def refused(*arguments: str) -> str:
    """Return why a command does nothing."""
    ended = await run(*arguments)
    assert (ended.exit_code, ended.stdout) == (1, ""), ended
    assert isinstance(ended.exception, SystemExit)
    told: str = ended.stderr
    return told


def table(told: str) -> list[list[str]]:
    return [line.split("\t") for line in told.splitlines()]


@pytest.fixture
async def api(tmp_path: Path, any_url: str) -> Any:
    async with opened(tmp_path, database_url=any_url) as api:
        owner, guest = a_user(user_id="usr_owner"), a_user(user_id="usr_guest", name="Björn [b]")
        await save(api.db, owner, guest, an_experiment(owner, experiment_id="exp_one"))
        yield api


async def noted(api: Api) -> list[tuple[Any, ...]]:
    columns = (
        AuditEntry.action,
        AuditEntry.resource,
        AuditEntry.experiment_id,
        AuditEntry.user_agent,
        AuditEntry.reason,
    )
    async with api.db.read() as tx:
        asked = select(*map(col, columns)).order_by(col(AuditEntry.id))
        return [tuple(row) for row in await tx.execute(asked) if row[0] != "KEY_NEW_ADDRESS"]


async def test_an_account_is_made_listed_and_closed(api: Api) -> None:
    made = await done(
        "users", "add", "Ada", "--role", "administrator", "--email", "ada@example.org"
    )
    user_id = made.strip()

    listed = {row[0]: row[1:] for row in table(await done("users", "list"))}
    assert listed.keys() == {"usr_owner", "usr_guest", user_id}
    assert listed[user_id][:3] == ["Ada", "ADMINISTRATOR", "ada@example.org"]
    assert listed["usr_guest"][0] == "Björn [b]"
    env = await done("keys", "create", user_id, "--name", "x", "--scope", "*")
    secret = env.strip().rpartition("=")[2]
    assert (await api.post("{ viewer { name } }", secret)).status_code == 200
    closing = ("users", "close", user_id, "--reason", "left the lab")
    assert await done(*closing) == f"Closed {user_id}.\n"
    assert (await api.post("{ viewer { name } }", secret)).status_code == 401
    assert await done(*closing) == f"{user_id} is closed already.\n"
    assert "closed" in await refused("keys", "create", user_id, "--name", "x", "--scope", "*")
    assert [entry[:2] for entry in await noted(api)] == [
        ("ACCOUNT_CHANGE", user_id),
        ("KEY_CREATE", secret[:13]),
        ("ACCOUNT_CHANGE", user_id),
    ]
    assert (await noted(api))[-1][3:] == ("hyperdata users close (command line)", "left the lab")


async def test_what_makes_no_account_is_refused(api: Api) -> None:
    await done("users", "add", "Ada", "--email", "ada@example.org", "--participant-id", "p" * 28)

    assert "email" in await refused("users", "add", "B", "--email", "Ada@example.org")
    assert "participant" in await refused("users", "add", "B", "--participant-id", "p" * 28)
    assert "researcher" in await refused("users", "add", "B", "--role", "boss")
    assert "a name" in await refused("users", "add", " ")
    assert "usr_none" in await refused("users", "close", "usr_none")
    assert len(await noted(api)) == 1


async def test_a_key_is_made_shown_once_listed_and_revoked(api: Api) -> None:
    create = ("keys", "create", "usr_owner", "--name", "R", "--scope", "read:experiments")
    bound = ("-e", "exp_one", "--expires", "7d", "--url", "https://data.example.org")

    env = await done(*create, *bound)

    url, _, secret = env.strip().partition("\nHYPERDATA_API_KEY=")
    assert url == "HYPERDATA_URL=https://data.example.org"
    seen = await api.ask("{ experiments { nodes { experimentId } } }", secret)
    assert seen["experiments"]["nodes"] == [{"experimentId": "exp_one"}]
    listing = await done("keys", "list", "--user", "usr_owner")
    assert secret not in listing
    [row] = table(listing)
    assert row[:4] == [f"{secret[:13]}…", "usr_owner", "R", "read:experiments"]
    assert await done("keys", "list", "--user", "usr_guest") == ""
    revoking = ("keys", "revoke", f"{secret[:13]}…", "--reason", "leaked")
    assert await done(*revoking) == f"Revoked {secret[:13]}….\n"
    assert (await api.post("{ viewer { name } }", secret)).status_code == 401
    assert "already" in await done(*revoking)
    assert await noted(api) == [
        ("KEY_CREATE", secret[:13], "exp_one", "hyperdata keys create (command line)", None),
        ("KEY_REVOKE", secret[:13], "exp_one", "hyperdata keys revoke (command line)", "leaked"),
    ]


async def test_what_makes_or_revokes_no_key_is_refused(api: Api) -> None:
    create = ("keys", "create", "usr_guest", "--name", "R", "--scope")

    assert "`read:events`" in await refused(*create, "read:event")
    assert "7d" in await refused(*create, "*", "--expires", "2w")
    assert "exp_one" in await refused(*create, "*", "-e", "exp_one")  # it is not shared with them
    assert "usr_none" in await refused("keys", "create", "usr_none", "--name", "R", "--scope", "*")
    assert "begins" in await refused("keys", "revoke", "hst_live_none")
    async with api.db.read() as tx:
        assert (await tx.execute(select(col(ApiKey.id)))).all() == []
    assert await noted(api) == []


async def test_an_experiment_is_shared_listed_and_taken_back(api: Api) -> None:
    guest = (await _keys_of(api))["usr_guest"]
    key = await api.key_of(guest)
    seen = '{ experiment(experimentId: "exp_one") { access { canExport } } }'
    add = ("grants", "add", "exp_one", "usr_guest")

    await done(*add)
    assert (await api.ask(seen, key))["experiment"] == {"access": {"canExport": False}}
    await done(
        *add, "--export", "-t", "events", "-t", "chat-messages", "--until", "2999-01-01T00:00Z"
    )
    assert (await api.ask(seen, key))["experiment"] == {"access": {"canExport": True}}
    assert table(await done("grants", "list")) == [
        [
            "exp_one",
            "usr_guest",
            "export",
            "EVENTS CHAT_MESSAGES",
            "REMOVE_IDENTIFIERS",
            "2999-01-01T00:00:00Z",
        ]
    ]
    await done("grants", "revoke", "exp_one", "usr_guest", "--reason", "over")
    assert (await api.ask(seen, key))["experiment"] is None
    assert await done("grants", "list", "-e", "exp_one") == ""
    told = "hyperdata grants"
    assert await noted(api) == [
        ("GRANT", "usr_guest", "exp_one", f"{told} add (command line)", None),
        ("GRANT", "usr_guest", "exp_one", f"{told} add (command line)", None),
        ("REVOKE", "usr_guest", "exp_one", f"{told} revoke (command line)", "over"),
    ]


async def test_what_shares_nothing_is_refused(api: Api) -> None:
    add = ("grants", "add", "exp_one")

    assert "owns" in await refused(*add, "usr_owner")
    assert "usr_none" in await refused(*add, "usr_none")
    assert "exp_none" in await refused("grants", "add", "exp_none", "usr_guest")
    assert "chat-messages" in await refused(*add, "usr_guest", "-t", "chats")
    assert "aggregate-only" in await refused(*add, "usr_guest", "--anonymization", "none")
    assert "over" in await refused(*add, "usr_guest", "--until", "2020-01-01T00:00Z")
    assert "time zone" in await refused(*add, "usr_guest", "--until", "2020-01-01")
    assert "not shared" in await refused("grants", "revoke", "exp_one", "usr_guest")
    await done("users", "close", "usr_guest")
    assert "open account" in await refused(*add, "usr_guest")
    async with api.db.read() as tx:
        assert (await tx.execute(select(col(Collaborator.id)))).all() == []


async def test_a_folder_without_data_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HYPERDATA_DATABASE_URL")
    nothing = tmp_path / "nothing"
    assert "no database" in await refused("users", "list", "--data-dir", str(nothing))
    assert not nothing.exists()


async def _keys_of(api: Api) -> dict[str, int]:
    async with api.db.read() as tx:
        found = await tx.execute(select(col(User.user_id), col(User.id)))
        return {user_id: key for user_id, key in found if key is not None}
