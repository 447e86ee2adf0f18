"""Finding one's way: from experiments down to a record, by tables whose state is in the address."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from playwright.async_api import Locator, Page, expect

from tests.conftest import LiveServer
from tests.dashboard.pages import signed_in_page

pytestmark = pytest.mark.anyio

ROOM = "/experiments/exp_dyadvideo01/rooms/room_dyadvideo01_01"
EVENTS = f"{ROOM}/data/events"


def ask(server: LiveServer, query: str, who: str = "owner") -> Any:
    headers = {"X-API-Key": server.keys[who]}
    answer = httpx2.post(f"{server.url}/graphql", json={"query": query}, headers=headers)
    return answer.json()["data"]


def state_of(page: Page) -> dict[str, str]:
    """Return the search parameters of the address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def rows(page: Page) -> Locator:
    """Return the rows of the table, without its head and those that are still to come."""
    return page.locator("tbody tr[aria-rowindex]:not(.coming)")


async def column(page: Page, number: int) -> list[str]:
    """Return what is in a column, of the rows in view."""
    await expect(rows(page).first).to_be_visible()
    return await page.locator(
        f"tbody tr[aria-rowindex]:not(.coming) td:nth-child({number})"
    ).all_inner_texts()


async def test_one_walks_from_the_experiments_to_the_data_of_a_participant(
    live: LiveServer,
) -> None:
    async with signed_in_page(live) as visit:
        page = visit.page
        await page.get_by_role("link", name="Watching together").click()
        await page.get_by_role("link", name="room_dyadvideo01_01").click()
        await expect(page.get_by_role("status").get_by_text("2 participants")).to_be_visible()
        person = await page.get_by_role("table").get_by_role("link").first.inner_text()
        await page.get_by_role("link", name=person).click()
        await expect(page).to_have_url(f"{live.url}{ROOM}/participants/{person}/events")

        crumbs = page.get_by_role("navigation", name="Breadcrumb").get_by_role("link")
        assert await crumbs.all_inner_texts() == [
            "Experiments",
            "Watching together",
            "room_dyadvideo01_01",
            person,
        ]
        await crumbs.nth(2).click()
        await expect(page).to_have_url(f"{live.url}{ROOM}")
        await page.go_back()
        await expect(page.get_by_role("heading", name=person)).to_be_visible()


async def test_counts_agree_with_the_api(live: LiveServer) -> None:
    place = 'room(roomId: "room_dyadvideo01_01") { dataSummary { dataType recordCount } }'
    filtered = 'events(filter: {category: {equals: "state"}}) { totalCount }'
    told = ask(live, f'{{ {place} found: room(roomId: "room_dyadvideo01_01") {{ {filtered} }} }}')
    async with signed_in_page(live, EVENTS) as visit:
        page = visit.page
        tabs = page.get_by_role("navigation", name="Data types").get_by_role("link")
        await expect(tabs.first).to_contain_text(re.compile(r"\d"))
        shown = [re.search(r"[\d,]+", text) for text in await tabs.all_inner_texts()]
        counts = [int(found[0].replace(",", "")) for found in shown if found]
        assert counts == [one["recordCount"] for one in told["room"]["dataSummary"]]

        await page.get_by_role("button", name="Filter Category").click()
        await page.get_by_label("The text").select_option("equals")
        await page.get_by_label("Value", exact=True).fill("state")
        await page.get_by_role("button", name="Apply").click()
        count = told["found"]["events"]["totalCount"]
        await expect(page.get_by_role("status").get_by_text(f"{count} events")).to_be_visible()
        await expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", f"{count + 1}")


async def test_sorting_filters_search_and_columns_are_in_the_address(live: LiveServer) -> None:
    async with signed_in_page(live, EVENTS) as visit:
        page = visit.page
        await page.get_by_role("button", name="Filter Type").click()
        await page.get_by_label("Value", exact=True).fill("component.")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.get_by_text("Type contains “component.”")).to_be_visible()
        onset = page.get_by_role("columnheader", name="Onset (ms)")
        await onset.get_by_role("button", name="Onset (ms)", exact=True).click()
        await expect(onset).to_have_attribute("aria-sort", "ascending")
        await onset.get_by_role("button", name="Onset (ms)", exact=True).click()
        await expect(onset).to_have_attribute("aria-sort", "descending")
        await page.get_by_role("searchbox").fill("complete")
        await expect(page).to_have_url(re.compile("q=complete"))
        await page.get_by_role("button", name="Columns").click()
        await page.get_by_role("checkbox", name="Category").uncheck()
        await page.keyboard.press("Escape")

        state = state_of(page)
        assert json.loads(state.pop("f")) == {"eventType": {"contains": "component."}}
        assert {"sort": "-onset", "q": "complete"}.items() <= state.items()
        assert "category" not in state["cols"].split(",")
        assert set(await column(page, 4)) == {"component.complete"}
        onsets = [int(text.replace(",", "")) for text in await column(page, 2)]
        assert onsets == sorted(onsets, reverse=True)
        linked = page.url.removeprefix(live.url)

    async with signed_in_page(live, linked) as visit:  # somebody who was sent the link
        page = visit.page
        assert [int(text.replace(",", "")) for text in await column(page, 2)] == onsets
        await expect(page.get_by_role("columnheader", name="Category")).to_have_count(0)
        await page.get_by_role("button", name=re.compile("Remove filter")).click()
        await expect(page).not_to_have_url(re.compile("f="))
        await page.go_back()
        await expect(page.get_by_text("Type contains “component.”")).to_be_visible()


async def test_a_row_opens_to_its_json_by_mouse_keyboard_and_link(live: LiveServer) -> None:
    async with signed_in_page(live, EVENTS) as visit:
        page = visit.page
        panel = page.get_by_role("complementary", name="Record")
        await rows(page).nth(2).get_by_role("cell").nth(3).click()
        await expect(panel).to_contain_text('"eventType"')
        shown = json.loads(await panel.locator("pre").inner_text())
        told = ask(
            live, f'{{ node(id: "{shown["id"]}") {{ ... on Event {{ eventId response }} }} }}'
        )
        assert told["node"].items() <= shown.items()
        linked = page.url.removeprefix(live.url)
        await page.keyboard.press("Escape")
        await expect(panel).to_have_count(0)
        await rows(page).first.get_by_role("button", name="Open the record").press("Enter")
        await expect(panel).to_contain_text('"eventType"')

    async with signed_in_page(live, linked) as visit:
        panel = visit.page.get_by_role("complementary", name="Record")
        await expect(panel).to_contain_text(shown["eventId"])


async def test_what_is_not_there_or_not_ones_own_is_said(live: LiveServer) -> None:
    async with signed_in_page(live, "/experiments/exp_nothing") as visit:
        page = visit.page
        await expect(page.get_by_text("It does not exist, or you may not see it.")).to_be_visible()
        await page.goto(f"{live.url}{EVENTS}?q=nothing-like-that")
        await expect(page.get_by_text("No events like that")).to_be_visible()
        answer = await page.request.get(f"{live.url}/nowhere")
        assert answer.status == 404
