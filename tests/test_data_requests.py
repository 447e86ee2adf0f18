"""The right of access: who may ask for whose data, and what the package tells, and of whom."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import col

from server.export.leases import claim, complete
from server.export.plan import planner
from server.export.workers import Done
from server.global_ids import type_and_key
from server.records import RecordType
from server.records.audit import AuditEntry
from server.records.data_requests import DataRequest, ParticipantToken
from server.records.experiments import Experiment
from server.records.exports import Export
from server.records.webhooks import WebhookDelivery
from server.requests.dates import due_at
from server.settings import Settings
from server.timestamps import iso, now
from tests.browsing import post_form
from tests.conftest import Api
from tests.expected import camel
from tests.factories import A_RECORD, Row, a_user, save
from tests.own_view_lab import ANNA, BEN, OTHERS, OWN, Lab, a_lab
from tests.warm_worker import Exported, Worker, carry_out

pytestmark = pytest.mark.anyio

ASK = """mutation ($input: DataRequestInput!) { participantDataRequest(input: $input) {
  dataRequest { id state packageStatus participantId askedBy receivedAt dueAt downloadUrl }
  userErrors { code field message } } }"""
LIST = """query ($of: String) { dataRequests(experimentId: $of) { totalCount nodes {
  id state participantId dueAt refusalReason downloadedAt downloadUrl
  experiment { experimentId } } } }"""
REFUSE = """mutation ($input: DataRequestRefusalInput!) { dataRequestRefuse(input: $input) {
  dataRequest { state refusalReason packageStatus } userErrors { code field } } }"""
TOKEN = """mutation ($input: ParticipantTokenInput!) { participantTokenCreate(input: $input) {
  url expiresAt userErrors { code field message } } }"""
DAY = 86_400_000


class Study:
    """The lab of own views, with records besides that are written plainly, of Anna and of Ben."""

    def __init__(self, lab: Lab, folder: Path, plain: Mapping[RecordType, Row]) -> None:
        self.lab, self.api, self.folder, self.plain = lab, lab.api, folder, plain
        self.experiment_id: str = lab.experiment["experiment_id"]

    async def ask(self, key: str, **changes: Any) -> dict[str, Any]:
        given = {"experimentId": self.experiment_id, **changes}
        asked: dict[str, Any] = await self.api.ask(ASK, key, input=given)
        [answer] = asked.values()
        return dict(answer)

    async def requests(self, key: str) -> list[dict[str, Any]]:
        answer = await self.api.ask(LIST, key, of=self.experiment_id)
        found: list[dict[str, Any]] = answer["dataRequests"]["nodes"]
        return found

    async def link(self, person: str = ANNA, **changes: Any) -> dict[str, Any]:
        given = {"experimentId": self.experiment_id, "participantId": person, **changes}
        made = (await self.api.ask(TOKEN, self.lab.owner, input=given))["participantTokenCreate"]
        return dict(made)

    async def make(self, worker: Worker) -> Exported:
        """Have the one package made that was asked for."""
        db = self.api.db
        settings = Settings(data_dir=self.folder)
        async with db.write() as tx:
            export = await claim(tx, "host/1:1:1:a", now() + DAY)
            assert export is not None
        async with db.read() as tx:
            plan = await planner(db.url, settings)(tx, export, f"exports/{export.id}/1")
        made = carry_out(worker, plan, self.folder / "files")
        done = Done(**made.done)
        async with db.write() as tx:
            assert await complete(tx, export, done, now() + DAY)
        return made

    async def download(self, url: str) -> httpx2.Response:
        return await self.api.http.get(url)

    async def set(self, model: Any, **values: Any) -> None:
        async with self.api.db.write() as tx:
            await tx.execute(update(model).values(**values))


@pytest.fixture
async def study(any_api: Api, tmp_path: Path) -> Study:
    lab = await a_lab(any_api)
    people = {row["participant_id"]: row for row in lab.rows if row.model.__name__ == "Participant"}
    anna = next(row for row in lab.rows if row.model.__name__ == "Participant")
    assert ANNA in people
    plain = {kind: A_RECORD[kind](anna) for kind in RecordType}
    await save(any_api.db, *plain.values())
    return Study(lab, tmp_path, plain)


def told_of_others(package: Path) -> set[tuple[str, str]]:
    """Return where who is named in a ZIP, in the names and the bytes of its members."""
    with ZipFile(package) as archive:
        return {
            (name, secret)
            for name in archive.namelist()
            for secret in OTHERS
            if secret.lower() in f"{name}\n{archive.read(name).decode()}".lower()
        }


@pytest.mark.parametrize("format_", ["NDJSON", "CSV", "JSON"])
async def test_the_package_holds_everything_of_the_person_and_nothing_of_others(
    study: Study, worker: Worker, format_: str
) -> None:
    asked = await study.ask(study.lab.anna, format=format_)
    assert asked["userErrors"] == []
    request = asked["dataRequest"]
    assert (request["state"], request["askedBy"]) == ("RECEIVED", "ACCOUNT")
    assert request["downloadUrl"] is None

    package = await study.make(worker)

    assert told_of_others(package.path) == set()
    members = package.members()
    everything = b"\n".join(members.values()).decode()
    assert [text for text in OWN if text not in everything] == []
    async with study.api.db.read() as tx:
        for kind in RecordType:
            model, stem = kind.value.model, kind.value.stem
            here = col(model.participant_key) == study.plain[kind]["participant_key"]
            stored = (await tx.execute(select(model).where(here))).all()
            rows = package.stems(stem)
            assert len(rows) == len(stored) >= 2
            assert {row["participantId"] for row in rows} == {ANNA}
            id_ = model.identity[0]
            plain = study.plain[kind]
            [row] = [row for row in rows if row[camel(id_)] == plain[id_]]
            assert (str(row["onset"]), row["timestamp"]) == (
                str(plain["onset"]),
                iso(plain["timestamp"]),
            )
    [person] = package.stems("participants")
    assert person["participantId"] == ANNA
    assert person["email"] == "anna.s@uni-x.example"
    names = {row.get("senderName") for row in package.stems("chat")}
    assert "Anna Smith" in names
    assert "P000" in members["README.txt"].decode()
    assert ANNA in members["README.txt"].decode()

    [listed] = await study.requests(study.lab.anna)
    assert listed["state"] == "READY"
    answer = await study.download(listed["downloadUrl"])
    assert answer.content == package.path.read_bytes()
    assert answer.headers["referrer-policy"] == "no-referrer"
    [listed] = await study.requests(study.lab.owner)
    assert (listed["state"], listed["participantId"]) == ("FULFILLED", ANNA)


async def test_while_a_request_is_open_asking_again_is_the_same(
    study: Study, worker: Worker
) -> None:
    first = (await study.ask(study.lab.anna))["dataRequest"]
    again = (await study.ask(study.lab.anna))["dataRequest"]
    by_owner = (await study.ask(study.lab.owner, participantId=ANNA))["dataRequest"]
    assert first == again == by_owner
    assert await _count(study, Export) == 1

    await study.set(Export, status="FAILED")
    again = (await study.ask(study.lab.anna))["dataRequest"]
    assert (again["id"], again["packageStatus"]) == (first["id"], "CREATED")
    await study.make(worker)
    assert (await study.ask(study.lab.anna))["dataRequest"]["id"] == first["id"]
    assert await _count(study, Export) == 2

    url = (await study.requests(study.lab.anna))[0]["downloadUrl"]
    await study.download(url)
    assert (await study.ask(study.lab.anna))["dataRequest"]["id"] != first["id"]
    assert await _count(study, Export) == 3  # never one that was made before


async def _count(study: Study, model: Any) -> int:
    async with study.api.db.read() as tx:
        return len((await tx.execute(select(col(model.id)))).all())


async def test_nobody_is_given_the_data_of_another(study: Study, worker: Worker) -> None:
    ben, viewer = a_user(role="PARTICIPANT", participant_id=BEN), a_user()
    await save(study.api.db, ben, viewer)
    bens, theirs = [await study.api.key_of(user.key) for user in (ben, viewer)]
    for key, changes, code in (
        (study.lab.anna, {"participantId": BEN}, "NOT_FOUND"),
        (study.lab.anna, {"experimentId": "exp_none"}, "NOT_FOUND"),
        (theirs, {"participantId": ANNA}, "NOT_FOUND"),
        (study.lab.owner, {"participantId": "nobody"}, "NOT_FOUND"),
        (study.lab.owner, {}, "BAD_USER_INPUT"),
    ):
        [error] = (await study.ask(key, **changes))["userErrors"]
        assert error["code"] == code

    await study.ask(study.lab.anna)
    await study.make(worker)
    [listed] = await study.requests(study.lab.anna)
    assert await study.requests(bens) == []
    shown = f'{{ node(id: "{listed["id"]}") {{ id }} }}'
    assert await study.api.ask(shown, bens) == {"node": None}
    assert await study.api.ask(shown, theirs) == {"node": None}
    number = _key_in(listed["id"])
    signer = study.api.app.state.services.signer
    path = f"/data-requests/{number}/package"
    for user in (ben, viewer):
        token = signer.sign("package", number, user.key)
        assert (await study.download(f"{path}?token={token}")).status_code == 404
    for token in ("", signer.sign("export", number, 1), signer.sign("package", number + 1, 1)):
        assert (await study.download(f"{path}?token={token}")).status_code == 403

    await study.set(Experiment, participants_may_request_data=False)
    assert (await study.download(listed["downloadUrl"])).status_code == 404
    [error] = (await study.ask(study.lab.anna))["userErrors"]
    assert error["code"] == "NOT_FOUND"


def _key_in(id_: str) -> int:
    found = type_and_key(id_)
    assert found is not None
    return found[1]


async def test_by_a_link_a_person_asks_once_and_fetches_their_data_without_an_account(
    study: Study, worker: Worker
) -> None:
    made = await study.link()
    assert made["userErrors"] == []
    path = made["url"].removeprefix("http://test")
    token = path.partition("token=")[2]
    for _ in range(2):  # looking uses nothing up
        shown = await study.api.http.get(path)
        assert shown.status_code == 200
        assert "Ask for my data" in shown.text
    _is_closed(shown)

    entered = await post_form(study.api, "/my-data", token=token)
    assert (entered.status_code, entered.headers["location"]) == (303, path)
    again = await post_form(study.api, "/my-data", token=token)
    assert (again.status_code, "used already" in again.text) == (403, True)
    waiting = await study.api.http.get(path)
    assert "being put together" in waiting.text
    [request] = await study.requests(study.lab.owner)
    assert request["dueAt"][:10] in waiting.text

    package = await study.make(worker)

    ready = await study.api.http.get(path)
    _is_closed(ready)
    [address] = re.findall(r'href="(/data-requests/[^"]+)"', ready.text)
    answer = await study.download(address)
    assert answer.content == package.path.read_bytes()
    assert told_of_others(package.path) == set()
    [request] = await study.requests(study.lab.owner)
    assert (request["state"], request["downloadedAt"] is None) == ("FULFILLED", False)
    assert token not in str(await _all_of(study, ParticipantToken))  # but its hash
    actions = [(row.action, row.allowed, row.actor_id) for row in await _all_of(study, AuditEntry)]
    assert ("DATA_REQUEST", True, None) in actions
    assert ("DATA_REQUEST", False, None) in actions
    assert ("DOWNLOAD", True, None) in actions

    await study.set(ParticipantToken, expires_at=now() - 1)
    assert (await study.api.http.get(path)).status_code == 403
    assert (await study.download(address)).status_code == 403


async def _all_of(study: Study, model: Any) -> list[Any]:
    async with study.api.db.read() as tx:
        return list((await tx.execute(select(model))).all())


def _is_closed(page: httpx2.Response) -> None:
    """Check that a page runs no script, is kept by nobody and tells nobody its address."""
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"


async def test_a_link_is_for_one_person_of_an_experiment_that_allows_it(study: Study) -> None:
    viewer = a_user()
    await save(study.api.db, viewer)
    given = {"experimentId": study.experiment_id, "participantId": ANNA}
    refused = await study.api.ask(TOKEN, await study.api.key_of(viewer.key), input=given)
    assert refused["participantTokenCreate"]["userErrors"][0]["code"] == "NOT_FOUND"
    for days in (0, 91):
        assert (await study.link(days=days))["userErrors"][0]["field"] == ["input", "days"]
    assert (await study.link("nobody"))["userErrors"][0]["code"] == "NOT_FOUND"

    first, second = await study.link(), await study.link()
    assert (await study.api.http.get(first["url"])).status_code == 403  # the later one counts
    assert (await study.api.http.get(second["url"])).status_code == 200
    for token in ("", "x", "é", "a" * 20_000):
        assert (await post_form(study.api, "/my-data", token=token)).status_code == 403
        assert (await study.api.http.get("/my-data", params={"token": token})).status_code == 403
    await study.set(Experiment, participants_may_request_data=False)
    token = second["url"].partition("token=")[2]
    assert (await post_form(study.api, "/my-data", token=token)).status_code == 403
    [error] = (await study.link())["userErrors"]
    assert "participantsMayRequestData" in error["message"]
    assert await _count(study, DataRequest) == 0


async def test_an_owner_is_told_refuses_and_sees_what_is_overdue_first(study: Study) -> None:
    hook = """mutation { webhookCreate(input: {url: "https://example.org/",
      events: [DATA_REQUEST_RECEIVED]}) { webhook { id } } }"""
    await study.api.ask(hook, study.lab.owner)
    first = (await study.ask(study.lab.owner, participantId=ANNA))["dataRequest"]
    second = (await study.ask(study.lab.owner, participantId=BEN))["dataRequest"]
    told = [row.body for row in await _all_of(study, WebhookDelivery)]
    assert [first["id"] in told[0], second["id"] in told[1], len(told)] == [True, True, 2]
    assert not any(secret in body for body in told for secret in (ANNA, BEN))

    async with study.api.db.write() as tx:
        late = update(DataRequest).where(col(DataRequest.id) == _key_in(second["id"]))
        await tx.execute(late.values(due_at=now() - DAY))
    assert [each["id"] for each in await study.requests(study.lab.owner)] == [
        second["id"],
        first["id"],
    ]
    given = {"id": second["id"], "reason": " Not you. "}
    for key, reason, code in (
        (study.lab.anna, "x", "NOT_FOUND"),
        (study.lab.owner, " ", "BAD_USER_INPUT"),
    ):
        refused = await study.api.ask(REFUSE, key, input={**given, "reason": reason})
        assert refused["dataRequestRefuse"]["userErrors"][0]["code"] == code
    refused = (await study.api.ask(REFUSE, study.lab.owner, input=given))["dataRequestRefuse"]
    assert refused["dataRequest"] == {
        "state": "REFUSED",
        "refusalReason": "Not you.",
        "packageStatus": None,
    }
    assert await _count(study, Export) == 1
    again = (await study.api.ask(REFUSE, study.lab.owner, input=given))["dataRequestRefuse"]
    assert again["userErrors"][0]["code"] == "ALREADY_FINISHED"
    assert [each["id"] for each in await study.requests(study.lab.owner)] == [
        first["id"],
        second["id"],
    ]


async def test_a_package_that_nobody_fetched_expires(study: Study, worker: Worker) -> None:
    link = (await study.link())["url"]
    await post_form(study.api, "/my-data", token=link.partition("token=")[2])
    await study.make(worker)
    [listed] = await study.requests(study.lab.owner)
    await study.set(Export, expires_at=now() - 1)
    assert (await study.download(listed["downloadUrl"])).status_code == 410
    await study.set(Export, status="EXPIRED", storage_key=None)
    [listed] = await study.requests(study.lab.owner)
    assert (listed["state"], listed["downloadUrl"]) == ("EXPIRED", None)
    assert "deleted when its time was over" in (await study.api.http.get(link)).text


@given(received=st.integers(946_684_800_000, 4_102_444_800_000))
def test_a_request_is_due_on_the_same_day_of_the_next_month_or_on_its_last(received: int) -> None:
    before, due = (
        datetime.fromtimestamp(each // 1000, UTC) for each in (received, due_at(received))
    )
    assert (due.year * 12 + due.month) - (before.year * 12 + before.month) == 1
    last = (due_at(received) // 1000 + 86_400, due.month)
    assert due.day == before.day or datetime.fromtimestamp(last[0], UTC).month != last[1]
    assert due_at(received) % DAY == received % DAY
