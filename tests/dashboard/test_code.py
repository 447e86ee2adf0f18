""" "Use this in code": the scripts that are shown run, and read what is on screen."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.conftest import LiveServer
from tests.dashboard.pages import accessible, screenshot, signed_in_page

pytestmark = pytest.mark.anyio

ROOM = "/experiments/exp_dyadvideo01/rooms/room_dyadvideo01_01/data"
MEDIA = '{"category":{"contains":"media"}}'
COUNTS = """query ($filter: EventFilter) {
  experiments { totalCount }
  room(roomId: "room_dyadvideo01_01") {
    events(filter: $filter) { totalCount } continuousRatings { totalCount } } }"""


async def snippet(page: Page, language: str) -> str:
    await page.get_by_role("tab", name=language, exact=True).click()
    return await page.locator(".code-block").inner_text()


def run(text: str, path: Path, program: list[str], key: str) -> str:
    path.write_text(text)
    environment = {**os.environ, "HYPERDATA_API_KEY": key}
    environment.pop("HYPERDATA_URL", None)
    done = subprocess.run(
        [*program, str(path)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_scripts_read_to_the_end_what_is_on_screen(
    live: LiveServer, tmp_path: Path
) -> None:
    key = live.keys["owner"]
    body = {"query": COUNTS, "variables": {"filter": json.loads(MEDIA)}}
    answer = httpx2.post(f"{live.url}/graphql", json=body, headers={"X-API-Key": key})
    counts = answer.json()["data"]
    room = counts["room"]
    wanted = {
        "/": counts["experiments"]["totalCount"],
        f"{ROOM}/events?f={MEDIA}&sort=-onset": room["events"]["totalCount"],
        f"{ROOM}/continuous_ratings": room["continuousRatings"]["totalCount"],
    }
    async with signed_in_page(live) as visit:
        page = visit.page
        for number, (path, rows) in enumerate(wanted.items()):
            await page.goto(f"{live.url}{path}")
            await page.get_by_role("button", name="Use this in code").click()
            python = await snippet(page, "Python")
            script = await snippet(page, "JavaScript")
            r = await snippet(page, "R")
            assert key not in python + script + r
            if rows > 1_000:  # in several pages, so that the cursor is used
                python, script = (re.sub(r"first: \d+", "first: 1000", s) for s in (python, script))
            ran = await asyncio.gather(
                asyncio.to_thread(run, python, tmp_path / f"{number}.py", [sys.executable], key),
                asyncio.to_thread(run, script, tmp_path / f"{number}.mjs", ["node"], key),
            )
            assert set(ran) == {f"{rows} rows\n"}
            check_r(r)
        await screenshot(visit, "code")
        await accessible(visit)


async def test_the_command_takes_the_filter_along(live: LiveServer) -> None:
    async with signed_in_page(live, f"{ROOM}/events?f={MEDIA}") as visit:
        await visit.page.get_by_role("button", name="Use this in code").click()
        command = await snippet(visit.page, "Command line")
        assert "--room room_dyadvideo01_01" in command
        assert "--type events" in command
        assert f"--filter '{{\"events\":{MEDIA}}}'" in command
        await expect(visit.page.get_by_role("button", name="Copy")).to_be_visible()


def check_r(text: str) -> None:
    """R is not here: hold at least that its brackets close, and that its raw strings do."""
    code = re.sub(r'r"(-*)\((.*?)\)\1"', '""', text, flags=re.DOTALL)
    code = re.sub(r'"[^"\n]*"', '""', re.sub(r"#.*", "", code))
    for opening, closing in ("()", "{}", "[]"):
        assert code.count(opening) == code.count(closing) > 0
