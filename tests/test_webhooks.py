"""Webhooks: who sets them up, what they tell, and that it arrives, signed, wherever it may."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from sqlmodel import col
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from server.export.leases import claim as claim_export
from server.export.leases import complete, fail
from server.export.workers import Done, Failed
from server.global_ids import global_id
from server.records.audit import AuditEntry
from server.records.exports import Export, ExportedExperiment
from server.records.users import User
from server.records.webhooks import Webhook, WebhookDelivery, WebhookEvent
from server.timestamps import now
from server.webhooks.backoff import DAY, GIVEN_UP_AFTER, HOUR, LONGEST, SECOND, next_attempt
from server.webhooks.delivering import LEASE, Deliveries, claim
from server.webhooks.outbox import announce
from server.webhooks.sending import Message, Sender
from server.webhooks.targets import UnsafeTarget, addresses_of, may_be_sent_to
from tests.conftest import Api, opened
from tests.factories import Row, a_grant, a_user, an_experiment, save
from tests.job_queue import until_true
from tests.receiver import Received, Receiver, receiving

pytestmark = pytest.mark.anyio

CREATE = """mutation ($input: WebhookInput!) { webhookCreate(input: $input) {
  secret webhook { id url events experiment { experimentId } }
  userErrors { code field message } } }"""
UPDATE = """mutation ($id: ID!, $input: WebhookChanges!) { webhookUpdate(id: $id, input: $input) {
  webhook { url events failingSince disabledAt } userErrors { code message } } }"""
DELETE = """mutation ($id: ID!) { webhookDelete(id: $id) { deletedId userErrors { code } } }"""
TEST = """mutation ($id: ID!) { webhookTest(id: $id) {
  delivery { messageId event state attempts } userErrors { code } } }"""
LIST = """query ($of: String) { webhooks(experimentId: $of) { totalCount nodes {
  id url events failingSince disabledAt deliveries { nodes {
    messageId event state attempts nextAt lastAt lastStatus lastError } } } } }"""
PUBLIC = "https://hooks.example.org/in"


class Clock:
    """A clock that is moved by hand, from the present."""

    def __init__(self) -> None:
        self.moved = 0

    def __call__(self) -> int:
        return now() + self.moved


class Lab:
    """An owner's experiment, and the chore of this server, run when a test says so."""

    def __init__(self, api: Api, owner: Row, experiment: Row, key: str, receiver: Receiver) -> None:
        self.api, self.owner, self.experiment, self.key = api, owner, experiment, key
        self.receiver = receiver
        self.clock = Clock()
        self.deliveries = self.server()

    def server(self, seconds: float = 5.0) -> Deliveries:
        """Return what another server would deliver by."""
        sender = Sender(loopback=True, seconds=seconds, clock=self.clock)
        return Deliveries(self.api.db, sender, clock=self.clock, chance=lambda: 0.5)

    async def create(self, **changes: Any) -> dict[str, Any]:
        asked = {
            "url": self.receiver.url,
            "events": ["EXPORT_FINISHED", "RETENTION_NOTICE"],
            "experimentId": self.experiment["experiment_id"],
            **changes,
        }
        made: dict[str, Any] = (await self.api.ask(CREATE, self.key, input=asked))["webhookCreate"]
        return made

    async def announce(self, event: WebhookEvent = WebhookEvent.RETENTION_NOTICE) -> None:
        async with self.api.db.write() as tx:
            await announce(tx, self.experiment.key, event, {"noticeId": "n1"})

    async def deliver(self, after: int = 0) -> None:
        self.clock.moved += after
        await self.deliveries(asyncio.Event())

    async def shown(self) -> dict[str, Any]:
        [webhook] = (await self.api.ask(LIST, self.key))["webhooks"]["nodes"]
        shown: dict[str, Any] = webhook
        return shown

    async def told(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = (await self.shown())["deliveries"]["nodes"]
        return told


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as started:
        yield started


async def _lab(api: Api, receiver: Receiver) -> Lab:
    owner = a_user()
    experiment = an_experiment(owner)
    await save(api.db, owner, experiment)
    return Lab(api, owner, experiment, await api.key_of(owner.key), receiver)


@pytest.fixture
async def lab(tmp_path: Path, receiver: Receiver) -> AsyncGenerator[Lab]:
    async with opened(tmp_path, webhook_loopback=True) as api:
        yield await _lab(api, receiver)


@pytest.fixture
async def any_lab(tmp_path: Path, any_url: str, receiver: Receiver) -> AsyncGenerator[Lab]:
    """On either kind of database."""
    async with opened(tmp_path, database_url=any_url, webhook_loopback=True) as api:
        yield await _lab(api, receiver)


async def test_what_happens_is_delivered_once_signed_and_tells_nothing_personal(
    any_lab: Lab,
) -> None:
    lab = any_lab
    made = await lab.create()
    assert made["userErrors"] == []
    assert made["webhook"]["events"] == ["EXPORT_FINISHED", "RETENTION_NOTICE"]

    await lab.announce()
    await lab.announce(WebhookEvent.DATA_REQUEST_RECEIVED)  # which it is not to be told
    await lab.deliver()
    await lab.deliver(DAY)

    [got] = lab.receiver.received
    assert got.path == "/hook?to=us"
    body = Verifier(made["secret"]).verify(got.body, got.headers)
    assert body["type"] == "retention.notice"
    assert body["data"] == {"experimentId": lab.experiment["experiment_id"], "noticeId": "n1"}
    [delivery] = await lab.told()
    assert (delivery["messageId"], delivery["state"]) == (got.message_id, "DELIVERED")
    assert (delivery["attempts"], delivery["nextAt"], delivery["lastStatus"]) == (1, None, 200)
    assert "secret" not in json.dumps(await lab.shown())  # nor what the receiver said


async def test_a_receiver_refuses_what_is_forged_changed_or_old(lab: Lab) -> None:
    secret = (await lab.create())["secret"]
    other = (await lab.create())["secret"]
    await lab.announce()
    await lab.deliver()
    first, second = lab.receiver.received
    if (
        Verifier(secret).sign(first.message_id, _moment(first), first.body.decode())
        != (first.headers["webhook-signature"])
    ):
        first, second = second, first

    Verifier(secret).verify(first.body, first.headers)
    Verifier(other).verify(second.body, second.headers)
    old = {**first.headers, "webhook-timestamp": str(now() // 1000 - 3600)}
    renamed = {**first.headers, "webhook-id": second.message_id}
    for body, headers in (
        (first.body + b" ", first.headers),
        (first.body, old),
        (first.body, renamed),
        (second.body, second.headers),
    ):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body, headers)
    lab.clock.moved = -3600 * SECOND  # sent an hour ago, and sent again by whoever overheard it
    await lab.announce()
    lab.clock.moved = -3600 * SECOND + 1
    async with lab.api.db.write() as tx:
        await tx.execute(update(WebhookDelivery).values(created_at=0, next_at=0))
    await lab.deliver()
    replayed = lab.receiver.received[-1]
    with pytest.raises(WebhookVerificationError, match="too old"):
        Verifier(secret).verify(replayed.body, replayed.headers)


def _moment(got: Received) -> datetime:
    return datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)


async def test_what_fails_is_sent_again_later_with_the_same_id(any_lab: Lab) -> None:
    lab = any_lab
    await lab.create()
    lab.receiver.statuses = [500, 302, 200]
    await lab.announce()

    await lab.deliver()
    await lab.deliver(4 * SECOND)
    assert len(lab.receiver.received) == 1
    [delivery] = await lab.told()
    assert (delivery["state"], delivery["lastStatus"]) == ("PENDING", 500)
    await lab.deliver(1 * SECOND)
    assert (await lab.told())[0]["lastError"].startswith("The receiver wants to be asked elsewhere")
    assert (await lab.shown())["failingSince"] is not None
    await lab.deliver(20 * SECOND)

    assert len({got.message_id for got in lab.receiver.received}) == 1
    assert {got.path for got in lab.receiver.received} == {"/hook?to=us"}  # never where it was led
    [delivery] = await lab.told()
    assert (delivery["state"], delivery["attempts"]) == ("DELIVERED", 3)
    assert (await lab.shown())["failingSince"] is None


@given(
    attempts=st.integers(1, 200),
    waited=st.integers(0, GIVEN_UP_AFTER),
    chance=st.floats(0, 1),
)
def test_waits_grow_up_to_half_a_day_and_end_after_three(
    attempts: int, waited: int, chance: float
) -> None:
    at = 1_000 + waited
    again = next_attempt(1_000, attempts, at, chance)
    wait = min(5 * SECOND * 4 ** min(attempts - 1, 20), 12 * HOUR)
    if again is None:
        assert at + 1.2 * wait > 1_000 + GIVEN_UP_AFTER
    else:
        assert 0.8 * wait - 1 <= again - at <= 1.2 * wait
        assert again <= 1_000 + 3 * DAY
    later = next_attempt(1_000, attempts + 1, at, chance)
    assert later is None or again is None or later >= again


def test_a_delivery_is_tried_for_about_three_days() -> None:
    for chance in (0.0, 0.5, 1.0):
        at, attempts, tried = 0, 1, [0]
        while (again := next_attempt(0, attempts, at, chance)) is not None:
            at, attempts = again, attempts + 1
            tried.append(at)
        assert 3 * DAY - 1.2 * LONGEST <= at <= 3 * DAY
        assert 10 <= len(tried) <= 18


async def test_what_is_never_taken_is_given_up_and_the_webhook_switched_off(lab: Lab) -> None:
    made = await lab.create()
    lab.receiver.statuses = [503]
    await lab.announce()

    for _ in range(40):
        await lab.deliver(6 * HOUR)

    [delivery] = await lab.told()
    assert (delivery["state"], delivery["nextAt"]) == ("FAILED", None)
    assert (await lab.shown())["disabledAt"] is None  # it may only have been one message
    await lab.announce()
    async with lab.api.db.write() as tx:  # as if that had been announced by the clock of the test
        moment = {"created_at": lab.clock(), "next_at": lab.clock()}
        await tx.execute(
            update(WebhookDelivery)
            .where(col(WebhookDelivery.next_at).is_not(None))
            .values(**moment)
        )
    await lab.deliver()
    assert (await lab.shown())["disabledAt"] is not None
    sent = len(lab.receiver.received)
    assert [each["state"] for each in await lab.told()] == ["FAILED", "FAILED"]
    await lab.announce()
    await lab.deliver(DAY)
    assert len(lab.receiver.received) == sent

    refused = await lab.api.ask(TEST, lab.key, id=made["webhook"]["id"])
    assert refused["webhookTest"]["userErrors"] == [{"code": "BAD_USER_INPUT"}]
    changes = {"enabled": True, "events": ["RETENTION_NOTICE"]}
    changed = await lab.api.ask(UPDATE, lab.key, id=made["webhook"]["id"], input=changes)
    assert changed["webhookUpdate"]["webhook"]["disabledAt"] is None
    lab.receiver.statuses = [204]
    await lab.api.ask(TEST, lab.key, id=made["webhook"]["id"])
    await lab.deliver()
    assert "DELIVERED" in {each["state"] for each in await lab.told()}


async def test_a_receiver_that_is_gone_is_not_asked_again(lab: Lab) -> None:
    await lab.create()
    lab.receiver.statuses = [410]
    await lab.announce()
    await lab.announce()
    await lab.deliver()
    await lab.deliver(DAY)
    assert len(lab.receiver.received) == 1
    assert (await lab.shown())["disabledAt"] is not None
    assert {each["state"] for each in await lab.told()} == {"FAILED"}


async def test_a_slow_receiver_is_not_waited_for_and_holds_up_no_other(lab: Lab) -> None:
    await lab.create()
    with receiving() as quick:
        await lab.create(url=quick.url)
        lab.receiver.seconds = 6.0
        lab.deliveries = lab.server(seconds=1.5)
        for _ in range(3):
            await lab.announce()
        await lab.deliver()
        assert len(quick.received) == 3
    errors = {
        each["lastError"]
        for webhook in (await lab.api.ask(LIST, lab.key))["webhooks"]["nodes"]
        for each in webhook["deliveries"]["nodes"]
    }
    assert errors == {None, "There was no answer in time."}


async def test_of_several_servers_one_delivers(any_lab: Lab) -> None:
    lab = any_lab
    await lab.create()
    for _ in range(12):
        await lab.announce()

    servers = [lab.server() for _ in range(3)]
    await asyncio.gather(*(server(asyncio.Event()) for server in servers))

    ids = [got.message_id for got in lab.receiver.received]
    assert (len(ids), len(set(ids))) == (12, 12)


async def test_what_a_server_that_died_had_claimed_is_sent_again_once_its_lease_is_over(
    any_lab: Lab,
) -> None:
    lab = any_lab
    await lab.create()
    await lab.announce()
    async with lab.api.db.write() as tx:
        [due] = (await tx.execute(select(WebhookDelivery))).all()
        assert await claim(tx, due, lab.clock() + LEASE) is not None
        assert await claim(tx, due, lab.clock() + LEASE) is None

    await lab.deliver(LEASE - SECOND)
    assert lab.receiver.received == []
    await lab.deliver(2 * SECOND)

    [got] = lab.receiver.received
    assert got.message_id == due.message_id
    assert (await lab.told())[0]["attempts"] == 2


async def test_an_export_that_ends_is_announced_with_its_end(any_lab: Lab) -> None:
    lab = any_lab
    await lab.create()
    colleague, stranger = a_user(), a_user()
    grant = a_grant(lab.experiment, colleague, can_export=True)
    await save(lab.api.db, colleague, stranger, grant)
    theirs = await lab.api.key_of(colleague.key)
    for who in (theirs, await lab.api.key_of(stranger.key)):
        asked = {"url": lab.receiver.url + who[:13], "events": ["EXPORT_FINISHED"]}
        await lab.api.ask(CREATE, who, input=asked)  # of their accounts
    completed, failed, rolled_back = [await _export(lab, colleague) for _ in range(3)]

    async with lab.api.db.write() as tx:
        for key in (completed, failed, rolled_back):
            row = await claim_export(tx, "h/1:1:1:a", now())
            assert row is not None
            assert row.id == key
            if key == completed:
                done = Done("exports/1/1/a.zip", "a.zip", 1, "00", 1, {})
                assert await complete(tx, row, done, now())
                assert not await complete(tx, row, done, now())
            elif key == failed:
                assert await fail(tx, row, Failed("STORAGE_FULL", "No space."))
            else:
                last = row
    with suppress(ZeroDivisionError):
        async with lab.api.db.write() as tx:
            assert await fail(tx, last, Failed("INTERNAL", "A bug."))
            raise ZeroDivisionError
    await lab.deliver()

    told = [(got.path, json.loads(got.body)["data"]) for got in lab.receiver.received]
    of_experiment = {"experimentId": lab.experiment["experiment_id"]}
    ends = [
        {**of_experiment, "exportId": global_id("Export", completed), "status": "COMPLETED"},
        {
            **of_experiment,
            "exportId": global_id("Export", failed),
            "status": "FAILED",
            "errorCode": "STORAGE_FULL",
        },
    ]
    paths = ("/hook?to=us", f"/hook?to=us{theirs[:13]}")
    assert sorted(map(str, told)) == sorted(str((path, end)) for path in paths for end in ends)


async def _export(lab: Lab, user: Row) -> int:
    values = {"requested_by_key": user.key, "recipe": {}, "created_at": now(), "format": "CSV"}
    kind = {"packaging": "ZIP", "anonymization": "KEEP"}
    async with lab.api.db.write() as tx:
        added = insert(Export).values(**values, **kind).returning(col(Export.id))
        key = await tx.scalar(added)
        assert key is not None
        drawn_on = {"export_key": key, "experiment_key": lab.experiment.key}
        await tx.execute(insert(ExportedExperiment).values(**drawn_on))
    return key


async def test_who_loses_an_experiment_or_their_account_is_told_no_more(lab: Lab) -> None:
    await lab.create()
    await lab.create(experimentId=None)
    heir = a_user()
    await save(lab.api.db, heir)
    await lab.announce()
    transfer = """mutation ($e: String!, $u: String!) {
      experimentTransfer(experimentId: $e, userId: $u, keepAccess: true) {
        userErrors { code } } }"""
    given = {"e": lab.experiment["experiment_id"], "u": heir["user_id"]}
    await lab.api.ask(transfer, lab.key, **given)
    await lab.announce()
    await lab.deliver()
    assert len(lab.receiver.received) == 2

    heirs = await lab.api.key_of(heir.key)
    asked = {"url": lab.receiver.url, "events": ["RETENTION_NOTICE"]}
    await lab.api.ask(CREATE, heirs, input=asked)
    async with lab.api.db.write() as tx:
        closed = update(User).where(col(User.id) == heir.key)
        await tx.execute(closed.values(disabled_at=now()))
    await lab.announce()
    await lab.deliver()
    assert len(lab.receiver.received) == 2


async def test_webhooks_are_their_owners_and_all_that_changes_them_is_noted(any_lab: Lab) -> None:
    lab = any_lab
    made = (await lab.create())["webhook"]
    viewer = a_user()
    await save(lab.api.db, viewer, a_grant(lab.experiment, viewer, can_export=True))
    theirs = await lab.api.key_of(viewer.key)

    assert (await lab.api.ask(LIST, theirs))["webhooks"]["nodes"] == []
    for document, field, arguments in (
        (UPDATE, "webhookUpdate", {"input": {"enabled": False}}),
        (DELETE, "webhookDelete", {}),
        (TEST, "webhookTest", {}),
    ):
        refused = (await lab.api.ask(document, theirs, id=made["id"], **arguments))[field]
        assert refused["userErrors"][0]["code"] == "NOT_FOUND"
    asked = {"url": PUBLIC, "events": ["EXPORT_FINISHED"]}
    of_it = {**asked, "experimentId": lab.experiment["experiment_id"]}
    refused = (await lab.api.ask(CREATE, theirs, input=of_it))["webhookCreate"]
    assert refused["userErrors"][0]["code"] == "FORBIDDEN"
    of_it = {"of": lab.experiment["experiment_id"]}
    assert (await lab.api.ask(LIST, lab.key, **of_it))["webhooks"]["totalCount"] == 1
    assert (await lab.api.ask(LIST, lab.key, of="exp\0none"))["webhooks"]["totalCount"] == 0

    await lab.announce()
    await lab.api.ask(TEST, lab.key, id=made["id"])
    await lab.api.ask(UPDATE, lab.key, id=made["id"], input={"url": PUBLIC, "enabled": False})
    gone = await lab.api.ask(DELETE, lab.key, id=made["id"])
    assert gone["webhookDelete"]["deletedId"] == made["id"]
    async with lab.api.db.read() as tx:
        assert (await tx.execute(select(WebhookDelivery))).all() == []
        noted = select(col(AuditEntry.action)).where(
            col(AuditEntry.resource) == made["id"],
            col(AuditEntry.experiment_id) == lab.experiment["experiment_id"],
        )
        assert list(await tx.scalars(noted)) == ["WEBHOOK_CHANGE"] * 4


async def test_an_experiment_has_room_for_twenty(lab: Lab) -> None:
    for _ in range(20):
        assert (await lab.create())["userErrors"] == []
    [error] = (await lab.create())["userErrors"]
    assert (error["code"], "20 webhooks" in error["message"]) == ("BAD_USER_INPUT", True)
    assert (await lab.create(experimentId=None))["userErrors"] == []


UNFIT = (
    *("", "x", "//a.example", "ftp://a.example/", "http://a.example/", "https:///x"),
    *("https://me@a.example/", "https://a.example/#x", "https://10.0.0.1/", "https://[::1]/"),
    *("https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "http://127.0.0.1/"),
    *("http://localhost:8000/", "https://192.168.0.1:8443/", f"https://a.example/{'x' * 2000}"),
)


async def test_a_webhook_leads_to_public_addresses_alone(api: Api) -> None:
    owner = a_user()
    await save(api.db, owner)
    key = await api.key_of(owner.key)
    for url in UNFIT:
        asked = {"url": url, "events": ["EXPORT_FINISHED"]}
        made = (await api.ask(CREATE, key, input=asked))["webhookCreate"]
        [error] = made["userErrors"]
        assert (error["code"], error["field"]) == ("BAD_USER_INPUT", ["input", "url"]), url
        assert made["webhook"] is None


PRIVATE = (
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"),
    *("192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::10.0.0.1", "::ffff:192.168.0.1", "64:ff9b::a00:1", "100::1", "fc00::1"),
    *("fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:a00:1::1"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_not_sent_to(address: str) -> None:
    assert not may_be_sent_to(ip_address(address), "https", loopback=False)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_a_public_address_is_sent_to_by_https(address: str) -> None:
    assert may_be_sent_to(ip_address(address), "https", loopback=False)
    assert not may_be_sent_to(ip_address(address), "http", loopback=True)


async def test_a_name_is_looked_up_when_it_is_sent_to_and_all_it_leads_to_is_looked_at(
    lab: Lab,
) -> None:
    loop = asyncio.get_running_loop()
    for found in (["10.0.0.1"], ["1.1.1.1", "127.0.0.1"]):
        answer = [(2, 1, 6, "", (address, 443)) for address in found]
        with patch.object(loop, "getaddrinfo", return_value=answer):
            message = Message("https://rebound.example/", (await lab.create())["secret"], "m", "")
            outcome = await Sender().send(message)
        assert outcome.error == "The name leads to an address that is not public."
    with pytest.raises(UnsafeTarget):
        await addresses_of(httpx2.URL("http://127.0.0.1/"), loopback=False)
    assert lab.receiver.received == []


async def test_what_is_connected_to_is_the_address_that_was_looked_at(lab: Lab) -> None:
    """The name is not asked again, and is still what the receiver is called."""
    port = httpx2.URL(lab.receiver.url).port
    secret = (await lab.create())["secret"]
    loop, asked = asyncio.get_running_loop(), list[str]()
    known = loop.getaddrinfo

    async def once(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return await known("127.0.0.1", *arguments, **options)

    with patch.object(loop, "getaddrinfo", once):
        message = Message(f"http://hooks.example:{port}/x", secret, "m", "{}")
        outcome = await Sender(loopback=True).send(message)
    assert outcome.is_taken
    assert asked[0] == "hooks.example"
    assert "hooks.example" not in asked[1:]
    assert lab.receiver.received[0].headers["host"] == f"hooks.example:{port}"


async def test_what_is_over_is_forgotten_after_a_month(lab: Lab) -> None:
    await lab.create()
    await lab.announce()
    await lab.deliver()
    await lab.deliver(29 * DAY)
    assert len(await lab.told()) == 1
    await lab.deliver(2 * DAY)
    assert await lab.told() == []


async def test_a_server_delivers_by_itself(tmp_path: Path, receiver: Receiver) -> None:
    async with opened(tmp_path, chores=True, webhook_loopback=True) as api:
        owner = a_user()
        await save(api.db, owner)
        key = await api.key_of(owner.key)
        asked = {"url": receiver.url, "events": ["EXPORT_FINISHED"]}
        made = (await api.ask(CREATE, key, input=asked))["webhookCreate"]
        await api.ask(TEST, key, id=made["webhook"]["id"])
        await until_true(lambda: bool(receiver.received))
    [got] = receiver.received
    assert Verifier(made["secret"]).verify(got.body, got.headers)["type"] == "ping"
    async with opened(tmp_path) as again, again.db.read() as tx:
        assert await tx.scalar(select(col(WebhookDelivery.state))) == "DELIVERED"
        assert await tx.scalar(select(col(Webhook.failing_since))) is None
