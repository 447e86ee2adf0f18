"""A newcomer's path: from the sign-in to a file that holds what the screen showed."""

import asyncio
import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import open_browser
from tests.dashboard.pages import accessible, screenshot
from tests.dashboard.waiting import WaitingServer

pytestmark = pytest.mark.anyio

ROOM = "room_dyadvideo01_01"
EVENTS = """query ($room: String!, $filter: EventFilter) { room(roomId: $room) {
  events(first: 1000, filter: $filter) { nodes { eventId participantId } } } }"""


async def test_a_newcomer_finds_looks_filters_and_takes_it_home(
    server: WaitingServer, tmp_path: Path
) -> None:
    async with open_browser() as visit:
        page = visit.page
        await page.goto(server.url)
        await page.get_by_label("API key").fill(server.keys["owner"])
        await page.get_by_role("button", name="Use the key").click()
        await page.get_by_role("link", name="Watching together").click()
        await page.get_by_role("link", name=ROOM).click()
        await page.get_by_role("link", name="Data", exact=True).click()

        await page.get_by_role("link", name="Continuous ratings").click()
        await expect(page.locator(".uplot")).to_be_visible()
        people = {each["participantId"] for each in await events_of(server, None)}
        assert len(people) == 2
        for person in people:
            await expect(page.get_by_text(person[:8]).first).to_be_visible()
        await screenshot(visit, "newcomer-ratings")

        await page.get_by_role("link", name="Events", exact=False).first.click()
        await page.get_by_role("button", name="Filter Category").click()
        await page.get_by_label("Value", exact=True).fill("media")
        await page.get_by_role("button", name="Apply").click()
        wanted = {each["eventId"] for each in await events_of(server, "media")}
        await expect(page.get_by_text(f"{len(wanted)} events", exact=True)).to_be_visible()

        await start_export(page)
        await expect(page.get_by_role("heading", name="Waiting for its turn")).to_be_visible()
        await screenshot(visit, "export-waiting")
        await accessible(visit)
        await page.get_by_role("button", name="Cancel the export").click()
        await expect(page.get_by_role("heading", name="Canceled")).to_be_visible()
        await page.get_by_role("button", name="Close", exact=True).last.click()

        await start_export(page)
        await expect(page.get_by_role("heading", name="Waiting for its turn")).to_be_visible()
        async with page.expect_download() as awaited:
            with server.working():
                await expect(page.get_by_role("heading", name="The file is ready")).to_be_visible()
                download = await awaited.value
        await download.save_as(tmp_path / "taken.zip")
        assert download.suggested_filename.endswith("_deidentified.zip")
        assert_it_holds(tmp_path / "taken.zip", wanted, people)

        await page.get_by_role("link", name="exports").last.click()
        await expect(page.get_by_role("row", name="_deidentified.zip").first).to_contain_text(
            "Ready"
        )
        await expect(page.get_by_text("Canceled").first).to_be_visible()
        await accessible(visit)
        assert (visit.violations, visit.requests_elsewhere) == ([], [])
        assert not [error for error in visit.errors if "401" not in error]  # of before the sign-in


async def start_export(page: Page) -> None:
    """Ask for a de-identified ZIP of all types, with the filter of the screen."""
    await page.get_by_role("button", name="Download", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="All", exact=True).click()
    await expect(dialog.get_by_label("Packaging")).to_have_value("ZIP")
    await expect(dialog.get_by_label("De-identified")).to_be_checked()
    await expect(dialog.get_by_label("Only what the filter on screen shows")).to_be_checked()
    await expect(dialog.get_by_text("rows").first).to_be_visible()
    await dialog.get_by_role("button", name="Make the file").click()


async def events_of(server: WaitingServer, category: str | None) -> list[dict[str, str]]:
    chosen = {"category": {"contains": category}} if category else None
    data = await asyncio.to_thread(server.ask, "owner", EVENTS, room=ROOM, filter=chosen)
    found: list[dict[str, str]] = data["room"]["events"]["nodes"]
    return found


def assert_it_holds(path: Path, events: set[str], people: set[str]) -> None:
    """Check the events of the file, and that it names nobody."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        [table] = [name for name in names if name.endswith(f"{ROOM}/events.csv")]
        rows = list(csv.DictReader(io.StringIO(archive.read(table).decode())))
        assert {row["eventId"] for row in rows} == events
        assert {row["category"] for row in rows} == {"media"}
        [ratings] = [name for name in names if name.endswith("/continuous_ratings.csv")]
        assert archive.read(ratings).count(b"\n") > 4_000  # the filter is about events alone
        [about] = [name for name in names if name.endswith("/metadata.json")]
        assert "DE-IDENTIFIED" in json.dumps(json.loads(archive.read(about)))
        texts = [archive.read(name) for name in names]
        assert not [person for person in people if any(person.encode() in text for text in texts)]
