"""What opening the dashboard costs, and what it may load."""

import httpx2
import pytest
from playwright.async_api import Response, expect

from tests.browser import open_browser
from tests.conftest import LiveServer

pytestmark = pytest.mark.anyio

MOST_SCRIPT_BYTES = 300_000
MOST_MS_TO_FIRST_ROW = 1500

FIRST_ROW = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('tbody tr[aria-rowindex]:not(.coming)')) return;
  observer.disconnect();
  requestAnimationFrame(() => { window.firstRowAt = performance.now(); });
}).observe(document, { childList: true, subtree: true });
"""


async def test_the_first_page_is_small_and_soon_there_on_a_slow_computer(live: LiveServer) -> None:
    async with open_browser() as visit:
        page = visit.page
        loaded: list[Response] = []
        page.on("response", lambda response: loaded.append(response))
        await page.add_init_script(FIRST_ROW)
        session = await page.context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        taken = []
        for _ in range(3):  # one of them without others in the way
            await page.goto("about:blank")
            await session.send("Network.clearBrowserCache")
            await page.goto(f"{live.url}/#key={live.keys['owner']}")
            await expect(page.get_by_role("link", name="Watching together")).to_be_visible()
            taken.append(await page.evaluate("window.firstRowAt"))
        scripts = {
            response.url: int(await response.header_value("content-length") or 0)
            for response in loaded
            if response.url.endswith(".js")
        }

        assert scripts
        assert all(scripts.values())
        assert sum(scripts.values()) < MOST_SCRIPT_BYTES
        assert min(taken) < MOST_MS_TO_FIRST_ROW
        assert visit.requests_elsewhere == []


@pytest.mark.parametrize("path", ["/", "/experiments/exp_1/rooms/room_1/live", "/exports"])
def test_the_policy_lets_pages_load_from_here_alone(live: LiveServer, path: str) -> None:
    answer = httpx2.get(f"{live.url}{path}")
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "media-src 'self' blob:" in policy
