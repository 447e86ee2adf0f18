"""What a browser does when people sign in: forms posted from our pages, and cookies."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select
from sqlmodel import col

from server.records.audit import AuditEntry
from server.sign_in.links import make_link
from tests.conftest import Api
from tests.factories import Row

VIEWER = "{ viewer { userId scopes } }"
CHANGE = 'mutation { exportCancel(id: "x") { userErrors { code } } }'
OURS = {"Origin": "http://test"}
COOKIE = "hyperdata-session"


async def post_form(api: Api, path: str, **fields: str) -> httpx2.Response:
    """Post a form as a page of ours does."""
    return await api.http.post(path, data=fields, headers=OURS)


async def a_link(api: Api, user: Row) -> str:
    """Return the token of a new link."""
    async with api.db.write() as tx:
        return (await make_link(tx, user.key)).partition("token=")[2]


async def signed_in(api: Api, user: Row) -> str:
    """Sign an account in; return the token for changes."""
    answer = await post_form(api, "/auth/link", token=await a_link(api, user))
    assert answer.status_code == 303
    return await csrf_token(api)


async def csrf_token(api: Api) -> str:
    token: str = (await api.http.get("/auth/session")).json()["csrfToken"]
    return token


async def who(api: Api) -> str | None:
    """Return the id of whoever the cookie says is signed in."""
    answer = await api.http.get("/auth/session")
    return answer.json()["user"]["userId"] if answer.status_code == 200 else None


async def asked(api: Api, query: str, **headers: str) -> tuple[int, Any]:
    """Ask by the cookie; return the status, and the code of an error or the data."""
    answer = await api.http.post("/graphql", json={"query": query}, headers=headers)
    body = answer.json()
    found = body["errors"][0]["extensions"]["code"] if "errors" in body else body["data"]
    return answer.status_code, found


async def noted(api: Api) -> list[tuple[str, bool, str | None]]:
    """Return the audit log: action, whether it was allowed, and who."""
    columns = col(AuditEntry.action), col(AuditEntry.allowed), col(AuditEntry.actor_id)
    async with api.db.read() as tx:
        found = await tx.execute(select(*columns).order_by(col(AuditEntry.id)))
        return [(str(action), allowed, actor) for action, allowed, actor in found]


def printed_link(folder: Path, user_id: str, url: str) -> str:
    """Return what `hyperdata sign-in` prints."""
    command = [sys.executable, "-m", "server", "sign-in", user_id, "--url", url]
    run = subprocess.run(
        [*command, "--data-dir", str(folder)], capture_output=True, text=True, check=True
    )
    return run.stdout.strip()
