"""Every view of levels and data, light and dark, wide and narrow: pictured, and accessible."""

import pytest
from playwright.async_api import expect

from tests.conftest import LiveServer
from tests.dashboard.pages import (
    NARROW,
    WIDE,
    Scheme,
    accessible,
    screenshot,
    signed_in_page,
)

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


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")]
)
async def test_views_are_accessible_and_show_nothing_amiss(
    live: LiveServer, size: tuple[int, int], scheme: Scheme
) -> None:
    async with signed_in_page(live, size=size, scheme=scheme) as visit:
        page = visit.page
        for view, path in VIEWS.items():
            await page.goto(f"{live.url}{path}")
            shown = page.locator("tbody tr[aria-rowindex]:not(.coming), .data-table .empty")
            await expect(shown.first).to_be_visible()
            await page.wait_for_load_state("networkidle")
            wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{view} is wider than the screen"
            await accessible(visit)
            await screenshot(visit, view)

        await page.goto(f"{live.url}{ROOM}/data/events")
        await page.get_by_role("button", name="Open the record").first.click()
        await expect(page.get_by_role("complementary", name="Record")).to_contain_text("eventId")
        await accessible(visit)
        await screenshot(visit, "record")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Filter", exact=True).click()
        await page.get_by_role("button", name="Response", exact=True).click()
        await accessible(visit)
        await screenshot(visit, "filter")
