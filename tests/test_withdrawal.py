"""Withdrawal: nobody is told of who is gone, whichever way one looks; lifting puts all back."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select, update

from server.records import RecordType
from server.records.sealed import SealedParticipant, SealedRecord
from server.records.withdrawals import Withdrawal
from server.sealing import people, records, restoring
from server.sealing.sealer import Sealer
from server.sealing.store import delete_of, sealed_counts, sealed_recordings
from server.timestamps import iso, now
from tests import asking
from tests.asking import CREATE, ERRORS
from tests.conftest import Api
from tests.factories import an_event, save
from tests.following import ADDED, following
from tests.job_queue import FILES, until
from tests.sending import INGEST, a_sent
from tests.withdrawals_lab import GONE, SECRET, Lab, a_lab

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an answer wait until all is sealed, however busy the machine is."""
    monkeypatch.setattr("server.resolvers.withdrawals.WAIT_SECONDS", 120)


@pytest.fixture
async def lab(any_api: Api) -> Lab:
    return await a_lab(any_api)


@pytest.fixture
async def here(api: Api) -> Lab:
    """A lab on SQLite, for what both databases do alike."""
    return await a_lab(api)


def tells(text: str) -> bool:
    return GONE in text or SECRET in text or "203.0.113.77" in text


async def test_nobody_is_told_of_who_has_withdrawn(lab: Lab) -> None:
    everybody = ("owner", "viewer", "administrator", "partner", "gone")
    before = await lab.everything("owner")
    assert tells(before)
    assert '"errors"' not in before

    withdrawal = await lab.withdrawn(reason="I changed my mind")

    assert withdrawal["sealedAt"] is not None
    assert {each["dataType"]: each["count"] for each in withdrawal["sealed"]} == {
        each.name: 2 for each in RecordType
    }
    for who in everybody if lab.api.db.file else ("owner", "viewer"):
        told = await lab.everything(who)
        assert not tells(told), who
        assert '"errors"' not in told


async def test_lifting_puts_every_row_back(lab: Lab) -> None:
    before = await lab.rows()
    codes = await _codes(lab)
    withdrawal = await lab.withdrawn()
    assert {len(rows) for rows in (await lab.rows()).values()} == {1, 2}, "the partner's"
    assert await _codes(lab) == codes - {GONE}

    lifted = (await lab.lift(withdrawal["id"]))["withdrawal"]

    assert lifted["restoredAt"] is not None
    assert lifted["sealed"] == []
    assert await lab.rows() == before
    assert await _codes(lab) == codes
    async with lab.api.db.read() as tx:
        for model in (SealedRecord, SealedParticipant):
            assert await tx.scalar(select(func.count()).select_from(model)) == 0


async def _codes(lab: Lab) -> set[str]:
    wanted = {"experimentIds": [lab.experiment["experiment_id"]]}
    await lab.api.ask(CREATE, await lab.key("owner"), input=wanted)  # gives codes
    query = """query ($e: String!) { experiment(experimentId: $e) {
      participantCodes { totalCount nodes { participantId } } } }"""
    key, experiment = await lab.key("owner"), lab.experiment["experiment_id"]
    page = (await lab.api.ask(query, key, e=experiment))["experiment"]["participantCodes"]
    found = {each["participantId"] for each in page["nodes"]}
    assert page["totalCount"] == len(found)
    return found


async def test_consent_is_taken_back_type_by_type(lab: Lab) -> None:
    before = await lab.rows()
    first = await lab.withdrawn(dataTypes=["EVENTS", "CHAT_MESSAGES"])
    second = await lab.withdrawn(dataTypes=["CHAT_MESSAGES"])

    there = await lab.rows()
    kept = {name: len(rows) for name, rows in there.items() if len(rows) == len(before[name])}
    assert set(before) - set(kept) == {"event", "chat_message"}
    events, ratings = (
        a_sent(each, lab.room, lab.gone) for each in (RecordType.EVENTS, RecordType.SPARSE_RATINGS)
    )
    answer = await _sent(lab, events, ratings)
    assert [(each["index"], each["code"]) for each in answer["refused"]] == [
        (0, "CONSENT_WITHDRAWN")
    ]
    assert answer["acceptedCount"] == 1
    await lab.lift(first["id"])
    there = await lab.rows()
    assert there["event"] == before["event"]
    assert len(there["chat_message"]) == 2
    await lab.lift(second["id"])
    assert (await lab.rows())["chat_message"] == before["chat_message"]


async def test_nothing_of_who_has_withdrawn_comes_in(lab: Lab) -> None:
    key = await lab.key("owner")
    wrong = a_sent(RecordType.EVENTS, lab.room, lab.gone) | {"eventType": 1, "x": SECRET}
    upload = await _upload(lab, key)
    await lab.withdrawn()
    records = [a_sent(each, lab.room, lab.gone) for each in RecordType]
    mentioning = a_sent(
        RecordType.CHAT_MESSAGES, lab.room, lab.partner, recipientIds=[GONE], content="again"
    )

    answer = await _sent(lab, *records, wrong, mentioning)

    assert answer["acceptedCount"] == 1
    assert [each["code"] for each in answer["refused"][:7]] == ["CONSENT_WITHDRAWN"] * 7
    lines = "\n".join(map(json.dumps, records))
    headers = {"X-API-Key": key, "Content-Type": "application/x-ndjson"}
    told = (await lab.api.http.post("/ingest", content=lines, headers=headers)).json()
    assert {each["code"] for each in told["refused"]} == {"CONSENT_WITHDRAWN"}
    upsert = f"""mutation ($r: String!, $p: String!) {{
      participantUpsert(input: {{roomId: $r, participantId: $p}}) {{
        participant {{ id }} {ERRORS} }} }}"""
    payload = (await lab.api.ask(upsert, key, r=lab.room["room_id"], p=GONE))["participantUpsert"]
    assert [each["code"] for each in payload["userErrors"]] == ["CONSENT_WITHDRAWN"]
    assert (await lab.api.http.put(upload, content=b"x")).status_code == 404
    assert not tells(await lab.stored())
    again = await _sent(lab, mentioning)
    assert again["unchangedCount"] == 1, "what was sent before is known, whoever has withdrawn"


async def _sent(lab: Lab, *records: Any) -> dict[str, Any]:
    answer = await lab.api.ask(INGEST, await lab.key("owner"), records=list(records))
    payload: dict[str, Any] = answer["recordsIngest"]
    return payload


async def _upload(lab: Lab, key: str) -> str:
    recording = a_sent(RecordType.RECORDINGS, lab.room, lab.gone)
    await _sent(lab, recording)
    asked = {
        "experimentId": lab.experiment["experiment_id"],
        "recordingId": recording["recordingId"],
        "fileName": "a.webm",
        "fileSize": 1,
    }
    query = """mutation ($input: RecordingUploadInput!) { recordingUploadCreate(input: $input) {
      upload { uploadUrl } } }"""
    made = await lab.api.ask(query, key, input=asked)
    url: str = made["recordingUploadCreate"]["upload"]["uploadUrl"]
    return url


async def test_exports_leave_out_who_has_withdrawn_and_say_so(lab: Lab, tmp_path: Path) -> None:
    here = {"experimentIds": [lab.experiment["experiment_id"]], "format": "JSON"}
    kinds: list[dict[str, Any]] = [
        {"anonymization": "KEEP", "packaging": "ZIP"},
        {"anonymization": "REMOVE_IDENTIFIERS", "packaging": "SINGLE_FILE"},
        {"anonymization": "AGGREGATE_ONLY", "packaging": "ZIP"},
    ]
    key = await lab.key("owner")
    async with asking.working(asking_lab(lab, tmp_path)):
        before = [await _exported(lab, tmp_path, **here, **kind) for kind in kinds]
        assert tells(before[0].text)
        media = await _links(lab)
        assert [each.status_code for each in media] == [200, 200]
        links = [await _link(lab, each.id) for each in before]
        assert [(await lab.api.http.get(each)).status_code for each in links] == [200] * 3

        await lab.withdrawn()

        assert [(await lab.api.http.get(each)).status_code for each in links] == [410] * 3
        assert [each.status_code for each in await _links(lab)] == []
        assert [(await lab.api.http.get(str(each.url))).status_code for each in media] == [404, 404]
        assert not any(each.path.exists() for each in before)
        since = {"since": before[0].id}
        snapshot = {"snapshot": before[0].manifest["recipe"]["snapshot"]}
        await save(lab.api.db, an_event(lab.partner))
        asked = [*kinds, {**kinds[0], **since}, {**kinds[0], **snapshot}]
        after = [await _exported(lab, tmp_path, **here, **each) for each in asked]
    for each in after:
        assert not tells(each.text)
        for entry in each.manifest["ledger"]:
            withheld = {one["reason"]: one["count"] for one in entry["withheld"]}
            assert entry["selected"] == entry["written"] + sum(withheld.values())
            newer = each is after[-2]
            assert withheld.get("CONSENT_WITHDRAWN", 0) == (0 if newer else 2)
    estimate = """query ($i: ExportInput!) { exportEstimate(input: $i) {
      withheld { reason dataType count } } }"""
    wanted = {**here, "anonymization": "KEEP"}
    found = (await lab.api.ask(estimate, key, i=wanted))["exportEstimate"]["withheld"]
    assert {(each["reason"], each["count"]) for each in found} == {("CONSENT_WITHDRAWN", 2)}
    assert len(found) == len(RecordType)


@dataclass(frozen=True)
class _Export:
    id: str
    path: Path
    manifest: dict[str, Any]

    @property
    def text(self) -> str:
        if self.path.suffix != ".zip":
            return self.path.read_text()
        with ZipFile(self.path) as archive:
            members = [archive.read(name) for name in archive.namelist()]
            return "".join(archive.namelist()) + b"".join(members).decode()


def asking_lab(lab: Lab, folder: Path) -> asking.Lab:
    return asking.Lab(lab.api, folder)


async def _exported(lab: Lab, folder: Path, **wanted: Any) -> _Export:
    made = await lab.api.ask(CREATE, await lab.key("owner"), input=wanted)
    assert made["exportCreate"]["userErrors"] == []
    id_ = made["exportCreate"]["export"]["id"]
    row = await until(lab.api.db, asking.key_of(id_), "COMPLETED")
    return _Export(id_, folder / FILES / row.storage_key, row.manifest)


async def _link(lab: Lab, id_: str) -> str:
    query = "query ($id: ID!) { export(id: $id) { downloadUrl } }"
    found = await lab.api.ask(query, await lab.key("owner"), id=id_)
    url: str = found["export"]["downloadUrl"]
    return url


async def _links(lab: Lab) -> list[Any]:
    """Follow the links of all recordings that have a file."""
    query = """query ($r: String!) { room(roomId: $r) { recordings { nodes { downloadUrl } } } }"""
    shown = await lab.api.ask(query, await lab.key("owner"), r=lab.room["room_id"])
    urls = [each["downloadUrl"] for each in shown["room"]["recordings"]["nodes"]]
    for row in lab.theirs:
        if "storage_key" in row:
            await lab.api.app.state.services.storage.put(row["storage_key"], b"x")
    return [await lab.api.http.get(url) for url in urls if url]


async def test_an_export_that_is_being_written_is_written_anew(here: Lab, tmp_path: Path) -> None:
    withdrawn: list[Any] = []

    async def meanwhile() -> None:
        if not withdrawn:
            withdrawn.append(await here.withdrawn())

    wanted = {"experimentIds": [here.experiment["experiment_id"]], "anonymization": "KEEP"}
    async with asking.working(asking_lab(here, tmp_path), meanwhile):
        export = await _exported(here, tmp_path, **wanted)

    assert withdrawn
    assert not tells(export.text)
    withheld = [entry["withheld"] for entry in export.manifest["ledger"]]
    assert withheld == [[{"reason": "CONSENT_WITHDRAWN", "count": 2}]] * len(RecordType)


async def test_who_withdraws_is_told_to_no_follower(here: Lab) -> None:
    room = here.room["room_id"]
    counts = "subscription ($e: String!) { experimentActivity(experimentId: $e) { __typename } }"
    e = here.experiment["experiment_id"]
    viewer = here.users["viewer"]
    async with (
        following(here.api, viewer, ADDED, room=room, type="EVENTS") as records,
        following(here.api, viewer, counts, e=e) as activity,
    ):
        await activity.next()
        assert (await records.next())["records"] == []
        listening = asyncio.create_task(records.next())
        withdrawal = await here.withdrawn()
        await here.lift(withdrawal["id"])
        await here.withdrawn()
        await activity.next()
        await save(here.api.db, an_event(here.partner, event_id="evt_partner"))
        told = await asyncio.wait_for(listening, 20)

    assert [each["eventId"] for each in told["records"]] == ["evt_partner"]


async def test_it_begins_when_it_is_to(here: Lab) -> None:
    await here.withdrawn(**{"from": iso(now() + 3_600_000)})
    assert tells(await here.stored())
    assert (await _sent(here, a_sent(RecordType.EVENTS, here.room, here.gone)))["refused"] == []

    async with here.api.db.write() as tx:
        await tx.execute(update(Withdrawal).values(from_at=now() - 1))
    refused = (await _sent(here, a_sent(RecordType.EVENTS, here.room, here.gone)))["refused"]
    assert [each["code"] for each in refused] == ["CONSENT_WITHDRAWN"]
    await Sealer(here.api.db, here.api.app.state.services.storage).run(asyncio.Event())

    assert not tells(await here.stored())


async def test_sealing_goes_on_from_wherever_it_was_broken_off(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is one transaction: a server that dies leaves what whole steps have done."""
    for module in (people, records, restoring):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr("server.resolvers.withdrawals.WAIT_SECONDS", 0)
    before, storage = await lab.rows(), lab.api.app.state.services.storage
    withdrawal = await lab.withdrawn()
    steps = 0
    while await _one_step_that_dies_at_its_end(lab, storage):
        steps += 1
        assert await Sealer(lab.api.db, storage).step()
    assert steps > 2 * len(RecordType)
    assert not tells(await lab.stored())

    await lab.lift(withdrawal["id"])
    while await _one_step_that_dies_at_its_end(lab, storage):
        assert await Sealer(lab.api.db, storage).step()

    assert await lab.rows() == before


async def _one_step_that_dies_at_its_end(lab: Lab, storage: Any) -> bool:
    """Take a step of which nothing is committed; False if there is none to take."""

    class Died(Exception):
        pass

    class Dying(Sealer):
        async def _carry_out(self, tx: Any, withdrawal: Any) -> None:
            await super()._carry_out(tx, withdrawal)
            raise Died

    try:
        return await Dying(lab.api.db, storage).step()
    except Died:
        return True


async def test_only_who_may_withdraws_somebody(here: Lab) -> None:
    for who in ("viewer", "partner"):
        assert (await here.withdraw(who))["userErrors"][0]["code"] in ("FORBIDDEN", "NOT_FOUND")
    nobody = await here.withdraw(participantId="nobody")
    assert [each["code"] for each in nobody["userErrors"]] == ["NOT_FOUND"]

    own = await here.withdrawn("gone")
    assert (await here.withdrawn())["id"] == own["id"], "it was withdrawn before"

    assert (await here.lift(own["id"], "viewer"))["userErrors"] == [{"code": "NOT_FOUND"}]
    assert (await here.lift(own["id"], "partner"))["userErrors"] == [{"code": "NOT_FOUND"}]
    query = """query ($e: String!) { experiment(experimentId: $e) { withdrawals {
      totalCount nodes { participantId sealed { count } } } } }"""
    e = here.experiment["experiment_id"]
    for who, shown in {"owner": True, "administrator": True, "viewer": False}.items():
        found = (await here.api.ask(query, await here.key(who), e=e))["experiment"]["withdrawals"]
        assert (found is not None) == shown
        assert not shown or found["nodes"][0]["participantId"] == GONE
    assert (await here.lift(own["id"], "gone"))["withdrawal"]["restoredAt"] is not None


async def test_a_sealed_key_is_nobody_elses(lab: Lab) -> None:
    """Neither a participant's, nor a record's that cannot be had again."""
    before = await lab.rows()
    withdrawal = await lab.withdrawn()
    upsert = """mutation ($r: String!) {
      participantUpsert(input: {roomId: $r, participantId: "new"}) { participant { id } } }"""
    made = await lab.api.ask(upsert, await lab.key("owner"), r=lab.room["room_id"])
    new = {"participant_id": "new"}
    records = [a_sent(each, lab.room, new) for each in RecordType for _ in range(3)]
    assert (await _sent(lab, *records))["refused"] == []
    asked = "query ($id: ID!) { node(id: $id) { ... on Participant { participantId } } }"
    id_ = made["participantUpsert"]["participant"]["id"]
    assert (await lab.api.ask(asked, await lab.key("owner"), id=id_))["node"] == {
        "participantId": "new"
    }

    assert (await lab.lift(withdrawal["id"]))["withdrawal"]["restoredAt"] is not None

    after = await lab.rows()
    for name, rows in before.items():
        told = [{k: v for k, v in row.items() if k != "id"} for row in after[name]]
        for row in rows:
            assert {k: v for k, v in row.items() if k != "id"} in told
    assert {row["id"] for row in before["participant"]} < {
        row["id"] for row in after["participant"]
    }


async def test_onsets_follow_a_start_that_is_corrected_meanwhile(here: Lab) -> None:
    before = await here.rows()
    withdrawal = await here.withdrawn()
    moved = iso(here.room["experiment_start"] + 500)
    query = """mutation ($e: String!, $r: String!, $at: DateTime) { roomUpsert(
      input: {experimentId: $e, roomId: $r, experimentStart: $at}) { room { id } } }"""
    places = {"e": here.experiment["experiment_id"], "r": here.room["room_id"]}
    await here.api.ask(query, await here.key("owner"), **places, at=moved)

    await here.lift(withdrawal["id"])

    after = await here.rows()
    assert [row["onset"] for row in after["event"]] == [
        row["onset"] - 500 for row in before["event"]
    ]


async def test_what_is_sealed_can_be_counted_and_deleted(here: Lab) -> None:
    await here.withdrawn()
    async with here.api.db.write() as tx:
        counts = await sealed_counts(tx, [here.gone.key])
        recordings = await sealed_recordings(tx, here.gone.key)
        deleted = 0
        while some := await delete_of(tx, here.gone.key, 4):
            deleted += some
        left = await tx.scalar(select(func.count()).select_from(SealedParticipant))
    assert counts == dict.fromkeys(RecordType, 2)
    assert len(list(filter(None, recordings.values()))) == 2
    assert deleted == 2 * len(RecordType) + 1, "and what had been in quarantine"
    assert left == 0
