"""A room that is watched while it goes on, and what one may not play of it."""

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from server.api_keys import issue
from server.db import Database
from tests.browser import Visit, open_browser
from tests.dashboard.pages import accessible, screenshot
from tests.factories import (
    a_chat_message,
    a_continuous_rating,
    a_grant,
    a_recording,
    a_user,
    an_event,
    save,
)
from tests.live_server import Lab, Server
from tests.test_live_records import put

pytestmark = pytest.mark.anyio


class Watched:
    """A room that is going on, at a server that can be killed."""

    def __init__(self, server: Server, lab: Lab) -> None:
        self.server, self.lab = server, lab

    def address(self, rest: str, key: str) -> str:
        experiment, room = self.lab.experiment["experiment_id"], self.lab.room["room_id"]
        return f"{self.server.address}/experiments/{experiment}/rooms/{room}/{rest}#key={key}"

    async def say(self, *texts: str) -> None:
        for text in texts:
            await put(self.lab.db, a_chat_message(self.lab.people[0], content=text))


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> Generator[tuple[Server, Lab, str]]:
    """One server and one room for all tests: each adds to what is there."""
    folder = tmp_path_factory.mktemp("watched")
    shutil.copyfile(migrated_file, folder / "hyperdata.db")
    url = f"sqlite+aiosqlite:///{folder}/hyperdata.db"

    async def begin() -> tuple[Server, Lab]:
        db = Database(url)
        lab = Lab(db)
        await lab.save()
        await db.close()
        server = Server(folder, url)
        await server.start()
        return server, lab

    server, lab = asyncio.run(begin())
    yield server, lab, url
    server.close()


@pytest.fixture
async def watched(served: tuple[Server, Lab, str]) -> AsyncGenerator[Watched]:
    server, lab, url = served
    lab.db = Database(url)
    try:
        yield Watched(server, lab)
    finally:
        await lab.db.close()


@asynccontextmanager
async def watching(watched: Watched) -> AsyncGenerator[Visit]:
    async with open_browser() as visit:
        await visit.page.clock.install()
        await visit.page.goto(watched.address("live", watched.lab.key))
        await expect(
            visit.page.locator(".live-head").get_by_text("Live", exact=True)
        ).to_be_visible()
        yield visit
        assert visit.violations == []


def said(page: Page, text: str) -> Locator:
    return page.get_by_label("Records that came last").get_by_text(text, exact=True)


async def test_records_are_shown_as_they_come_and_none_is_missed_when_the_connection_is_lost(
    watched: Watched,
) -> None:
    async with watching(watched) as visit:
        page = visit.page
        total = page.locator(".live-total")
        await watched.say("first words")
        await expect(said(page, "first words")).to_be_visible()
        ratings = [a_continuous_rating(watched.lab.people[1], value=0.25) for _ in range(12)]
        await put(watched.lab.db, *ratings)
        await expect(total).to_have_text(re.compile("^13 records"))
        await expect(
            page.get_by_role("img", name="Ratings of the last minute, now 0.25")
        ).to_be_visible()

        await watched.server.kill()
        await expect(page.get_by_text("The connection is lost")).to_be_visible()
        await watched.say("while nobody", "could hear")
        await watched.server.start()
        await expect(said(page, "could hear")).to_be_visible()
        await expect(said(page, "while nobody")).to_have_count(1)
        await expect(said(page, "first words")).to_have_count(1)
        await expect(total).to_have_text(re.compile("^15 records"))
        await expect(page.get_by_text("Connected again")).to_be_visible()
        await expect(page.get_by_text("The connection is lost")).to_be_hidden()


async def test_a_stream_that_has_stalled_is_told_until_it_goes_on(watched: Watched) -> None:
    async with watching(watched) as visit:
        page = visit.page
        await watched.say("hello")
        await expect(said(page, "hello")).to_be_visible()
        stalled = page.get_by_text("No record has come for")
        await expect(stalled).to_be_hidden()
        await page.clock.fast_forward(14_000)
        await expect(stalled).to_be_visible()
        await accessible(visit)
        await screenshot(visit, "live")
        await watched.say("here again")
        await expect(stalled).to_be_hidden()


async def test_events_that_are_too_many_to_be_marks_are_counted_until_one_zooms_in(
    watched: Watched,
) -> None:
    person = watched.lab.people[2]
    events = [an_event(person, onset=1_000 * n, category="media") for n in range(1_200)]
    await put(watched.lab.db, *events)
    async with open_browser() as visit:
        page = visit.page
        await page.goto(watched.address("timeline", watched.lab.key))
        lanes = page.get_by_role("figure", name="Events", exact=True)
        await expect(lanes.get_by_text("1,200 events: the darker, the more.")).to_be_visible()
        slices = lanes.locator(".lane-dense")
        await expect(slices).to_have_count(60)
        await expect(lanes.locator(".lane-mark")).to_have_count(0)
        await expect(slices.nth(30).locator("title")).to_have_text("20 events")

        await page.get_by_role("button", name="Zoom in").click()
        await expect(lanes.get_by_text("600 events; click a mark to read it.")).to_be_visible()
        await expect(slices).to_have_count(0)
        await expect(lanes.locator(".lane-mark").first).to_be_visible()


async def test_who_may_not_see_who_people_are_is_told_why_nothing_plays(watched: Watched) -> None:
    key = await _key_of_a_guest(watched.lab)
    recording = a_recording(watched.lab.people[0], file_name="face.webm", duration=1000)
    await save(watched.lab.db, recording)
    async with open_browser() as visit:
        page = visit.page
        await page.goto(watched.address("data/recordings", key))
        player = page.get_by_role("figure", name="Recordings", exact=True)
        await expect(player.get_by_text("Recordings show who people are")).to_be_visible()
        await expect(player.get_by_role("button", name="Play")).to_have_count(0)


async def _key_of_a_guest(lab: Lab) -> str:
    """Return the key of somebody who may look at the room, without identifiers."""
    guest = a_user()
    await save(lab.db, guest, a_grant(lab.experiment, guest, anonymization="REMOVE_IDENTIFIERS"))
    async with lab.db.write() as tx:
        return await issue(tx, guest.key, "guest")
