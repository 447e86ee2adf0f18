"""Who is there: by a key, by a session, and what happens when it ends."""

import asyncio
import re
from typing import Any

import httpx2
import pytest
from playwright.async_api import expect

from tests.browser import open_browser
from tests.browsing import printed_link
from tests.conftest import LiveServer
from tests.dashboard.pages import accessible, screenshot, signed_in_page

pytestmark = pytest.mark.anyio

ROOMS = "/experiments/exp_dyadvideo01"


def a_key(server: LiveServer) -> tuple[str, str]:
    """Return a new key of the owner's, and its id."""
    made = mutation(
        server,
        'apiKeyCreate(input: {name: "short", scopes: ["read:*"]})'
        " { secret apiKey { id } userErrors { message } }",
    )["apiKeyCreate"]
    return made["secret"], made["apiKey"]["id"]


def mutation(server: LiveServer, field: str) -> Any:
    headers = {"X-API-Key": server.keys["owner"]}
    body = {"query": f"mutation {{ {field} }}"}
    return httpx2.post(f"{server.url}/graphql", json=body, headers=headers).json()["data"]


async def test_a_key_is_taken_out_of_the_address_and_forgotten_on_leaving(
    live: LiveServer,
) -> None:
    async with open_browser() as visit:
        page = visit.page
        await page.goto(live.url)
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert not [url for url in visit.requests if url.endswith("/graphql")]
        await accessible(visit)
        await screenshot(visit, "sign-in")
        await page.get_by_label("API key").fill("hst_live_wrong")
        await page.get_by_role("button", name="Use the key").click()
        await expect(page.get_by_role("alert")).to_contain_text("not an API key of ours")

        await page.goto(f"{live.url}/#key={live.keys['owner']}")
        await page.get_by_role("button", name="Account: Dr. Ada Okonkwo").click()
        assert page.url == f"{live.url}/"
        assert live.keys["owner"] not in await page.evaluate("JSON.stringify(localStorage)")
        await page.get_by_role("button", name="Forget the key").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert visit.violations == []


async def test_one_signs_in_by_a_link_and_out_again(live: LiveServer) -> None:
    async with open_browser() as visit:
        page = visit.page
        link = await asyncio.to_thread(printed_link, live.data_dir, "usr_owner", live.url)
        await page.goto(link)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("link", name="Watching together")).to_be_visible()
        await page.get_by_role("button", name="Account: Dr. Ada Okonkwo").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("API key")).to_be_visible()
        await page.goto(f"{live.url}{ROOMS}")
        way = page.get_by_role("link", name="Sign in with this browser")
        await expect(way).to_have_attribute("href", re.compile("next=%2Fexperiments%2F"))
        assert visit.violations == []


async def test_a_key_that_is_revoked_asks_to_sign_in_and_leaves_the_page(
    live: LiveServer,
) -> None:
    key, key_id = await asyncio.to_thread(a_key, live)
    async with signed_in_page(live, allow_errors=True) as visit:
        page = visit.page
        await page.goto(f"{live.url}{ROOMS}#key={key}")
        await page.get_by_label("Choose room_dyadvideo01_03").check()
        await asyncio.to_thread(
            mutation, live, f'apiKeyRevoke(id: "{key_id}") {{ userErrors {{ message }} }}'
        )
        await page.get_by_role("button", name="Refresh").click()
        dialog = page.get_by_role("dialog", name="Sign in again")
        await expect(dialog).to_be_visible()
        await accessible(visit)
        await screenshot(visit, "sign-in-again")

        await dialog.get_by_label("API key").fill(live.keys["owner"])
        await dialog.get_by_role("button", name="Use the key").click()

        await expect(dialog).to_have_count(0)
        await expect(page.get_by_label("Choose room_dyadvideo01_03")).to_be_checked()
        await expect(page.get_by_role("link", name="room_dyadvideo01_08")).to_be_visible()
        assert page.url == f"{live.url}{ROOMS}"
