"""A page of the dashboard in a real Chromium: signed in, pictured, and looked over by axe."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import expect

from tests.browser import WEB, Visit, open_browser
from tests.conftest import LiveServer

PICTURES = Path(__file__).parent.parent.parent / "artifacts" / "screenshots"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = (1280, 800), (390, 844)

Scheme = Literal["light", "dark"]

FINDINGS = """
async (only) => {
  const runOnly = only.length > 0 ? { runOnly: { type: 'rule', values: only } } : {};
  const { violations } = await axe.run(document, { resultTypes: ['violations'], ...runOnly });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((n) => n.html).join(' | ')})`);
}
"""


@asynccontextmanager
async def signed_in_page(
    server: LiveServer,
    path: str = "/",
    *,
    who: str = "owner",
    size: tuple[int, int] = WIDE,
    scheme: Scheme = "light",
    allow_errors: bool = False,
) -> AsyncGenerator[Visit]:
    """Open a path as one of the demo's people; nothing may be amiss at the end.

    `allow_errors` lets the console tell of errors, which a test makes on purpose.
    """
    width, height = size
    async with open_browser(width=width, height=height, color_scheme=scheme) as visit:
        await visit.page.goto(f"{server.url}{path}#key={server.keys[who]}")
        await expect(visit.page.get_by_role("banner")).to_be_visible()
        yield visit
        assert visit.violations == []
        assert visit.requests_elsewhere == []
        assert allow_errors or visit.errors == []


async def screenshot(visit: Visit, view: str) -> None:
    """Keep a picture as `<view>-<light|dark>-<wide|narrow>.png`, in a folder that git ignores."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    size = visit.page.viewport_size
    width = "wide" if size is None or size["width"] > NARROW[0] else "narrow"
    is_dark = await visit.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    name = f"{view}-{'dark' if is_dark else 'light'}-{width}.png"
    await visit.page.screenshot(path=PICTURES / name)


async def accessible(visit: Visit, *only: str) -> None:
    """Hold that axe finds nothing serious or critical on the page as it is.

    `only` names the rules to look at, such as `color-contrast` after a change of colours.
    """
    if not await visit.page.evaluate("'axe' in window"):
        await visit.page.evaluate(AXE.read_text())  # evaluated, so that no policy is in its way
    found: Any = await visit.page.evaluate(FINDINGS, only)
    assert found == [], "\n".join(found)
