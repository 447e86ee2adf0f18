"""OpenID Connect: who is let in, and what is not believed."""

from collections.abc import AsyncGenerator, Generator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlmodel import col

from server.records.sessions import Identity
from server.records.users import User
from server.settings import Settings
from server.timestamps import now
from tests.browsing import noted, signed_in, who
from tests.conftest import Api, opened
from tests.dishonest_provider import (
    CLIENT,
    SECRET,
    Provider,
    a_key,
    by_the_public_key,
    callback,
    running,
    unsigned,
)
from tests.factories import a_user, save

pytestmark = pytest.mark.anyio

PENDING = "hyperdata-signing-in"


@pytest.fixture
def provider() -> Generator[Provider]:
    with running() as provider:
        yield provider


def settings_for(provider: Provider, **changes: Any) -> dict[str, Any]:
    oidc = {
        "oidc_issuer": provider.url,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_name": "Lab <ID>",
        "contact": "data@lab.example",
    }
    return {**oidc, **changes}


@pytest.fixture
async def any_lab(tmp_path: Path, any_url: str, provider: Provider) -> AsyncGenerator[Api]:
    """A server over either kind of database, whose people sign in with the provider."""
    async with opened(tmp_path, database_url=any_url, **settings_for(provider)) as api:
        yield api


@pytest.fixture
async def lab(tmp_path: Path, provider: Provider) -> AsyncGenerator[Api]:
    async with opened(tmp_path, **settings_for(provider)) as api:
        yield api


async def ada(api: Api, **changes: Any) -> None:
    await save(api.db, a_user(user_id="usr_ada", email="Ada@lab.example", **changes))


async def sent(api: Api, goal: str = "/graphiql") -> str:
    """Begin to sign in; return where the browser is sent."""
    answer = await api.http.get("/auth/oidc/start", params={"next": goal})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def returned(api: Api, provider: Provider, **changes: str) -> httpx2.Response:
    """Sign in; return what is answered to a browser that comes back from the provider."""
    return await api.http.get(callback({**provider.answer(await sent(api)), **changes}))


def keep_only(api: Api, name: str, value: str) -> None:
    api.http.cookies.clear()
    api.http.cookies.set(name, value)


async def identities(api: Api) -> list[str]:
    async with api.db.read() as tx:
        return [subject for (subject,) in await tx.execute(select(col(Identity.subject)))]


async def test_who_has_the_verified_address_of_an_account_is_let_in(
    any_lab: Api, provider: Provider
) -> None:
    await ada(any_lab)
    page = await any_lab.http.get("/auth/sign-in", params={"next": "/graphiql?x"})
    assert "Sign in with Lab &lt;ID&gt;" in page.text
    assert 'href="/auth/oidc/start?next=%2Fgraphiql%3Fx"' in page.text

    answer = provider.answer(await sent(any_lab, "/graphiql?x"))
    entered = await any_lab.http.get(callback(answer))

    assert (entered.status_code, entered.headers["Location"]) == (303, "/graphiql?x")
    assert await who(any_lab) == "usr_ada"
    assert await identities(any_lab) == ["ada"]
    assert PENDING not in any_lab.http.cookies
    assert await noted(any_lab) == [("SIGN_IN", True, "usr_ada")]


async def test_who_was_let_in_once_is_known_by_another_address_too(
    any_lab: Api, provider: Provider
) -> None:
    await ada(any_lab)
    assert (await returned(any_lab, provider)).status_code == 303
    provider.claims = {"email": "lovelace@lab.example", "email_verified": False}
    any_lab.http.cookies.clear()

    assert (await returned(any_lab, provider)).status_code == 303

    assert await who(any_lab) == "usr_ada"
    assert await identities(any_lab) == ["ada"]


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email": "eve@lab.example"},
        {"email": None},
        {"email": ""},
    ],
    ids=str,
)
async def test_who_is_not_known_is_told_whom_to_ask(
    any_lab: Api, provider: Provider, claims: dict[str, Any]
) -> None:
    await ada(any_lab)
    await save(any_lab.db, a_user(email=None))
    provider.claims, provider.userinfo = claims, {"sub": "ada"}

    refused = await returned(any_lab, provider)

    assert refused.status_code == 403
    assert "There is no account for you here." in refused.text
    assert "ask data@lab.example" in refused.text
    assert await who(any_lab) is None
    assert await noted(any_lab) == [("SIGN_IN", False, None)]
    assert await identities(any_lab) == []


async def test_an_address_that_was_given_to_somebody_else_lets_nobody_in(
    any_lab: Api, provider: Provider
) -> None:
    await ada(any_lab)
    await returned(any_lab, provider)
    any_lab.http.cookies.clear()
    provider.claims = {"sub": "the next one to have the address"}

    refused = await returned(any_lab, provider)

    assert refused.status_code == 403
    assert await who(any_lab) is None


async def test_a_closed_account_stays_closed(any_lab: Api, provider: Provider) -> None:
    await ada(any_lab)
    await returned(any_lab, provider)
    any_lab.http.cookies.clear()
    async with any_lab.db.write() as tx:
        await tx.execute(update(User).values(disabled_at=now()))
    assert (await returned(any_lab, provider)).status_code == 403
    assert await who(any_lab) is None


async def test_an_operator_can_let_everybody_in(
    tmp_path: Path, any_url: str, provider: Provider
) -> None:
    settings = settings_for(provider, oidc_create=True, database_url=any_url)
    provider.claims = {"name": "Ada"}
    async with opened(tmp_path, **settings) as api:
        assert (await returned(api, provider)).status_code == 303
        first = await who(api)
        assert (await returned(api, provider)).status_code == 303
        assert await who(api) == first
        provider.claims = {"sub": "eve", "email_verified": False, "name": "Eve"}
        assert (await returned(api, provider)).status_code == 303
        columns = col(User.name), col(User.role), col(User.email)
        async with api.db.read() as tx:
            made = await tx.execute(select(*columns).order_by(col(User.name)))
            assert [tuple(row) for row in made] == [
                ("Ada", "RESEARCHER", "ada@lab.example"),
                ("Eve", "RESEARCHER", None),
            ]


async def test_an_address_is_also_asked_for_by_the_token(lab: Api, provider: Provider) -> None:
    await ada(lab)
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {"sub": "eve", "email": "ada@lab.example", "email_verified": True}
    assert (await returned(lab, provider)).status_code == 403  # it tells of somebody else
    provider.userinfo |= {"sub": "ada"}
    assert (await returned(lab, provider)).status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another request"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": ["another client"], "azp": CLIENT},
        {"aud": [CLIENT, "another client"]},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"at_hash": "x"},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_this_request_is_not_believed(
    lab: Api, provider: Provider, claims: dict[str, Any]
) -> None:
    await ada(lab)
    provider.claims = claims
    refused = await returned(lab, provider)
    assert refused.status_code == 403
    assert "could not be asked" in refused.text
    assert await who(lab) is None


async def test_a_token_by_another_key_is_not_believed(lab: Api, provider: Provider) -> None:
    await ada(lab)
    provider.sign = Provider(key=a_key(2)).signed
    assert (await returned(lab, provider)).status_code == 403


async def test_a_token_that_anybody_could_have_made_is_not_believed(
    lab: Api, provider: Provider
) -> None:
    await ada(lab)
    for sign in (partial(by_the_public_key, provider), unsigned):
        provider.sign = sign
        assert (await returned(lab, provider)).status_code == 403
        assert await who(lab) is None


async def test_an_answer_counts_once_and_where_it_was_asked_for(
    lab: Api, provider: Provider
) -> None:
    await ada(lab)
    asked = await sent(lab)
    kept = lab.http.cookies[PENDING]
    answer = provider.answer(asked)
    for changed in ({"state": "x"}, {"state": ""}, {"iss": "https://elsewhere.example"}):
        keep_only(lab, PENDING, kept)
        refused = await lab.http.get(callback({**answer, **changed}))
        assert refused.status_code == 403
        assert f'{PENDING}=""; HttpOnly; Max-Age=0' in refused.headers["Set-Cookie"]
    lab.http.cookies.clear()
    assert (await lab.http.get(callback(answer))).status_code == 403  # the browser kept nothing

    keep_only(lab, PENDING, kept)
    assert (await lab.http.get(callback(answer))).status_code == 303
    for _ in range(2):  # nor does it count again for whoever has kept the cookie, too
        keep_only(lab, PENDING, kept)
        assert (await lab.http.get(callback(answer))).status_code == 403
        assert await who(lab) is None


async def test_an_answer_to_another_browser_is_worth_nothing(lab: Api, provider: Provider) -> None:
    """An attacker's own answer, or one that they have caught, put into somebody's browser."""
    await ada(lab)
    theirs = provider.answer(await sent(lab))
    lab.http.cookies.clear()
    mine = provider.answer(await sent(lab))
    crossed = {"code": theirs["code"], "state": mine["state"]}
    assert (await lab.http.get(callback(crossed))).status_code == 403  # by PKCE
    assert await who(lab) is None


@pytest.mark.parametrize("cookie", ["", "x", "e30.x.x"])
async def test_a_cookie_that_we_did_not_make_is_not_believed(lab: Api, cookie: str) -> None:
    lab.http.cookies.set(PENDING, cookie)
    refused = await lab.http.get(callback({"code": "x", "state": ""}))
    assert refused.status_code == 403


async def test_who_does_not_agree_is_not_signed_in(lab: Api, provider: Provider) -> None:
    answer = provider.answer(await sent(lab))
    denied = {"error": "access_denied", "state": answer["state"]}
    refused = await lab.http.get(callback(denied))
    assert (refused.status_code, "did not say who you are" in refused.text) == (403, True)


async def test_nobody_is_sent_elsewhere_afterwards(lab: Api, provider: Provider) -> None:
    await ada(lab)
    answer = provider.answer(await sent(lab, "https://evil.example"))
    entered = await lab.http.get(callback(answer))
    assert entered.headers["Location"] == "/"


async def test_a_session_of_before_is_ended(lab: Api, provider: Provider) -> None:
    other = a_user(user_id="usr_bob")
    await save(lab.db, other)
    await ada(lab)
    await signed_in(lab, other)
    before = lab.http.cookies["hyperdata-session"]
    await returned(lab, provider)
    assert await who(lab) == "usr_ada"
    keep_only(lab, "hyperdata-session", before)
    assert await who(lab) is None


@pytest.mark.parametrize(
    "stated",
    [{"issuer": "https://elsewhere.example"}, {"token_endpoint": None}, {"jwks_uri": 5}],
)
async def test_a_provider_that_is_another_one_is_not_asked(
    lab: Api, provider: Provider, stated: dict[str, Any]
) -> None:
    provider.metadata = stated
    answer = await lab.http.get("/auth/oidc/start")
    assert answer.status_code == 502
    assert "tell the operator" in answer.text


async def test_a_provider_out_of_reach_is_said_to_be(tmp_path: Path) -> None:
    settings = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": CLIENT}
    async with opened(tmp_path, **settings) as api:
        assert (await api.http.get("/auth/oidc/start")).status_code == 502


async def test_the_provider_learns_who_asks_in_its_own_way(lab: Api, provider: Provider) -> None:
    await ada(lab)
    await returned(lab, provider)
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await returned(lab, provider)
    basic, posted = provider.credentials
    assert basic.startswith("Basic ")
    assert posted == SECRET


async def test_the_address_to_come_back_to_is_the_public_one(
    tmp_path: Path, provider: Provider
) -> None:
    settings = settings_for(provider, public_url="https://data.lab.example")
    async with opened(tmp_path, **settings) as api:
        answer = await api.http.get("/auth/oidc/start")
        asked = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert asked["redirect_uri"] == ["https://data.lab.example/auth/oidc/callback"]
        [cookie] = answer.headers.get_list("set-cookie")
        assert cookie.startswith(f"__Host-{PENDING}=")
        assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "settings",
    [
        {"oidc_issuer": "http://lab.example", "oidc_client_id": "x"},
        {"oidc_issuer": "lab.example", "oidc_client_id": "x"},
        {"oidc_issuer": "https://lab.example"},
    ],
)
def test_a_provider_that_cannot_be_trusted_is_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="HYPERDATA_OIDC"):
        Settings(**settings)
