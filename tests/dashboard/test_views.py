"""Every view of levels and data, light and dark, wide and narrow: pictured, and accessible."""

import pytest
from playwright.async_api import expect

from tests.browser import Visit
from tests.conftest import LiveServer
from tests.dashboard.pages import NARROW, WIDE, accessible, screenshot, signed_in_page

pytestmark = pytest.mark.anyio

EXPERIMENT = "/experiments/exp_dyadvideo01"
ROOM = f"{EXPERIMENT}/rooms/room_dyadvideo01_01"
TABS = ("events", "recordings", "chat_messages", "continuous_ratings", "sparse_ratings")
VIEWS = {
    "experiments": "/",
    "rooms": EXPERIMENT,
    "participants": f"{EXPERIMENT}/participants",
    "room": ROOM,
    **{tab: f"{ROOM}/data/{tab}" for tab in (*TABS, "sync_metrics", "components")},
    "none-like-that": f"{ROOM}/data/events?q=nothing-like-that",
}


async def pictured(visit: Visit, view: str) -> None:
    """Picture a view, light and dark, and hold that it is accessible in both."""
    await visit.page.emulate_media(color_scheme="light")
    await accessible(visit)
    await screenshot(visit, view)
    await visit.page.emulate_media(color_scheme="dark")
    await accessible(visit, "color-contrast")
    await screenshot(visit, view)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_views_are_accessible_and_fit_the_screen(
    live: LiveServer, size: tuple[int, int]
) -> None:
    async with signed_in_page(live, size=size) as visit:
        page = visit.page
        for view, path in VIEWS.items():
            await page.goto(f"{live.url}{path}")
            shown = page.locator("tbody tr[aria-rowindex]:not(.coming), .data-table .empty")
            await expect(shown.first).to_be_visible()
            await expect(page.locator("tr.coming")).to_have_count(0)
            wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{view} is wider than the screen"
            await pictured(visit, view)

        await page.goto(f"{live.url}{ROOM}/data/events")
        await page.get_by_role("button", name="Open the record").first.click()
        await expect(page.get_by_role("complementary", name="Record")).to_contain_text("eventId")
        await pictured(visit, "record")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Filter", exact=True).click()
        await page.get_by_role("button", name="Response", exact=True).click()
        await pictured(visit, "filter")
