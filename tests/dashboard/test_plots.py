"""What is drawn over time: lines that zooming refines, one cursor, and recordings at its time."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.conftest import LiveServer
from tests.dashboard.pages import NARROW, WIDE, Scheme, accessible, screenshot, signed_in_page

pytestmark = pytest.mark.anyio

DYAD = "/experiments/exp_dyadvideo01/rooms/room_dyadvideo01_04"
SERIES = """{ room(roomId: "room_dyadvideo01_04") { ratingSeries(points: %d) {
  bucketMs lines { participantId onset mean } } } }"""


def api(server: LiveServer, query: str) -> Any:
    headers = {"X-API-Key": server.keys["owner"]}
    answer = httpx2.post(f"{server.url}/graphql", json={"query": query}, headers=headers)
    return answer.json()["data"]


def figure(page: Page, title: str) -> Locator:
    return page.get_by_role("figure", name=title, exact=True)


def window_of(page: Page) -> tuple[int, int] | None:
    """Return the window of time in the address."""
    asked = parse_qs(urlsplit(page.url).query)
    return (int(asked["from"][0]), int(asked["to"][0])) if "from" in asked else None


async def drag(page: Page, plot: Locator, begin: float, end: float) -> None:
    """Drag over a plot, from one share of its width to another."""
    box = await plot.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + begin * box["width"], y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + end * box["width"], y, steps=4)
    await page.mouse.up()


async def test_the_ratings_of_a_dyad_are_overlaid_and_zooming_refines_them(
    live: LiveServer,
) -> None:
    asked: list[dict[str, Any]] = []
    async with signed_in_page(live, f"{DYAD}/data/continuous_ratings") as visit:
        page = visit.page
        ratings = figure(page, "Continuous ratings")
        await expect(ratings.get_by_role("button", name="host 2,400 samples")).to_be_visible()
        await expect(ratings.get_by_role("button", name="viewer 2,240 samples")).to_be_visible()
        whole = await ratings.get_by_text("Mean of each").inner_text()

        def note(request: Request) -> None:
            body = request.post_data_json if request.method == "POST" else None
            if body and "ratingSeries" in body["query"]:
                asked.append(body["variables"])

        page.on("request", note)

        plot = ratings.locator(".u-over")
        await drag(page, plot, 0.25, 0.5)
        await expect(ratings.get_by_text("Mean of each")).not_to_have_text(whole)
        window = window_of(page)
        assert window is not None
        assert [(each["from"], each["to"]) for each in asked] == [window]
        first, length = 57_000, 600_000  # the film, which is rated from begin to end
        assert window[0] == pytest.approx(first + 0.25 * length, abs=8_000)
        assert window[1] == pytest.approx(first + 0.5 * length, abs=8_000)
        finer = await ratings.get_by_text("Mean of each").inner_text()
        assert _milliseconds(finer) == pytest.approx(_milliseconds(whole) / 4, rel=0.1)

        await page.go_back()
        await expect(ratings.get_by_text(whole)).to_be_visible()
        assert window_of(page) is None

        await ratings.get_by_role("slider").focus()
        await page.keyboard.press("+")
        await expect(ratings.get_by_text(whole)).to_be_hidden()
        await ratings.get_by_role("button", name="Show all").click()
        await expect(ratings.get_by_text(whole)).to_be_visible()


def _milliseconds(note: str) -> int:
    found = re.search(r"each (\d+) ms", note)
    assert found, note
    return int(found[1])


async def test_a_plot_is_a_table_for_who_cannot_see_it(live: LiveServer) -> None:
    async with signed_in_page(live, f"{DYAD}/data/continuous_ratings") as visit:
        ratings = figure(visit.page, "Continuous ratings")
        slider = ratings.get_by_role("slider")
        label = await slider.get_attribute("aria-label")
        assert label
        assert label.startswith("Continuous ratings of host, viewer, 0 to 1, from 0:57 to 10:5")
        await slider.focus()
        for _ in range(3):
            await visit.page.keyboard.press("Shift+ArrowRight")
        said = r"^2:2\d: host 0\.\d{3}, viewer 0\.\d{3}$"
        await expect(slider).to_have_attribute("aria-valuetext", re.compile(said))

        await ratings.get_by_role("button", name="As a table").click()
        row = ratings.get_by_role("row").nth(1)
        shown = (await row.inner_text()).split("\t")
        series = api(live, SERIES % 700)["room"]["ratingSeries"]
        assert len(series["lines"]) == 2
        assert {f"{line['mean'][0]:.3f}" for line in series["lines"]} == set(shown[1:])


async def test_all_plots_of_a_room_have_one_time(live: LiveServer) -> None:
    async with signed_in_page(live, f"{DYAD}/timeline") as visit:
        page = visit.page
        ratings, drift = figure(page, "Continuous ratings"), figure(page, "Sync drift")
        events = figure(page, "Events")
        await expect(events.get_by_text("141 events")).to_be_visible()
        await expect(drift.get_by_text("of the time good")).to_be_visible()

        await ratings.locator(".u-over").hover()
        now = page.get_by_label("Time at the cursor")
        await expect(now).to_have_text(re.compile(r"^\d:\d\d\.\d$"))
        # The film is not over yet in the middle of the session: both have something to tell.
        await expect(
            ratings.get_by_role("button", name=re.compile(r"host 0\.\d{3}"))
        ).to_be_visible()
        await expect(drift.get_by_role("button", name=re.compile(r"viewer .*ms"))).to_be_visible()

        mark = events.locator(".lane-mark").filter(
            has=page.locator("title", has_text="media.pause")
        )
        await mark.first.click()
        listed = page.get_by_label("Events of the mark")
        await expect(listed.get_by_text("alpine-crossing.webm: pause").first).to_be_visible()
        await listed.get_by_role("button", name="Zoom in on them").click()
        await expect(events.get_by_text("4 events;")).to_be_visible()
        window = window_of(page)
        assert window is not None
        assert window[1] - window[0] < 10_000
        link = events.locator(".lane-mark").first
        await link.click()
        address = await listed.get_by_role("link").first.get_attribute("href")
        assert address
        assert address.startswith(f"{DYAD}/data/events?row=")


ALL_PLAY = """
(seconds) => [...document.querySelectorAll('video')].filter(({ paused, currentTime }) =>
  !paused && currentTime > seconds).length === 2
"""
MEDIA = """
() => [...document.querySelectorAll('video')].map(({ currentTime, paused, readyState }) =>
  ({ currentTime, paused, readyState }))
"""


async def test_recordings_are_played_at_the_time_of_the_cursor(live: LiveServer) -> None:
    found = api(
        live,
        """{ room(roomId: "room_dyadvideo01_04") {
        recordings(orderBy: [{ field: ONSET }]) { nodes { videoOffset } } } }""",
    )
    offsets = [each["videoOffset"] for each in found["room"]["recordings"]["nodes"]]
    async with signed_in_page(live, f"{DYAD}/data/recordings") as visit:
        page = visit.page
        player = figure(page, "Recordings")
        await expect(player.get_by_text("Video of host")).to_be_visible()
        await expect(page.locator("video")).to_have_count(0)  # nobody has asked for the files yet

        await player.get_by_role("button", name="Play").click()
        await page.wait_for_function(ALL_PLAY, arg=1)
        await player.get_by_role("button", name="5 s on").click()
        await page.wait_for_function(ALL_PLAY, arg=6)
        await player.get_by_role("button", name="Pause").click()
        videos = await page.evaluate(MEDIA)
        assert all(video["paused"] for video in videos)
        times = [
            video["currentTime"] * 1000 + offset
            for video, offset in zip(videos, offsets, strict=True)
        ]
        shown = await player.locator(".player-clock").inner_text()
        minutes, seconds = shown.split(":")
        clock = (int(minutes) * 60 + float(seconds)) * 1000
        assert times == [pytest.approx(clock, abs=350)] * 2


async def test_chat_is_read_as_a_conversation(live: LiveServer) -> None:
    async with signed_in_page(live, f"{DYAD}/data/chat_messages") as visit:
        chat = visit.page.get_by_label("Messages", exact=True)
        await expect(chat.locator(".chat-text")).to_have_count(13)
        turns = chat.locator(".chat-turn")
        first, second = turns.nth(0), turns.nth(1)
        await expect(first).to_have_class(re.compile("left"))
        await expect(first.locator(".chat-who")).to_contain_text("host")
        await expect(second).to_have_class(re.compile("right"))
        await expect(second).to_contain_text("hello :)")


VIEWS = {
    "ratings": f"{DYAD}/data/continuous_ratings",
    "drift": f"{DYAD}/data/sync_metrics",
    "conversation": f"{DYAD}/data/chat_messages",
    "recordings": f"{DYAD}/data/recordings",
    "timeline": f"{DYAD}/timeline",
    "quality-experiment": "/experiments/exp_dyadvideo01/quality",
    "quality-room": f"{DYAD}/quality",
}
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")


async def test_views_are_pictured_and_accessible_in_both_schemes(live: LiveServer) -> None:
    async with signed_in_page(live) as visit:
        page = visit.page
        for view, path in VIEWS.items():
            await page.goto(f"{live.url}{path}")
            await expect(page.locator("figure, .quality section").first).to_be_visible()
            await expect(page.locator("[aria-busy=true]")).to_have_count(0)
            for scheme in SCHEMES:
                await page.emulate_media(color_scheme=scheme)
                for width, height in (WIDE, NARROW):
                    await page.set_viewport_size({"width": width, "height": height})
                    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
                    await screenshot(visit, view)
                await accessible(visit)
            await page.emulate_media(color_scheme="light")
            await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
