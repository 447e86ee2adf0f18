"""Erasure: what is to go goes, everywhere; what is others' stays; and a receipt says so."""

import json
import logging
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from server import chores
from server.erasure.command import verify
from server.erasure.mentions import Tombstones
from server.erasure.receipts import holds
from server.erasure.subjects import Subject
from server.global_ids import type_and_key
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.participants import Participant, Pseudonym
from server.records.users import User
from server.settings import Settings
from tests.conftest import Api, opened
from tests.erasing import (
    ASK,
    IDENTIFIERS,
    LOOK,
    MEDIA,
    NAME,
    PERSON,
    Planted,
    left_in_files,
    left_in_tables,
    rows_of,
    without,
)
from tests.partitioned import move

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "TICK_SECONDS", 0.05)


@pytest.fixture
async def planted(tmp_path: Path) -> AsyncGenerator[Planted]:
    """A person named everywhere, where erasures begin at once."""
    async with opened(tmp_path, chores=True, erasure_grace_days=0) as api:
        made = Planted(api, tmp_path)
        await made.save()
        yield made


@pytest.fixture
async def anywhere(tmp_path: Path, any_url: str) -> AsyncGenerator[Planted]:
    async with opened(tmp_path, database_url=any_url, chores=True, erasure_grace_days=0) as api:
        made = Planted(api, tmp_path)
        await made.save()
        yield made


@pytest.fixture
async def waiting(tmp_path: Path) -> AsyncGenerator[Planted]:
    """The same, where erasures wait for a week."""
    async with opened(tmp_path) as api:
        made = Planted(api, tmp_path)
        await made.save()
        yield made


async def test_nothing_is_left_of_a_person_and_all_of_others(
    anywhere: Planted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    planted = anywhere
    caplog.set_level(logging.INFO)
    db, keys = planted.api.db, (planted.person.key, planted.again.key)
    assert len(await left_in_tables(db, *IDENTIFIERS)) > 30

    def others(model: Any) -> Any:
        return col(model.participant_key).not_in(keys)

    before = await rows_of(db, others)

    erasure = await planted.confirmed()
    done = await planted.completed(erasure)

    found = type_and_key(erasure)
    assert found is not None
    left = await left_in_tables(db, *IDENTIFIERS)
    assert not left, left
    assert left_in_files(tmp_path, *IDENTIFIERS, MEDIA) == []
    assert not any(each in caplog.text for each in IDENTIFIERS)
    assert without(before, f"erased-{found[1]}") == json.loads(
        json.dumps(await rows_of(db, others), default=str)
    )
    async with db.read() as tx:
        there = select(func.count()).where(col(Participant.id).in_(keys))
        assert await tx.scalar(there) == 0
        assert await tx.scalar(select(func.count()).select_from(User)) == 1
    assert done["participant"] is None
    assert done["removedCount"] == done["totalCount"] == 17
    assert done["reason"] == "[erased] asked for it"
    assert (await planted.api.http.get(planted.link)).status_code == 410


async def test_a_receipt_tells_what_went_and_holds(planted: Planted) -> None:
    done = await planted.completed(await planted.confirmed())

    receipt = done["receipt"]
    signer = planted.api.app.state.services.signer
    assert holds(receipt, signer)
    assert not holds({**receipt, "completedAt": receipt["startedAt"]}, signer)
    gone = receipt["deleted"]
    two_more = {"CHAT_MESSAGES", "RECORDINGS", "EVENTS"}
    assert gone["records"] == {each.name: 3 if each.name in two_more else 2 for each in RecordType}
    assert (gone["mediaFiles"], gone["mediaBytes"]) == (1, len(MEDIA))
    assert (gone["participants"], gone["codes"], gone["quarantined"]) == (2, 1, 1)
    assert gone["accounts"] == 1
    assert receipt["tombstones"]["ChatMessage"] == 3
    assert receipt["tombstones"]["Event"] == 3
    [export] = receipt["exports"]
    assert export["export"] == planted.export
    assert [each["by"] for each in export["downloads"]] == [planted.owner["user_id"]]
    assert receipt["requestedBy"] == planted.owner["user_id"]
    assert receipt["database"]["found"] == 0
    text = json.dumps(receipt)
    assert not any(each in text for each in IDENTIFIERS)


async def test_asking_again_gives_the_same_erasure(planted: Planted) -> None:
    api, key = planted.api, planted.key
    first = (await api.ask(ASK, key, input=planted.erasing))["participantErase"]["preview"]
    confirmed = {**planted.erasing, "confirm": first["confirm"]}
    once = (await api.ask(ASK, key, input=confirmed))["participantErase"]["erasure"]["id"]

    assert (await api.ask(ASK, key, input=confirmed))["participantErase"]["erasure"]["id"] == once
    await planted.completed(once)
    for asked in (confirmed, planted.erasing):
        again = (await api.ask(ASK, key, input=asked))["participantErase"]
        assert (again["erasure"]["id"], again["preview"]) == (once, None)


async def test_a_preview_counts_and_changes_nothing(waiting: Planted) -> None:
    before = await rows_of(waiting.api.db)

    asked = (await waiting.api.ask(ASK, waiting.key, input=waiting.erasing))["participantErase"]

    found = asked["preview"]
    assert asked["erasure"] is None
    assert found["participantCount"] == 2
    assert sum(each["recordCount"] for each in found["records"]) == 17
    assert (found["mediaCount"], found["quarantinedCount"], found["graceDays"]) == (1, 1, 7)
    assert [each["exportId"] for each in found["exports"]] == [waiting.export]
    assert await rows_of(waiting.api.db) == before


async def test_an_erasure_can_be_canceled_until_it_begins(waiting: Planted) -> None:
    cancel = """mutation ($id: ID!) { participantErasureCancel(id: $id) {
      userErrors { code } erasure { status } } }"""
    erasure = await waiting.confirmed()
    listed = """query ($e: String!) { erasures(experimentId: $e) {
      nodes { id status participant { participantId } } } }"""
    exp = waiting.experiment["experiment_id"]
    [shown] = (await waiting.api.ask(listed, waiting.key, e=exp))["erasures"]["nodes"]
    assert shown["participant"] == {"participantId": PERSON}

    for codes, status in ((0, "CANCELED"), (1, None)):
        answer = await waiting.api.ask(cancel, waiting.key, id=erasure)
        done = answer["participantErasureCancel"]
        assert len(done["userErrors"]) == codes
        assert (done["erasure"] or {"status": None})["status"] == status

    assert await waiting.confirmed() != erasure


@pytest.mark.parametrize("spoil", ["x", "other"])
async def test_a_token_confirms_only_what_it_was_given_for(waiting: Planted, spoil: str) -> None:
    first = (await waiting.api.ask(ASK, waiting.key, input=waiting.erasing))["participantErase"]
    token = first["preview"]["confirm"]
    asked = {**waiting.erasing, "confirm": token + spoil}
    if spoil == "other":
        asked |= {"confirm": token, "participantId": waiting.partner["participant_id"]}

    refused = (await waiting.api.ask(ASK, waiting.key, input=asked))["participantErase"]

    assert [each["code"] for each in refused["userErrors"]] == ["BAD_USER_INPUT"]


async def test_keys_and_codes_of_an_erased_person_are_given_to_nobody(planted: Planted) -> None:
    api = planted.api
    await planted.completed(await planted.confirmed())
    add = """mutation ($r: String!) { participantUpsert(input: {
      roomId: $r, participantId: "somebody-new"}) { participant { id } } }"""

    made = await api.ask(add, planted.key, r=planted.room["room_id"])

    known = type_and_key(made["participantUpsert"]["participant"]["id"])
    assert known is not None
    assert known[1] > max(planted.person.key, planted.again.key, planted.twin.key)
    await api.ask(
        """mutation ($e: String!) { exportCreate(input: {experimentIds: [$e]}) {
          export { id } } }""",
        planted.key,
        e=planted.experiment["experiment_id"],
    )
    async with api.db.read() as tx:
        codes = (await tx.scalars(select(col(Pseudonym.code)))).all()
    assert "P0009" not in codes
    assert max(codes) > "P0009"


async def test_a_whole_experiment_goes(anywhere: Planted, tmp_path: Path) -> None:
    planted = anywhere
    api, key = planted.api, planted.key
    ask = """query ($id: ID!) { experimentDeletePreview(id: $id) { preview {
      participantCount confirm } } }"""
    delete = """mutation ($id: ID!, $c: String!) { experimentDelete(id: $id, confirm: $c) {
      deletedId userErrors { code message } } }"""
    list_ = "query ($e: String!) { erasures(experimentId: $e) { nodes { id } } }"
    look = "query ($e: String!) { experiment(experimentId: $e) { id } }"
    exp = planted.experiment["experiment_id"]
    node = (await api.ask(look, key, e=exp))["experiment"]["id"]
    found = (await api.ask(ask, key, id=node))["experimentDeletePreview"]["preview"]
    assert found["participantCount"] == 4
    refused = (await api.ask(delete, key, id=node, c="yes"))["experimentDelete"]
    assert refused["userErrors"][0]["code"] == "BAD_USER_INPUT"

    await move(api.db)  # so that PostgreSQL drops what it has in partitions of its own

    done = (await api.ask(delete, key, id=node, c=found["confirm"]))["experimentDelete"]

    assert done == {"deletedId": node, "userErrors": []}
    [erasure] = (await api.ask(list_, key, e=exp))["erasures"]["nodes"]
    receipt = (await planted.completed(erasure["id"]))["receipt"]
    assert sum(receipt["deleted"]["records"].values()) == 4 * 7 + 3 + 9
    assert receipt["deleted"]["participants"] == 4
    assert len(receipt["contentHash"]) == 64
    assert await left_in_tables(api.db, *IDENTIFIERS) == []
    assert left_in_files(tmp_path, *IDENTIFIERS, MEDIA) == []
    async with api.db.read() as tx:
        assert not (await tx.scalars(select(col(Experiment.id)))).all()


async def test_others_may_neither_ask_nor_see(waiting: Planted) -> None:
    erasure = await waiting.confirmed()
    key = await waiting.api.key_of(waiting.account.key)

    refused = (await waiting.api.ask(ASK, key, input=waiting.erasing))["participantErase"]

    assert refused["userErrors"][0]["code"] in ("NOT_FOUND", "FORBIDDEN")
    assert (await waiting.api.ask(LOOK, key, id=erasure))["erasure"] is None


async def test_the_audit_log_is_whole_and_tells_of_it(planted: Planted) -> None:
    from server.auditing.checking import check

    await planted.completed(await planted.confirmed())

    assert (await check(planted.api.db, None)).is_whole
    log = """{ auditLog(filter: {action: {in: [ERASE]}}) { nodes { resource actorId } } }"""
    entries = (await planted.api.ask(log, planted.key))["auditLog"]["nodes"]
    assert len(entries) == 2


async def test_no_key_is_given_twice_by_sqlite(api: Api) -> None:
    async with api.db.read() as tx:
        made = (
            await tx.exec_driver_sql("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCR%'")
        ).all()
    names = {name for (name,) in made}
    assert {each.value.model.table_name() for each in RecordType} <= names
    assert {"experiment", "room", "participant", "user", "erasure", "export"} <= names


@pytest.mark.parametrize(
    ("known", "text", "left"),
    [
        ({"others": ("person1-twin",)}, "person1 and person1-twin", "erased-7 and person1-twin"),
        ({"names": ("Will",)}, "Will Willis, WILL!", "[erased] Willis, [erased]!"),
        ({"contacts": ("10.0.0.1",)}, "10.0.0.1, 10.0.0.12", "[erased], 10.0.0.12"),
        ({"names": ("Ann",), "other_names": ("Ann Li",)}, "Ann, Ann Li", "[erased], Ann Li"),
        ({"contacts": ("person1@x.org",)}, "to Person1@x.org", "to [erased]"),
        ({"participant_id": "p1"}, "p1 p12 xp1 p1", "erased-7 p12 xp1 erased-7"),
        ({"participant_id": "4"}, "4 of 4", "4 of 4"),
    ],
)
def test_a_tombstone_takes_the_place_of_what_is_theirs_alone(
    known: dict[str, Any], text: str, left: str
) -> None:
    subject = Subject(**{"participant_id": "person1", "tombstone": "erased-7", **known})

    assert Tombstones(subject).text(text) == left


async def test_a_receipt_is_verified_at_the_command_line(planted: Planted, tmp_path: Path) -> None:
    receipt = (await planted.completed(await planted.confirmed()))["receipt"]
    file, settings = tmp_path / "receipt.json", Settings(data_dir=tmp_path)

    for said, ends in ((receipt, 0), ({**receipt, "kind": "EXPERIMENT"}, 1), ("none", 1)):
        file.write_text(json.dumps(said))
        assert verify(settings, file) == ends


WITHDRAW = """mutation ($input: WithdrawalInput!) { participantWithdraw(input: $input) {
  withdrawal { id } userErrors { message } } }"""
LIFT = """mutation ($id: ID!) { participantWithdrawalLift(id: $id) {
  userErrors { message } } }"""
TOKEN = """mutation ($input: ParticipantTokenInput!) { participantTokenCreate(input: $input) {
  userErrors { message } } }"""


async def test_nothing_is_left_of_who_had_withdrawn_either(
    anywhere: Planted, tmp_path: Path
) -> None:
    planted, api = anywhere, anywhere.api

    async def withdrawn(who: str, **changes: Any) -> str:
        asked = {**planted.erasing, "participantId": who, **changes}
        done = (await api.ask(WITHDRAW, planted.key, input=asked))["participantWithdraw"]
        assert done["userErrors"] == []
        withdrawal: str = done["withdrawal"]["id"]
        return withdrawal

    def others(model: Any) -> Any:
        return col(model.participant_key).not_in((planted.person.key, planted.again.key))

    before = await rows_of(api.db, others)
    partner = planted.partner["participant_id"]
    said = await withdrawn(partner, dataTypes=["CHAT_MESSAGES"], reason=f"Because of {NAME}")
    token = (await api.ask(TOKEN, planted.key, input=planted.erasing))["participantTokenCreate"]
    assert token["userErrors"] == []
    await withdrawn(PERSON, reason=f"{NAME} asked")
    assert any("sealed_record" in each for each in await left_in_tables(api.db, PERSON))

    erasure = await planted.confirmed()
    done = await planted.completed(erasure)

    left = await left_in_tables(api.db, *IDENTIFIERS)
    assert not left, left
    assert left_in_files(tmp_path, *IDENTIFIERS, MEDIA) == []
    gone = done["receipt"]["deleted"]
    assert gone["sealedRecords"] == done["removedCount"] == done["totalCount"]
    assert gone["records"] == {}
    assert (gone["mediaFiles"], gone["agreements"]) == (1, 2)
    found = type_and_key(erasure)
    assert found is not None
    lifted = (await api.ask(LIFT, planted.key, id=said))["participantWithdrawalLift"]
    assert lifted["userErrors"] == []
    after = json.loads(json.dumps(await rows_of(api.db, others), default=str))
    expected = without(before, f"erased-{found[1]}")
    assert [row["content"] for row in after["CHAT_MESSAGES"]] == [
        row["content"] for row in expected["CHAT_MESSAGES"]
    ]
    assert after["EVENTS"] == expected["EVENTS"]
