"""Measures how long one waits for a participant's ratings to be drawn, and for each zoom."""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from playwright.async_api import Page

from bench.retention.filled import filled
from bench.sections import keep, number, spread, table
from bench.serving import serving
from tests.browser import open_browser

MOST_SECONDS = 1.0
PERSON = f"person{0:022}"
TAB = f"/experiments/exp_1/rooms/room_1/participants/{PERSON}/continuous_ratings"
ZOOMS = 8
NOTE = "figure .figure-note"
OPEN = "path => history.pushState(null, '', path)"
"""As a link of the page does it, which is loaded already."""
DRAWN = """
(before) => {
  const figure = document.querySelector('figure[aria-busy=false]');
  const note = figure?.querySelector('.figure-note')?.textContent;
  return Boolean(figure?.querySelector('canvas')) && note !== undefined && note !== before;
}
"""


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.dashboard", description=__doc__)
    options.add_argument("--ratings", type=int, default=5_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-dashboard-"))
    try:
        key = filled(folder, given.ratings)
        with serving(folder) as (url, _):
            rounds = [asyncio.run(measure(url, key)) for _ in range(given.rounds)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = report(given.ratings, rounds)
    print(text)
    if given.write:
        keep("Dashboard", text)
    slowest = max(max(steps) for steps in rounds)
    if slowest > MOST_SECONDS:
        sys.exit(f"A step took {slowest:.2f} s; none may take more than {MOST_SECONDS} s.")


async def measure(url: str, key: str) -> list[float]:
    """Return seconds: of opening the tab of somebody signed in, then of each zoom in turn."""
    async with open_browser() as visit:
        page = visit.page
        await page.goto(f"{url}/settings/keys#key={key}")
        await page.get_by_role("banner").wait_for()
        steps = [await timed(page, page.evaluate(OPEN, TAB), "")]
        slider = page.locator("figure [role=slider]")
        await slider.focus()
        for _ in range(ZOOMS):
            before = await page.locator(NOTE).inner_text()
            steps.append(await timed(page, page.keyboard.press("+"), before))
        return steps


async def timed(page: Page, doing: Awaitable[object], before: str) -> float:
    """Return the seconds until other buckets than before are drawn."""
    began = time.perf_counter()
    await doing
    await page.wait_for_function(DRAWN, arg=before, polling="raf")
    return time.perf_counter() - began


def report(ratings: int, rounds: list[list[float]]) -> str:
    opening = [steps[0] * 1000 for steps in rounds]
    zooms = [step * 1000 for steps in rounds for step in steps[1:]]
    lines = [
        ["opening the tab", spread(opening), number(max(opening))],
        [f"a zoom, {ZOOMS} in a row", number(statistics.median(zooms)), number(max(zooms))],
    ]
    return f"""`make bench-dashboard`: {ratings:,} continuous ratings of 50 people in one room,
on SQLite; one of them opened in headless Chromium and zoomed into, from a click to the drawn plot.

{table(["ms", "median", "slowest"], lines)}"""


if __name__ == "__main__":
    main()
