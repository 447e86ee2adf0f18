"""Keys, sharing, retention, the audit log, participants' rights and schedules, in a browser."""

from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.conftest import LiveServer
from tests.dashboard.pages import NARROW, WIDE, Scheme, accessible, screenshot, signed_in_page

pytestmark = pytest.mark.anyio

EXPERIMENT = "/experiments/exp_dyadvideo01"
PEOPLE = """{ room(roomId: "room_dyadvideo01_02") {
  participants(first: 2) { nodes { participantId } } } }"""


def ask(server: LiveServer, query: str, key: str) -> httpx2.Response:
    return httpx2.post(f"{server.url}/graphql", json={"query": query}, headers={"X-API-Key": key})


async def test_a_key_is_made_shown_once_saved_and_revoked(live: LiveServer, tmp_path: Path) -> None:
    async with signed_in_page(live, "/settings/keys") as visit:
        page = visit.page
        await page.get_by_role("button", name="New key").click()
        await page.get_by_label("Name").fill("analysis on the cluster")
        await page.get_by_label("It may").select_option("Read everything")
        await page.get_by_label("Watching together").check()
        await accessible(visit)
        await screenshot(visit, "key-new")
        await page.get_by_role("button", name="Make the key").click()
        key = await page.get_by_label("API key", exact=True).input_value()
        assert key.startswith("hst_live_")
        await screenshot(visit, "key-made")
        async with page.expect_download() as awaited:
            await page.get_by_role("button", name="Save a .env file").click()
        await (await awaited.value).save_as(tmp_path / ".env")
        assert f"HYPERDATA_API_KEY={key}" in (tmp_path / ".env").read_text()
        await page.get_by_role("button", name="I have kept it").click()

        seen = ask(live, "{ experiments { totalCount } }", key).json()
        assert seen["data"]["experiments"]["totalCount"] == 1
        row = page.get_by_role("row", name="analysis on the cluster")
        await expect(row).to_contain_text("only Watching together")
        await row.get_by_role("button", name="Revoke").click()
        await page.get_by_role("button", name="Revoke the key").click()
        await expect(row).to_contain_text("Revoked")
        assert ask(live, "{ viewer { name } }", key).status_code == 401


async def test_an_experiment_is_shared_changed_and_taken_back(live: LiveServer) -> None:
    async with signed_in_page(live, f"{EXPERIMENT}/settings/sharing") as visit:
        page = visit.page
        row = page.get_by_role("row", name="usr_collaborator")
        await row.get_by_role("button", name="Take back").click()
        await page.get_by_role("button", name="Take back", exact=True).click()
        await expect(row).to_be_hidden()

        await page.get_by_role("button", name="Share", exact=True).click()
        dialog = page.get_by_role("dialog")
        share = dialog.get_by_role("button", name="Share", exact=True)
        await dialog.get_by_label("Account", exact=True).fill("usr_nobody")
        await share.click()
        await expect(dialog).to_contain_text("There is no such account")
        await dialog.get_by_label("Account", exact=True).fill("usr_collaborator")
        await dialog.get_by_label("What they see of participants").select_option("KEEP")
        await dialog.get_by_label("They may take the data away").check()
        await dialog.get_by_label("Chat messages").uncheck()
        await screenshot(visit, "share")
        await accessible(visit)
        await share.click()
        await expect(row).to_contain_text("look, and export")
        await expect(row).not_to_contain_text("Chat messages")
        await row.get_by_role("button", name="Change").click()
        await dialog.get_by_label("Chat messages").check()
        await dialog.get_by_role("button", name="Change", exact=True).click()
        await expect(row).to_contain_text("all types")

        await page.get_by_role("link", name="Audit log").click()
        await page.get_by_label("What was done").select_option("Took back what was shared")
        entries = page.get_by_role("table", name="Audit log").locator("tbody tr")
        await expect(entries).to_have_count(1)
        assert "action=REVOKE" in page.url


async def test_a_policy_is_tried_out_and_set_and_a_hold_keeps_everything(live: LiveServer) -> None:
    async with signed_in_page(live, "/experiments/exp_groupchat01/settings/retention") as visit:
        page = visit.page
        await page.get_by_label("or delete the data on").fill("2040-01-01")
        await expect(
            page.get_by_text("its records, media, participants and rooms are deleted")
        ).to_be_visible()
        await screenshot(visit, "retention-preview")
        await page.get_by_role("button", name="Set the policy").click()
        await expect(page.get_by_text("The policy is set.")).to_be_visible()
        await page.get_by_role("button", name="Set a legal hold").click()
        await page.get_by_label("Reason").fill("Case 7")
        await page.get_by_role("button", name="Set the hold").click()
        await expect(
            page.get_by_text("Nothing, as long as the legal hold is there")
        ).to_be_visible()
        await page.get_by_role("button", name="Lift the hold").click()
        await expect(
            page.get_by_text("its records, media, participants and rooms are deleted")
        ).to_be_visible()
        await page.get_by_label("or delete the data on").fill("")
        await page.get_by_role("button", name="Set the policy").click()


async def test_erasing_somebody_shows_what_would_go_and_takes_their_id(live: LiveServer) -> None:
    people = ask(live, PEOPLE, live.keys["owner"]).json()["data"]["room"]["participants"]["nodes"]
    person = people[0]["participantId"]
    async with signed_in_page(live, f"{EXPERIMENT}/settings/requests") as visit:
        page = visit.page
        await page.get_by_role("button", name="Erase somebody").click()
        await page.get_by_label("Participant", exact=True).fill(person)
        await page.get_by_role("button", name="Show what would go").click()
        await expect(page.get_by_text("Continuous ratings")).to_be_visible()
        erase = page.get_by_role("button", name="Erase this person")
        await expect(erase).to_be_disabled()
        await page.get_by_label(f"Type {person} to confirm").fill(person)
        await screenshot(visit, "erase")
        await accessible(visit)
        await erase.click()
        await page.get_by_role("button", name="Cancel it").click()
        await expect(page.get_by_role("table", name="Erasures")).to_contain_text("Canceled")


async def test_an_export_is_repeated_and_put_on_a_schedule(live: LiveServer) -> None:
    async with signed_in_page(live, f"{EXPERIMENT}/rooms/room_dyadvideo01_02") as visit:
        page = visit.page
        await page.get_by_role("button", name="Download", exact=True).click()
        await page.get_by_label("Format").select_option("Parquet")
        await page.get_by_role("button", name="Make the file").click()
        await expect(page.get_by_role("heading", name="The file is ready")).to_be_visible()
        await page.get_by_role("link", name="exports", exact=True).click()

        row = page.get_by_role("row", name="room_dyadvideo01_02").first
        await row.get_by_role("button", name="More for").click()
        await page.get_by_role("button", name="Repeat, exactly as it was").click()
        async with page.expect_download():
            await expect(page.get_by_role("heading", name="The file is ready")).to_be_visible()
        await page.get_by_role("button", name="Close", exact=True).last.click()
        await row.get_by_role("button", name="More for").click()
        await page.get_by_role("button", name="On a schedule").click()
        await page.get_by_label("Name").fill("Every Monday")
        await page.get_by_label("How often").select_option("Every week")
        await page.get_by_label("Time zone").fill("Europe/Berlin")
        await expect(page.get_by_text("every Monday at 02:30")).to_be_visible()
        await page.get_by_role("button", name="Set up the schedule").click()
        await page.get_by_role("link", name="Schedules").click()
        schedule = page.get_by_role("row", name="Every Monday")
        await expect(schedule).to_contain_text("every Monday at 02:30, Europe/Berlin")
        await screenshot(visit, "schedules")
        await schedule.get_by_role("button", name="Delete").click()
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_text("Nothing is made on a schedule")).to_be_visible()


async def test_who_may_look_alone_is_told_so(live: LiveServer) -> None:
    path = f"{EXPERIMENT}/settings/sharing"
    async with signed_in_page(live, path, who="collaborator") as visit:
        await expect(visit.page.get_by_text("Only its owner sees and changes this")).to_be_visible()


VIEWS = {
    "/exports": "exports",
    "/settings/keys": "keys",
    f"{EXPERIMENT}/settings/sharing": "sharing",
    f"{EXPERIMENT}/settings/retention": "retention",
    f"{EXPERIMENT}/settings/audit": "audit",
    f"{EXPERIMENT}/settings/requests": "requests",
}


@pytest.mark.parametrize(("scheme", "size"), [("dark", WIDE), ("light", NARROW)])
async def test_every_view_is_accessible_in_either_scheme_and_width(
    live: LiveServer, scheme: Scheme, size: tuple[int, int]
) -> None:
    async with signed_in_page(live, "/exports", scheme=scheme, size=size) as visit:
        for path, view in VIEWS.items():
            await visit.page.goto(f"{live.url}{path}")
            await expect(visit.page.locator("main section, main nav").first).to_be_visible()
            await expect(visit.page.locator(".spinner")).to_have_count(0)
            await fits(visit.page)
            await accessible(visit)
            await screenshot(visit, view)


async def fits(page: Page) -> None:
    """Hold that nothing makes the page wider than its window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
