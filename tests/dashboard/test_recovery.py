"""What the page says, and does by itself, when the server, a session, a right or an export goes."""

import asyncio
import sqlite3

import pytest
from playwright.async_api import Page, expect

from tests.browser import open_browser
from tests.browsing import printed_link
from tests.dashboard.pages import accessible, screenshot, signed_in_page
from tests.dashboard.waiting import WaitingServer

pytestmark = pytest.mark.anyio

ROOM = "/experiments/exp_dyadvideo01/rooms/room_dyadvideo01_01"
GRANTS = """{ experiment(experimentId: "exp_dyadvideo01") {
  collaborators(first: 10) { nodes { id user { userId } } } } }"""
REVOKE = "mutation ($id: ID!) { collaboratorRevoke(id: $id) { userErrors { message } } }"
GRANT = """mutation { collaboratorGrant(experimentId: "exp_dyadvideo01", input: {
  userId: "usr_collaborator", canExport: true, anonymization: KEEP
}) { userErrors { message } } }"""


async def start_export(page: Page) -> None:
    await page.get_by_role("button", name="Download", exact=True).click()
    await page.get_by_role("button", name="Make the file").click()
    await expect(page.get_by_role("heading", name="Waiting for its turn")).to_be_visible()


async def test_a_restarted_server_and_a_closed_tab_lose_no_export(server: WaitingServer) -> None:
    async with signed_in_page(server.live, ROOM, allow_errors=True) as visit:
        page = visit.page
        await start_export(page)
        await page.evaluate("window.isStillThere = true")

        with server.away():
            await expect(page.get_by_text("The connection was lost")).to_be_visible()
            await screenshot(visit, "connection-lost")
            await accessible(visit)
        await expect(page.get_by_text("The connection was lost")).to_be_hidden()
        await expect(page.get_by_role("heading", name="Waiting for its turn")).to_be_visible()
        assert await page.evaluate("window.isStillThere")

        again = await page.context.new_page()  # as when the tab is closed, and the page opened
        await page.close()
        await again.goto(f"{server.url}/#key={server.keys['owner']}")
        await expect(again.get_by_role("heading", name="Waiting for its turn")).to_be_visible()
        async with again.expect_download() as awaited:
            with server.working():
                await expect(again.get_by_role("heading", name="The file is ready")).to_be_visible()
                assert (await awaited.value).suggested_filename.endswith(".zip")
        await again.reload()
        await expect(again.get_by_role("heading", name="The file is ready")).to_be_visible()


async def test_a_right_that_is_lost_is_said_and_an_export_can_be_tried_again(
    server: WaitingServer,
) -> None:
    async with signed_in_page(server.live, ROOM, who="collaborator", allow_errors=True) as visit:
        page = visit.page
        await start_export(page)
        shared = server.ask("owner", GRANTS)["experiment"]["collaborators"]["nodes"]
        for grant in shared:
            server.ask("owner", REVOKE, id=grant["id"])

        with server.working():
            await expect(page.get_by_role("heading", name="The export has failed")).to_be_visible()
            await expect(page.get_by_role("alert")).to_contain_text("Ask the experiment's owner")
            await screenshot(visit, "export-failed")
            await accessible(visit)
            await page.get_by_role("button", name="Try it again").click()
            await expect(page.get_by_text("may not be exported any more")).to_be_visible()

            server.ask("owner", GRANT)
            async with page.expect_download():
                await page.get_by_role("button", name="Try it again").click()
                await expect(page.get_by_role("heading", name="The file is ready")).to_be_visible()


async def test_a_session_that_has_ended_is_begun_again_over_what_is_shown(
    server: WaitingServer,
) -> None:
    async with open_browser() as visit:
        page = visit.page
        link = await asyncio.to_thread(printed_link, server.data_dir, "usr_owner", f"{server.url}")
        await page.goto(link)
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(f"{server.url}/settings/keys")
        await page.get_by_role("button", name="New key").click()
        await page.get_by_label("Name").fill("half made")

        with sqlite3.connect(server.data_dir / "hyperdata.db") as database:
            database.execute("DELETE FROM browser_session")
        await page.get_by_role("button", name="Make the key").click()
        await expect(page.get_by_role("heading", name="Sign in again")).to_be_visible()
        await screenshot(visit, "session-ended")
        await accessible(visit)
        await page.get_by_label("API key", exact=True).fill(server.keys["owner"])
        await page.get_by_role("button", name="Use the key").click()

        await expect(page.get_by_label("Name")).to_have_value("half made")
        await page.get_by_role("button", name="Make the key").click()
        await expect(page.get_by_text("It is shown this once")).to_be_visible()


async def test_a_table_says_that_the_server_is_away_and_comes_back(server: WaitingServer) -> None:
    async with signed_in_page(server.live, "/settings/keys", allow_errors=True) as visit:
        page = visit.page
        await expect(page.get_by_role("table", name="API keys")).to_be_visible()
        await page.get_by_role("link", name="Exports").click()
        await expect(page.get_by_role("heading", name="Exports")).to_be_visible()
        with server.away():
            await page.get_by_role("link", name="API keys").click()
            await expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
            await expect(page.get_by_role("table", name="API keys")).to_be_visible()  # as it was
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("alert")).to_be_hidden()
