"""Signing in by a one-time link or an API key, on the pages that need no script."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import col

from server.migrate import migrate
from server.records.api_keys import ApiKey
from server.records.audit import AuditEntry
from server.records.sessions import SignInLink
from server.records.users import User
from server.sign_in.routes import own_path
from server.timestamps import now
from tests.browsing import (
    COOKIE,
    OURS,
    VIEWER,
    a_link,
    asked,
    csrf_token,
    noted,
    post_form,
    printed_link,
    signed_in,
    who,
)
from tests.conftest import Api, opened
from tests.factories import Row, a_user, save

pytestmark = pytest.mark.anyio


async def ada(api: Api, **changes: object) -> Row:
    user = a_user(user_id="usr_ada", name="Ada <Lovelace>", **changes)
    await save(api.db, user)
    return user


async def test_a_link_signs_in_once_and_looking_at_it_does_not_use_it_up(any_api: Api) -> None:
    token = await a_link(any_api, await ada(any_api))

    for _ in range(2):
        shown = await any_api.http.get("/auth/link", params={"token": token})
        assert (shown.status_code, "set-cookie" in shown.headers) == (200, False)
    entered = await post_form(any_api, "/auth/link", token=token)
    again = await post_form(any_api, "/auth/link", token=token)

    assert (entered.status_code, entered.headers["Location"]) == (303, "/")
    assert await who(any_api) == "usr_ada"
    assert again.status_code == 403
    assert "used already" in again.text
    assert "used already" in (await any_api.http.get(f"/auth/link?token={token}")).text
    assert await noted(any_api) == [("SIGN_IN", True, "usr_ada"), ("SIGN_IN", False, None)]


async def test_of_two_who_use_a_link_at_once_one_is_signed_in(any_api: Api) -> None:
    token = await a_link(any_api, await ada(any_api))
    answers = await asyncio.gather(
        *(post_form(any_api, "/auth/link", token=token) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [303, *[403] * 7]


async def test_a_link_is_over_after_a_while(any_api: Api) -> None:
    token = await a_link(any_api, await ada(any_api))
    async with any_api.db.write() as tx:
        await tx.execute(update(SignInLink).values(expires_at=now() - 1))
    assert (await post_form(any_api, "/auth/link", token=token)).status_code == 403
    assert await who(any_api) is None


@pytest.mark.parametrize("token", ["", "x", "\u00e9", "a" * 20_000])
async def test_a_link_of_nobody_signs_nobody_in(api: Api, token: str) -> None:
    assert (await post_form(api, "/auth/link", token=token)).status_code == 403


async def test_who_has_a_closed_account_is_not_let_in(any_api: Api) -> None:
    user = await ada(any_api)
    token, key = await a_link(any_api, user), await any_api.key_of(user.key)
    async with any_api.db.write() as tx:
        await tx.execute(update(User).values(disabled_at=now()))

    by_link = await post_form(any_api, "/auth/link", token=token)
    by_key = await post_form(any_api, "/auth/sign-in", key=key)

    assert (by_link.status_code, by_key.status_code) == (403, 403)
    assert "closed" in by_link.text
    assert await who(any_api) is None


async def test_a_key_signs_in_and_leads_where_one_wanted_to_go(any_api: Api) -> None:
    key = await any_api.key_of((await ada(any_api)).key)
    entered = await post_form(any_api, "/auth/sign-in", key=f" {key} ", next="/graphiql?a=%2F&b")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/graphiql?a=%2F&b")
    assert await asked(any_api, VIEWER) == (
        200,
        {"viewer": {"userId": "usr_ada", "scopes": ["*"]}},
    )
    async with any_api.db.read() as tx:
        columns = col(AuditEntry.actor_id), col(AuditEntry.api_key), col(AuditEntry.user_agent)
        [entry] = await tx.execute(select(*columns))
    assert tuple(entry) == ("usr_ada", key[:13], any_api.http.headers["User-Agent"])
    page = await any_api.http.get("/auth/sign-in")
    assert "As <strong>Ada &lt;Lovelace&gt;</strong>." in page.text


async def test_a_session_may_do_no_more_than_the_key_it_was_begun_with(any_api: Api) -> None:
    key = await any_api.key_of((await ada(any_api)).key, "read:events")
    await post_form(any_api, "/auth/sign-in", key=key)
    narrow = {"userId": "usr_ada", "scopes": ["read:events"]}
    assert await asked(any_api, VIEWER) == (200, {"viewer": narrow})
    assert (await asked(any_api, "{ experiments { totalCount } }"))[1] == "FORBIDDEN"


async def test_a_session_makes_no_key_that_lasts_longer_than_its_own(any_api: Api) -> None:
    key = await any_api.key_of((await ada(any_api)).key)
    async with any_api.db.write() as tx:
        await tx.execute(update(ApiKey).values(expires_at=now() + 60_000))
    await post_form(any_api, "/auth/sign-in", key=key)
    token = {"X-CSRF-Token": await csrf_token(any_api)}
    status, data = await asked(any_api, MAKE_A_KEY, **token, **OURS)
    assert (status, data["apiKeyCreate"]["secret"]) == (200, None)
    assert data["apiKeyCreate"]["userErrors"] != []


MAKE_A_KEY = """mutation { apiKeyCreate(input: {name: "R", scopes: ["*"], expiry: NEVER}) {
  secret userErrors { code } } }"""


@pytest.mark.parametrize("ends", ["revoked_at", "expires_at"])
async def test_a_session_ends_with_the_key_it_was_begun_with(any_api: Api, ends: str) -> None:
    key = await any_api.key_of((await ada(any_api)).key)
    await post_form(any_api, "/auth/sign-in", key=key)
    async with any_api.db.write() as tx:
        await tx.execute(update(ApiKey).values({ends: now() - 1}))
    assert await who(any_api) is None
    assert (await asked(any_api, VIEWER))[0] == 401


@pytest.mark.parametrize("key", ["", "hst_live_wrong", "<script>alert(1)</script>"])
async def test_a_wrong_key_is_answered_in_words_and_noted(api: Api, key: str) -> None:
    refused = await post_form(api, "/auth/sign-in", key=key, next='/"><script>')
    assert refused.status_code == 403
    assert 'role="alert"' in refused.text
    assert "<script" not in refused.text
    assert await noted(api) == [("SIGN_IN", False, None)]


async def test_a_form_of_another_site_signs_nobody_in(api: Api) -> None:
    user = await ada(api)
    key, token = await api.key_of(user.key), await a_link(api, user)
    foreign = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {}]
    foreign += [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "none")]
    foreign += [OURS | {"Sec-Fetch-Site": "cross-site"}]
    for headers in foreign:
        for path, data in (("/auth/sign-in", {"key": key}), ("/auth/link", {"token": token})):
            answer = await api.http.post(path, data=data, headers=headers)
            assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert (await post_form(api, "/auth/link", token=token)).status_code == 303  # still unused


async def test_signing_in_makes_a_new_session_and_ends_the_one_before(any_api: Api) -> None:
    user = await ada(any_api)
    other = a_user(user_id="usr_bob")
    await save(any_api.db, other)
    await signed_in(any_api, user)
    before = any_api.http.cookies[COOKIE]
    await signed_in(any_api, other)
    assert any_api.http.cookies[COOKIE] != before
    assert await who(any_api) == "usr_bob"

    any_api.http.cookies.clear()
    any_api.http.cookies.set(COOKIE, before)

    assert await who(any_api) is None


async def test_signing_out_is_at_once_and_for_good(any_api: Api) -> None:
    await signed_in(any_api, await ada(any_api))
    cookie = any_api.http.cookies[COOKIE]

    foreign = await any_api.http.post("/auth/sign-out", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert await who(any_api) == "usr_ada"
    done = await post_form(any_api, "/auth/sign-out")

    assert (done.status_code, done.headers["Location"]) == (303, "/auth/sign-in")
    assert COOKIE not in any_api.http.cookies
    any_api.http.cookies.set(COOKIE, cookie)
    assert await who(any_api) is None
    assert await noted(any_api) == [("SIGN_IN", True, "usr_ada"), ("SIGN_OUT", True, "usr_ada")]
    assert (await post_form(any_api, "/auth/sign-out")).status_code == 303  # nobody is: no matter


async def test_pages_load_nothing_and_are_kept_by_nobody(api: Api) -> None:
    for path in ("/auth/sign-in", "/auth/link?token=x"):
        page = await api.http.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script|\son\w+=|style=", page.text)


async def test_who_cannot_sign_in_is_told_whom_to_ask(tmp_path: Path) -> None:
    async with opened(tmp_path, contact="data@lab.example") as api:
        page = await api.http.get("/auth/link?token=x")
        assert "ask data@lab.example" in page.text
        assert (await api.http.get("/auth/oidc/start")).headers["Location"] == "/auth/sign-in"
        assert (await api.http.get("/auth/oidc/callback?code=x&state=y")).status_code == 403


@pytest.mark.parametrize(
    "elsewhere",
    [
        *("//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "evil"),
        *("/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "", " /x", "/a b", "/é"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_not_gone_to(elsewhere: str) -> None:
    assert own_path(elsewhere) == "/"


@given(st.text("/\\:.@ \t\nab%?#é"))
def test_whatever_is_wanted_one_stays_on_the_site(wanted: str) -> None:
    path = own_path(wanted)
    assert path.startswith("/")
    assert path[1:2] not in {"/", "\\"}
    assert path.isascii()
    assert path.isprintable()


def test_the_command_prints_a_link_or_says_what_is_wrong(tmp_path: Path) -> None:
    async def prepared() -> None:
        async with opened(tmp_path) as api:
            await migrate(api.db)
            await ada(api)
            closed = a_user(user_id="usr_closed", disabled_at=now())
            await save(api.db, closed)

    async def entered(link: str) -> str | None:
        async with opened(tmp_path) as api:
            token = link.partition("token=")[2]
            assert (await post_form(api, "/auth/link", token=token)).status_code == 303
            return await who(api)

    asyncio.run(prepared())
    link = printed_link(tmp_path, "usr_ada", "https://lab.example/")
    assert link.startswith("https://lab.example/auth/link?token=")
    assert asyncio.run(entered(link)) == "usr_ada"
    for user_id, reason in (("usr_nobody", "There is no account"), ("usr_closed", "closed")):
        command = [sys.executable, "-m", "server", "sign-in", user_id, "--data-dir", str(tmp_path)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout) == (1, "")
        assert reason in run.stderr
