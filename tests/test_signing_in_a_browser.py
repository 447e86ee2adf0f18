"""Signing in with a real browser and a real OpenID Connect provider, both on this machine."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.browser import Visit, open_browser
from tests.browsing import COOKIE, printed_link
from tests.conftest import LiveServer, answering, free_port
from tests.test_graphiql import picture, run

pytestmark = pytest.mark.anyio

ADA: dict[str, Any] = {
    "sub": "ada-at-the-lab",
    "email": "owner@example.org",
    "email_verified": True,
}
EVE: dict[str, Any] = {"sub": "eve-at-the-lab", "email": "eve@example.org", "email_verified": True}


@contextmanager
def providing() -> Generator[str]:
    """Run a provider that knows two people; give its address."""
    port = free_port()
    people = [f"--user-claims={json.dumps(claims)}" for claims in (ADA, EVE)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people]
    process = subprocess.Popen([*command, "--require-nonce", "true"], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while not _answers(f"{url}/.well-known/openid-configuration"):
            assert process.poll() is None, "the provider ended before it answered"
            assert time.monotonic() < deadline, "the provider does not answer"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="module")
def lab(live: LiveServer) -> Generator[LiveServer]:
    """A second server over the data of the live one, whose people sign in with a provider."""
    with providing() as issuer:
        settings = {
            "HYPERDATA_OIDC_ISSUER": issuer,
            "HYPERDATA_OIDC_CLIENT_ID": "hyperdata",
            "HYPERDATA_OIDC_CLIENT_SECRET": "secret",
            "HYPERDATA_OIDC_NAME": "the Lab",
            "HYPERDATA_CONTACT": "data@lab.example",
        }
        port = free_port()
        command = ("serve", "--port", str(port), "--data-dir", str(live.data_dir))
        with answering(port, *command, environment=settings) as process:
            yield LiveServer(f"http://127.0.0.1:{port}", live.keys, live.data_dir, process)


async def with_provider(page: Page, lab: LiveServer, who: str) -> None:
    """Sign in as people do, from GraphiQL on."""
    await page.goto(f"{lab.url}/graphiql")
    await page.get_by_role("link", name="sign in").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await picture(page, "sign-in")
    await page.get_by_role("link", name="Sign in with the Lab").click()
    await page.get_by_role("button", name=who).click()


async def with_link(page: Page, server: LiveServer) -> None:
    link = await asyncio.to_thread(printed_link, server.data_dir, "usr_owner", server.url)
    await page.goto(link)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Account: Dr. Ada Okonkwo")).to_be_visible()
    await page.goto(f"{server.url}/graphiql")
    await expect(page.get_by_text("Signed in as Dr. Ada Okonkwo")).to_be_visible()


async def cookies_of(visit: Visit) -> dict[str, Any]:
    return {cookie["name"]: cookie for cookie in await visit.page.context.cookies()}


def assert_nothing_amiss(visit: Visit) -> None:
    """Check that our pages do what they want, and nothing elsewhere: the provider's page does."""
    assert visit.violations == []
    assert not [url for url in visit.requests_elsewhere if "picocss" not in url]
    assert not [error for error in visit.errors if "Failed to load resource" not in error]


async def test_with_a_provider_one_signs_in_works_and_signs_out(lab: LiveServer) -> None:
    async with open_browser() as visit:
        page = visit.page
        await with_provider(page, lab, ADA["sub"])
        await expect(page.get_by_text("Signed in as Dr. Ada Okonkwo")).to_be_visible()
        assert page.url == f"{lab.url}/graphiql"
        cookies = await cookies_of(visit)
        cookie = cookies[COOKIE]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, False, "Lax")
        assert await page.evaluate("document.cookie") == ""

        await expect(await run(page, "Experiments")).to_contain_text('"name": "Watching together"')
        await expect(await run(page, "CreateExport")).to_contain_text('"userErrors": []')
        await picture(page, "graphiql-signed-in")
        await page.get_by_role("button", name="Sign out").click()

        await expect(page.get_by_role("link", name="Sign in with the Lab")).to_be_visible()
        assert COOKIE not in await cookies_of(visit)
        await page.goto(f"{lab.url}/graphiql")
        await expect(page.get_by_text("Give an API key")).to_be_visible()
        assert_nothing_amiss(visit)


async def test_whom_nobody_knows_is_told_whom_to_ask(lab: LiveServer) -> None:
    async with open_browser(color_scheme="dark") as visit:
        await with_provider(visit.page, lab, EVE["sub"])
        await expect(visit.page.get_by_text("ask data@lab.example")).to_be_visible()
        await picture(visit.page, "sign-in-refused")
        assert COOKIE not in await cookies_of(visit)
        assert_nothing_amiss(visit)


async def test_a_link_and_a_key_need_no_provider(live: LiveServer) -> None:
    async with open_browser(width=390, height=844) as visit:
        page = visit.page
        await with_link(page, live)
        await page.goto(f"{live.url}/auth/sign-in")
        await expect(page.get_by_text("Dr. Ada Okonkwo")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_label("API key").fill("hst_live_wrong")
        await page.get_by_role("button", name="Sign in with the key").click()
        await expect(page.get_by_role("alert")).to_contain_text("not an API key of ours")
        await picture(page, "sign-in-wrong-key")
        await page.get_by_label("API key").fill(live.keys["administrator"])
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Account: Lab office")).to_be_visible()
        assert_nothing_amiss(visit)


async def test_a_key_in_the_address_goes_before_the_session(live: LiveServer) -> None:
    async with open_browser() as visit:
        await with_link(visit.page, live)
        await visit.page.goto(f"{live.url}/graphiql#key={live.keys['collaborator']}")
        await expect(visit.page.get_by_text("Signed in as Björn Lindqvist")).to_be_visible()


EVIL = """<!doctype html><title>evil</title><iframe name="there"></iframe>
<form method="post" enctype="text/plain" action="{url}/graphql" target="there">
<input name='{body}' value=''></form>
<form method="post" action="{url}/auth/sign-out" target="there"></form>
<script>
window.attack = async () => {{
  const body = {body!r};
  const options = {{ method: 'POST', mode: 'no-cors', credentials: 'include', body }};
  const sent = await fetch('{url}/graphql', options).then(() => 'opaque', () => 'withheld');
  const asJson = {{ ...options, mode: 'cors', headers: {{ 'Content-Type': 'application/json' }} }};
  const answered = await fetch('{url}/graphql', asJson).then(() => 'answered', () => 'refused');
  const read = await fetch('{url}/auth/session', {{ credentials: 'include' }})
    .then(() => 'read', () => 'refused');
  const socket = new WebSocket('{socket}', 'graphql-transport-ws');
  const heard = [];
  socket.onmessage = ({{ data }}) => {{ heard.push(data); socket.close(); }};
  socket.onopen = () => socket.send('{{"type": "connection_init"}}');
  const code = await new Promise((resolve) => socket.onclose = (event) => resolve(event.code));
  for (const form of document.forms) {{
    const loaded = new Promise((resolve) => document.querySelector('iframe').onload = resolve);
    form.submit();
    await loaded;
  }}
  return {{ sent, answered, read, heard, code }};
}};
</script>"""


@contextmanager
def attacking(url: str) -> Generator[int]:
    """Serve a page that tries all that a page can; give its port."""
    create = (
        'mutation{exportCreate(input:{experimentIds:["exp_dyadvideo01"],format:CSV}){export{id}}}'
    )
    body = json.dumps({"query": create})
    socket = url.replace("http", "ws", 1) + "/graphql"
    page = EVIL.format(url=url, socket=socket, body=body).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_page_of_another_origin_or_site_changes_nothing(
    live: LiveServer, host: str
) -> None:
    """That of the same host is sent the cookie, SameSite or not: ports make no other site."""
    with attacking(live.url) as port:
        async with open_browser() as visit:
            await with_link(visit.page, live)
            before = exports_of(live)
            await visit.page.goto(f"http://{host}:{port}/")

            found = await visit.page.evaluate("attack()")

            assert found == {
                "sent": "withheld",
                "answered": "refused",
                "read": "refused",
                "heard": [],
                "code": 4403,
            }
            assert exports_of(live) == before
            await visit.page.goto(f"{live.url}/graphiql")
            await expect(visit.page.get_by_text("Signed in as Dr. Ada Okonkwo")).to_be_visible()


def exports_of(server: LiveServer) -> int:
    body = {"query": "{ exports { totalCount } }"}
    headers = {"X-API-Key": server.keys["owner"]}
    answer = httpx2.post(f"{server.url}/graphql", json=body, headers=headers)
    count: int = answer.json()["data"]["exports"]["totalCount"]
    return count
