"""A million ratings: the table opens at once, and holds no more of them than one sees."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.conftest import LiveServer, serving
from tests.dashboard.million import RATINGS, ROOM, add_ratings
from tests.dashboard.pages import signed_in_page

pytestmark = pytest.mark.anyio

# Bytes that the page may hold more after most of a million rows than after the first of them.
MOST_GROWTH = 8_000_000

TO_THE_ROW = """
(goal) => new Promise((done) => {
  const table = document.querySelector('.data-table');
  const step = () => {
    table.scrollTop = table.scrollHeight;
    const last = [...table.querySelectorAll('tr[aria-rowindex]:not(.coming)')].at(-1);
    const reached = Number(last?.getAttribute('aria-rowindex'));
    if (reached >= goal) done(reached);
    else requestAnimationFrame(step);
  };
  step();
})
"""


SHOWN = "tbody tr[aria-rowindex]:not(.coming)"
"""Rows whose values have come."""


@dataclass(frozen=True)
class Crowded:
    """A server, and who has a million ratings there."""

    server: LiveServer
    participant: str


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Crowded]:
    folder: Path = tmp_path_factory.mktemp("million")
    with serving(folder) as server:
        yield Crowded(server, add_ratings(folder / "hyperdata.db"))


async def held(session: CDPSession) -> tuple[int, int]:
    """Return the bytes and the nodes that the page holds, once what is over is gone."""
    await session.send("HeapProfiler.collectGarbage")
    heap = await session.send("Runtime.getHeapUsage")
    nodes = await session.send("Memory.getDOMCounters")
    return heap["usedSize"], nodes["nodes"]


async def rows_of(page: Page) -> list[tuple[int, int]]:
    """Return the number of each row in view, and its onset."""
    found = await page.locator(SHOWN).evaluate_all(
        """(rows) => rows.map((row) => [
          Number(row.getAttribute('aria-rowindex')),
          Number(row.cells[1].innerText.replaceAll(',', '')),
        ])"""
    )
    return [(number, onset) for number, onset in found]


async def test_memory_stays_flat_over_a_million_rows(crowded: Crowded) -> None:
    place = f"/experiments/exp_dyadvideo01/rooms/{ROOM}/participants/{crowded.participant}"
    async with signed_in_page(crowded.server, f"{place}/continuous_ratings") as visit:
        page = visit.page
        await expect(page.get_by_role("status").get_by_text("1,000,000")).to_be_visible()
        session = await page.context.new_cdp_session(page)
        await page.evaluate(TO_THE_ROW, 50_000)
        bytes_before, nodes_before = await held(session)

        async with asyncio.timeout(240):
            await page.evaluate(TO_THE_ROW, RATINGS)

        bytes_after, nodes_after = await held(session)
        assert bytes_after - bytes_before < MOST_GROWTH
        assert nodes_after < 2 * nodes_before
        await expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", f"{RATINGS + 1}")

        last = page.locator(f"tr[aria-rowindex='{RATINGS + 1}']")
        await expect(last).to_be_visible()
        await page.locator(".data-table").evaluate("(table) => { table.scrollTop -= 200_000; }")
        await expect(last).to_have_count(0)
        await expect(page.locator(SHOWN).nth(10)).to_be_visible()
        await expect(page.locator("tr.coming")).to_have_count(0)
        shown = await rows_of(page)
        assert len(shown) > 10
        assert {onset - 100 * number for number, onset in shown} == {
            shown[0][1] - 100 * shown[0][0]
        }
