"""GraphiQL in a real browser that reaches this machine only. Pictures go to `artifacts/`."""

import re
import time
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import Visit, open_browser
from tests.conftest import LiveServer

pytestmark = pytest.mark.anyio

PICTURES = Path(__file__).parent.parent / "artifacts"
TABS = ["Experiments", "Room", "FirstRecords", "CreateExport", "WatchExport"]


async def sign_in(visit: Visit, server: LiveServer, who: str = "owner") -> Page:
    await visit.page.goto(f"{server.url}/graphiql#key={server.keys[who]}")
    await expect(visit.page.get_by_text("Signed in as")).to_be_visible()
    return visit.page


async def run(page: Page, tab: str) -> Locator:
    """Run the operation of a tab; return where its answer appears."""
    editor = page.get_by_label("Operation Editor")
    await expect(editor).to_contain_text("# ")  # the editor is there
    await page.get_by_role("tab", name=tab).click()
    await expect(editor).to_contain_text(tab)
    await page.get_by_role("button", name="Execute query (Ctrl-Enter)").click()
    return page.get_by_label("Result Window")


async def until_noticed(page: Page, text: str) -> None:
    """Wait until GraphiQL, which waits until the typing ends, has taken note of a text."""
    deadline = time.monotonic() + 10
    while text not in await page.evaluate("JSON.stringify(localStorage)"):
        assert time.monotonic() < deadline
        await page.wait_for_timeout(50)


async def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png")


def assert_nothing_amiss(visit: Visit) -> None:
    assert visit.errors == []
    assert visit.violations == []
    assert visit.requests_elsewhere == []


async def test_it_opens_with_five_operations_and_runs_a_query(live: LiveServer) -> None:
    async with open_browser() as visit:
        page = await sign_in(visit, live)
        assert [await tab.inner_text() for tab in await page.get_by_role("tab").all()] == TABS

        await expect(await run(page, "Experiments")).to_contain_text('"name": "Watching together"')
        await picture(page, "graphiql-query")
        await expect(await run(page, "Room")).to_contain_text('"roomId": "room_dyadvideo01_01"')
        await expect(await run(page, "FirstRecords")).to_contain_text('"eventType": ')
        assert_nothing_amiss(visit)


async def test_the_last_two_operations_make_an_export_and_watch_it(live: LiveServer) -> None:
    async with open_browser(color_scheme="dark") as visit:
        page = await sign_in(visit, live)
        created = await run(page, "CreateExport")
        await expect(created).to_contain_text('"userErrors": []')
        found = re.search(r'"id":\s*"(\w+)"', await created.inner_text())
        assert found is not None

        await page.get_by_role("tab", name="WatchExport").click()
        await page.get_by_label("Variables", exact=True).locator(".view-lines").first.click()
        for key in ("Control+Home", "ArrowDown", "End", "ArrowLeft"):  # into `"id": ""`
            await page.keyboard.press(key)
        await page.keyboard.insert_text(found[1])
        await until_noticed(page, found[1])
        watched = await run(page, "WatchExport")
        await expect(watched).to_contain_text('"status": "COMPLETED"', timeout=30_000)
        await expect(watched).to_contain_text('"downloadUrl": "http')
        await picture(page, "graphiql-subscription")
        assert_nothing_amiss(visit)


async def test_the_key_stays_with_the_tab_and_leaves_the_address(live: LiveServer) -> None:
    async with open_browser() as visit:
        page = await sign_in(visit, live)
        assert page.url == f"{live.url}/graphiql"

        await page.reload()

        await expect(page.get_by_text("Signed in as")).to_be_visible()
        assert live.keys["owner"] not in await page.evaluate("JSON.stringify(localStorage)")


async def test_without_a_key_it_says_that_one_is_needed_and_asks_nothing(live: LiveServer) -> None:
    async with open_browser() as visit:
        await visit.page.goto(f"{live.url}/graphiql")
        await expect(visit.page.get_by_text("API key", exact=True)).to_be_visible()
        await picture(visit.page, "graphiql-no-key")
        assert not [url for url in visit.requests if url.endswith("/graphql")]


async def test_a_wrong_key_is_answered_in_words(live: LiveServer) -> None:
    async with open_browser(width=390, height=844) as visit:
        await visit.page.goto(f"{live.url}/graphiql#key=hst_live_wrong")
        await expect(visit.page.get_by_text("not an API key of ours")).to_be_visible()
        await picture(visit.page, "graphiql-wrong-key")
