"""Sessions of browsers: their cookie, what a change needs, and what is worth nothing."""

import hashlib
from pathlib import Path
from typing import Any

import httpx2
import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, update
from sqlmodel import col

from server.records.api_keys import ApiKey
from server.records.sessions import BrowserSession, SignInLink
from server.records.users import User
from server.timestamps import now
from tests.browsing import (
    CHANGE,
    COOKIE,
    OURS,
    VIEWER,
    a_link,
    asked,
    csrf_token,
    post_form,
    signed_in,
    who,
)
from tests.conftest import Api, opened
from tests.factories import Row, a_user, save

pytestmark = pytest.mark.anyio

EVIL = "https://evil.example"
STREAMS = ("text/event-stream", "multipart/mixed; subscriptionSpec=1.0, application/json")


async def a_saved_user(api: Api, **changes: Any) -> Row:
    user = a_user(**changes)
    await save(api.db, user)
    return user


def flags_of(answer: httpx2.Response) -> tuple[str, set[str]]:
    """Return the name and the flags of the one cookie that an answer sets."""
    [header] = answer.headers.get_list("set-cookie")
    cookie, *flags = header.split("; ")
    return cookie.partition("=")[0], {flag.lower() for flag in flags}


async def entering(api: Api, **headers: str) -> httpx2.Response:
    token = await a_link(api, await a_saved_user(api))
    return await api.http.post("/auth/link", data={"token": token}, headers=headers)


async def test_no_script_and_no_other_site_can_use_the_cookie(api: Api) -> None:
    name, flags = flags_of(await entering(api, **OURS))
    assert name == COOKIE
    assert flags == {"httponly", "samesite=lax", "path=/", "max-age=43200"}


async def test_over_https_the_cookie_is_for_https_and_this_host_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, public_url="https://lab.example", session_seconds=60) as api:
        name, flags = flags_of(await entering(api, Origin="https://lab.example:443"))
        assert name == f"__Host-{COOKIE}"
        assert flags == {"secure", "httponly", "samesite=lax", "path=/", "max-age=60"}
        assert (await entering(api, Origin="http://lab.example")).status_code == 403
        assert (await entering(api, Origin="https://lab.example:8443")).status_code == 403
        assert (await entering(api, Origin="http://test")).status_code == 403


async def test_over_https_a_cookie_without_the_prefix_does_not_count(tmp_path: Path) -> None:
    async with opened(tmp_path, public_url="https://lab.example") as api:
        await entering(api, Origin="https://lab.example")
        [cookie] = api.http.cookies.jar
        assert cookie.value is not None
        for name, status in ((COOKIE, 401), (f"__Host-{COOKIE}", 200)):
            headers = {"Cookie": f"{name}={cookie.value}"}
            api.http.cookies.clear()
            answer = await api.http.get("/auth/session", headers=headers)
            assert answer.status_code == status


async def test_a_page_learns_who_is_signed_in_and_until_when(any_api: Api) -> None:
    assert (await any_api.http.get("/auth/session")).status_code == 401
    user = await a_saved_user(any_api, name="Ada", role="ADMINISTRATOR")
    await signed_in(any_api, user)

    answer = await any_api.http.get("/auth/session")

    said = answer.json()
    assert said["user"] == {"userId": user["user_id"], "name": "Ada", "role": "ADMINISTRATOR"}
    assert said.keys() == {"user", "csrfToken", "expiresAt"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    for asked_by_get in (VIEWER, "{"):
        answer = await any_api.http.get("/graphql", params={"query": asked_by_get})
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_change_needs_the_token_and_a_page_of_ours(any_api: Api) -> None:
    token = {"X-CSRF-Token": await signed_in(any_api, await a_saved_user(any_api))}
    refused: list[dict[str, str]] = [
        {},
        OURS,
        token,
        OURS | {"X-CSRF-Token": ""},
        OURS | {"X-CSRF-Token": token["X-CSRF-Token"][:-1]},
        token | {"Origin": EVIL},
        token | {"Origin": "null"},
        token | {"Origin": "http://test.evil.example"},
        token | {"Origin": "http://test:8000"},
        token | {"Origin": "https://test"},
        token | {"Origin": "http://test:x"},
        token | {"Sec-Fetch-Site": "cross-site"},
        token | OURS | {"Sec-Fetch-Site": "same-site"},
        *({"Accept": f"{accept}, */*;q=0.1"} for accept in STREAMS),
    ]
    for headers in refused:
        assert await asked(any_api, CHANGE, **headers) == (403, "CSRF_REFUSED"), headers
        assert (await asked(any_api, VIEWER, **headers))[0] == 200
    for headers in (OURS, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "HTTP://TEST:80"}):
        assert (await asked(any_api, CHANGE, **token, **headers))[0] == 200


async def test_of_several_operations_the_one_that_is_run_counts(api: Api) -> None:
    await signed_in(api, await a_saved_user(api))
    document = f"query a {VIEWER} {CHANGE.replace('mutation', 'mutation b')}"
    for name, status in (("a", 200), ("b", 403)):
        body = {"query": document, "operationName": name}
        answer = await api.http.post("/graphql", json=body, headers=OURS)
        assert answer.status_code == status


async def test_a_form_or_an_address_of_another_site_changes_nothing(api: Api) -> None:
    """What a browser sends without asking first: SameSite would keep the cookie back, too."""
    token = {"X-CSRF-Token": await signed_in(api, await a_saved_user(api))}
    body = f'{{"query": "{CHANGE}", "x": "'.replace('"x"', r"\"x\"") + '"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await api.http.post("/graphql", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 415
    for headers in ({}, OURS | token):
        answer = await api.http.get("/graphql", params={"query": CHANGE}, headers=headers)
        assert answer.status_code == 405


async def test_a_token_is_worth_nothing_with_another_session(any_api: Api) -> None:
    theirs = await signed_in(any_api, await a_saved_user(any_api))
    any_api.http.cookies.clear()
    user = await a_saved_user(any_api)
    await signed_in(any_api, user)
    assert await asked(any_api, CHANGE, **OURS, **{"X-CSRF-Token": theirs}) == (403, "CSRF_REFUSED")


async def test_a_key_goes_before_the_cookie_and_needs_no_token(any_api: Api) -> None:
    signed, holder = await a_saved_user(any_api), await a_saved_user(any_api)
    await signed_in(any_api, signed)
    key = {"X-API-Key": await any_api.key_of(holder.key)}

    [viewer] = (await asked(any_api, VIEWER, **key))[1].values()
    assert viewer["userId"] == holder["user_id"]
    assert (await asked(any_api, CHANGE, **key, Origin=EVIL))[0] == 200
    assert (await asked(any_api, VIEWER, **{"X-API-Key": "hst_live_wrong"}))[0] == 401


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (BrowserSession, {"expires_at": 1}),
        (BrowserSession, {"revoked_at": 1}),
        (User, {"disabled_at": 1}),
    ],
)
async def test_a_session_that_is_over_is_worth_nothing(
    any_api: Api, table: Any, values: dict[str, int]
) -> None:
    await signed_in(any_api, await a_saved_user(any_api))
    assert (await asked(any_api, VIEWER))[0] == 200
    async with any_api.db.write() as tx:
        await tx.execute(update(table).values(values))
    assert await asked(any_api, VIEWER) == (401, "UNAUTHENTICATED")
    assert await who(any_api) is None


async def test_a_cookie_that_we_did_not_make_is_worth_nothing(api: Api, tmp_path: Path) -> None:
    await signed_in(api, await a_saved_user(api))
    made = api.http.cookies[COOKIE]
    payload, _, signature = made.partition(".")
    secret = (tmp_path / "secret").read_text()
    session = URLSafeTimedSerializer("x").load_payload(payload.encode())
    forged = {
        "unsigned": payload,
        "bare": session,
        "changed": f"{payload[:-1]}x.{signature}",
        "cut": made[:-1],
        "by another secret": _signed("another", session, COOKIE),
        "for another purpose": _signed(secret, session, "hyperdata-signing-in"),
        "of a session that never was": _signed(secret, "x", COOKIE),
        "not a text": _signed(secret, {"session": session}, COOKIE),
        "nothing": "",
    }
    for what, cookie in forged.items():
        api.http.cookies.clear()
        api.http.cookies.set(COOKIE, cookie)
        assert (await asked(api, VIEWER))[0] == 401, what
        assert await who(api) is None, what


def _signed(secret: str, value: object, purpose: str) -> str:
    signer = URLSafeTimedSerializer(
        secret, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256}
    )
    return str(signer.dumps(value))


async def test_what_is_in_the_database_signs_nobody_in(any_api: Api) -> None:
    user = await a_saved_user(any_api)
    token = await a_link(any_api, user)
    await signed_in(any_api, user)
    async with any_api.db.read() as tx:
        rows: list[Any] = []
        for table in (SignInLink, BrowserSession, ApiKey, User):
            rows += [list(row) for row in await tx.execute(select(table))]
    texts = {value for row in rows for value in row if isinstance(value, str)}
    cookie = any_api.http.cookies[COOKIE]
    session = URLSafeTimedSerializer("x").load_payload(cookie.partition(".")[0].encode())
    assert not texts & {token, cookie, session}
    any_api.http.cookies.clear()
    for text in texts:
        assert (await post_form(any_api, "/auth/link", token=text)).status_code == 403
        any_api.http.cookies.set(COOKIE, text)
        assert await who(any_api) is None


async def test_sessions_that_are_over_are_not_kept_for_ever(any_api: Api) -> None:
    user = await a_saved_user(any_api)
    for _ in range(3):
        await signed_in(any_api, user)
        async with any_api.db.write() as tx:
            await tx.execute(update(BrowserSession).values(expires_at=now() - 1))
            await tx.execute(update(SignInLink).values(expires_at=now() - 1))
    async with any_api.db.read() as tx:
        kept = (await tx.execute(select(col(BrowserSession.id)))).all()
        links = (await tx.execute(select(col(SignInLink.id)))).all()
    assert (len(kept), len(links)) == (1, 1)


async def test_the_token_is_the_same_for_as_long_as_the_session(api: Api) -> None:
    token = await signed_in(api, await a_saved_user(api))
    assert await csrf_token(api) == token
