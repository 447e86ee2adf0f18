"""Each sensitive act is in the audit log, once, of the right experiment, from where, and why."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import pytest
from sqlalchemy import event, select
from sqlmodel import col

from server.db import Database
from server.global_ids import global_id
from server.records.audit import AuditEntry
from server.resolvers import context
from server.storage import Storage
from server.timestamps import parse
from tests import scheduled
from tests.asking import CREATE
from tests.conftest import Api, LiveServer
from tests.factories import (
    Row,
    a_grant,
    a_participant,
    a_recording,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.test_sockets import a_socket, ask, enter, hear

pytestmark = pytest.mark.anyio

SECRET = "jane@example.org"
IDENTIFIED = """query ($id: String!) { experiment(experimentId: $id) {
  participants { nodes { id email } } } }"""
PLAIN = "query ($id: String!) { experiment(experimentId: $id) { participants { nodes { id } } } }"
CODES = """query ($id: String!) { experiment(experimentId: $id) {
  participantCodes { nodes { code } } } }"""
LOG = """query ($filter: AuditFilter, $first: Int, $after: String) {
  auditLog(filter: $filter, first: $first, after: $after) { totalCount
    nodes { id action resource hash } pageInfo { endCursor hasNextPage } }
  experiments { nodes { experimentId auditLog(filter: $filter) { totalCount nodes { action } } } }
}"""


@dataclass
class Lab:
    """Two experiments of one owner; a participant of the first has an address, one has none."""

    api: Api
    owner: Row
    administrator: Row
    viewer: Row
    outsider: Row
    experiments: Sequence[Row]
    recording: Row
    person: Row

    @property
    def id(self) -> str:
        id_: str = self.experiments[0]["experiment_id"]
        return id_

    async def key(self, who: Row, *scopes: str) -> str:
        return await self.api.key_of(who.key, *scopes)

    async def noted(self, *actions: str) -> list[Any]:
        entries = await entries_of(self.api.db)
        return [each for each in entries if not actions or each.action in actions]


async def entries_of(db: Database) -> list[Any]:
    async with db.read() as tx:
        return list(await tx.execute(select(AuditEntry).order_by(col(AuditEntry.id))))


@pytest.fixture
async def lab(any_api: Api) -> Lab:
    owner, viewer, outsider = a_user(), a_user(), a_user()
    administrator = a_user(role="ADMINISTRATOR")
    experiments = [an_experiment(owner) for _ in range(2)]
    rooms = [a_room(each) for each in experiments]
    people = [a_participant(rooms[0], email=SECRET, user_agent="Browser")]
    people += [a_participant(rooms[0]), a_participant(rooms[1])]
    recording = a_recording(people[0], storage_key="recordings/x.webm", format="webm")
    grant = a_grant(experiments[0], viewer, anonymization="REMOVE_IDENTIFIERS")
    rows = [owner, viewer, outsider, administrator, *experiments, *rooms, *people, recording]
    await save(any_api.db, *rows, an_event(people[0], onset=1), grant)
    storage: Storage = any_api.app.state.services.storage
    await storage.put("recordings/x.webm", b"0123456789")
    return Lab(any_api, owner, administrator, viewer, outsider, experiments, recording, people[0])


async def test_an_origin_says_who_from_where_by_what_and_why(lab: Lab) -> None:
    key = await lab.key(lab.owner)
    reason = "Antrag 12 \u00fc\n" + "x" * 600
    headers = {"X-API-Key": key, "X-Reason": quote(reason), "User-Agent": "a" * 400}
    body = {"query": IDENTIFIED, "variables": {"id": lab.id}}

    for _ in range(2):  # by the view, and as a known document
        answer = await lab.api.http.post("/graphql", json=body, headers=headers)
        assert answer.json()["data"]["experiment"]

    first, second = await lab.noted("READ_IDENTIFIED")
    for entry in (first, second):
        assert (entry.actor_id, entry.api_key) == (lab.owner["user_id"], key[:13])
        assert entry.address == "127.0.0.1"
        assert entry.user_agent == "a" * 300
        assert entry.reason == ("Antrag 12 \u00fc" + "x" * 600)[:500]


async def test_a_read_of_what_identifies_is_noted_once_for_its_experiment(lab: Lab) -> None:
    owner, viewer = await lab.key(lab.owner), await lab.key(lab.viewer)
    await lab.api.ask(PLAIN, owner, id=lab.id)
    await lab.api.ask(IDENTIFIED, viewer, id=lab.id)  # who is shown null
    await lab.api.ask(IDENTIFIED, owner, id=lab.experiments[1]["experiment_id"])  # there is none
    assert await lab.noted() == []

    await lab.api.ask(IDENTIFIED, owner, id=lab.id)

    [entry] = await lab.noted()
    assert (entry.action, entry.allowed, entry.experiment_id) == ("READ_IDENTIFIED", True, lab.id)
    assert entry.experiment_key == lab.experiments[0].key


@pytest.mark.parametrize(
    "query",
    [
        "query ($node: ID!) { node(id: $node) { ... on Participant { email } } }",
        "query ($node: ID!) { nodes(ids: [$node]) { ... on Participant { userAgent } } }",
        "{ experiments { nodes { rooms { nodes { participants { nodes { a: email } } } } } } }",
        """{ experiments { nodes { rooms { nodes { participants {
          edges { node { userAgent } } } } } } } }""",
    ],
)
async def test_it_is_noted_whichever_way_it_is_read(lab: Lab, query: str) -> None:
    node = global_id("Participant", lab.person.key)
    given = {"node": node} if "$node" in query else {}
    key = await lab.key(lab.owner)
    for times in (1, 2):
        await lab.api.ask(query, key, **given)
        entries = await lab.noted()
        assert [(each.action, each.experiment_id) for each in entries] == [
            ("READ_IDENTIFIED", lab.id)
        ] * times


async def test_without_plans_the_same_is_noted(lab: Lab) -> None:
    key = await lab.key(lab.owner)
    with patch.object(context.Context, "fast_path", False):
        await lab.api.ask(PLAIN, key, id=lab.id)
        assert await lab.noted() == []
        await lab.api.ask(IDENTIFIED, key, id=lab.id)
    [entry] = await lab.noted()
    assert (entry.action, entry.experiment_id) == ("READ_IDENTIFIED", lab.id)


async def test_a_read_of_codes_is_noted(lab: Lab) -> None:
    await lab.api.ask(CODES, await lab.key(lab.viewer), id=lab.id)
    assert await lab.noted() == []
    await lab.api.ask(CODES, await lab.key(lab.owner), id=lab.id)
    [entry] = await lab.noted()
    assert (entry.action, entry.experiment_id) == ("READ_IDENTIFIED", lab.id)


async def test_whatever_an_administrator_reads_is_noted_of_each_experiment(lab: Lab) -> None:
    key = await lab.key(lab.administrator)
    await lab.api.ask("{ viewer { name } auditLog { totalCount } exports { totalCount } }", key)
    assert await lab.noted() == []

    await lab.api.ask("{ experiments { nodes { name participantCount } } }", key)
    assert {(each.action, each.experiment_id) for each in await lab.noted()} == {
        ("ADMINISTRATOR_ACCESS", each["experiment_id"]) for each in lab.experiments
    }
    assert len(await lab.noted()) == 2

    node = global_id("Participant", lab.person.key)
    await lab.api.ask("query ($id: ID!) { node(id: $id) { id } }", key, id=node)
    await lab.api.ask(PLAIN, key, id=lab.id)
    assert [each.experiment_id for each in (await lab.noted())[2:]] == [lab.id] * 2
    await lab.api.ask(IDENTIFIED, key, id=lab.id)
    assert sorted(each.action for each in (await lab.noted())[4:]) == [
        "ADMINISTRATOR_ACCESS",
        "READ_IDENTIFIED",
    ]


async def test_an_answer_that_cannot_be_noted_is_not_given(lab: Lab) -> None:
    key = await lab.key(lab.owner)
    failing = patch.object(context, "add", side_effect=OSError("disk full"))
    for _ in range(2):  # by the view, and as a known document
        with failing:
            answer = (await lab.api.post(IDENTIFIED, key, id=lab.id)).json()
        assert SECRET not in json.dumps(answer)
        assert "data" not in answer
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["INTERNAL"]
        with failing:
            assert "errors" not in (await lab.api.post(PLAIN, key, id=lab.id)).json()
    assert await lab.noted() == []


async def test_operations_that_note_nothing_write_nothing(lab: Lab) -> None:
    key, written = await lab.key(lab.owner), list[str]()

    def begun(_: object) -> None:
        written.append("begun")

    event.listen(lab.api.db.writer.sync_engine, "begin", begun)
    for _ in range(2):
        await lab.api.ask(PLAIN, key, id=lab.id)
    assert written == []


async def test_over_a_socket_the_reason_comes_with_the_first_message(live: LiveServer) -> None:
    query = "{ experiments(first: 1) { nodes { experimentId } } }"
    async with a_socket(live) as socket:
        await enter(socket, {"X-API-Key": live.keys["administrator"], "reason": "an audit\n of us"})
        await ask(socket, "1", query)
        answer = await hear(socket)
    [node] = answer["payload"]["data"]["experiments"]["nodes"]

    db = Database(f"sqlite+aiosqlite:///{live.data_dir}/hyperdata.db")
    entries = [each for each in await entries_of(db) if each.reason == "an audit of us"]
    await db.close()
    [entry] = entries
    assert (entry.action, entry.experiment_id) == ("ADMINISTRATOR_ACCESS", node["experimentId"])
    assert entry.address == "127.0.0.1"


async def test_asking_for_an_export_is_noted(lab: Lab) -> None:
    key = await lab.key(lab.owner)
    wanted = {"experimentIds": [each["experiment_id"] for each in lab.experiments]}
    wanted |= {"dataTypes": ["EVENTS", "RECORDINGS"]}
    export = (await lab.api.ask(CREATE, key, input=wanted))["exportCreate"]["export"]

    entries = await lab.noted()

    assert {(e.action, e.allowed, e.resource, e.actor_id) for e in entries} == {
        ("EXPORT", True, export["id"], lab.owner["user_id"])
    }
    assert [e.experiment_id for e in entries] == [e["experiment_id"] for e in lab.experiments]


async def test_what_a_schedule_queues_is_noted_as_its_own(any_api: Api, tmp_path: Path) -> None:
    lab = await scheduled.Lab(any_api, tmp_path).save()
    schedule = await lab.schedule(export=lab.here)
    await lab.tick(parse(schedule["nextAt"]))

    [export] = await lab.exports()
    [entry] = [each for each in await entries_of(any_api.db) if each.action == "EXPORT"]
    assert entry.resource == global_id("Export", export.id)
    assert (entry.actor_id, entry.user_agent) == (
        lab.owner["user_id"],
        f"schedule {schedule['id']}",
    )


async def test_refused_mutations_are_noted_with_what_they_name(lab: Lab) -> None:
    key = await lab.key(lab.outsider)
    wanted = {"experimentIds": [lab.id], "dataTypes": ["EVENTS"]}
    refused = await lab.api.ask(CREATE, key, input=wanted)
    assert refused["exportCreate"]["userErrors"][0]["code"] == "NOT_FOUND"
    cancel = "mutation ($id: ID!) { x: exportCancel(id: $id) { userErrors { code } } }"
    await lab.api.ask(cancel, key, id=global_id("Export", 999))
    await lab.api.ask(cancel, key, id="a secret")
    await lab.api.ask(CREATE, key, input={"experimentIds": [lab.id], "dataTypes": []})  # no right

    told = [(each.action, each.allowed, each.resource) for each in await lab.noted()]

    assert told == [
        ("EXPORT", False, "exportCreate"),
        ("ATTEMPT", False, f"exportCancel {global_id('Export', 999)}"),
        ("ATTEMPT", False, "exportCancel"),
    ]


async def test_a_query_without_the_scope_is_noted_by_its_field(lab: Lab) -> None:
    key = await lab.key(lab.owner, "read:events")
    query = "{ secret: experiments { nodes { id } } b: experiments { totalCount } }"
    for times in (1, 2):
        code, _ = await lab.api.refusal(query, key)
        assert code == "FORBIDDEN"
        told = [(each.action, each.allowed, each.resource) for each in await lab.noted()]
        assert told == [("ATTEMPT", False, "experiments")] * times


async def test_downloads_are_noted_once_whatever_their_parts(lab: Lab) -> None:
    signer = lab.api.app.state.services.signer
    path = f"/recordings/{lab.recording.key}/media"
    token = signer.sign("recording", lab.recording.key, lab.viewer.key)
    answer = await lab.api.http.get(path, params={"token": token})  # may not see who it is
    assert answer.status_code == 404
    assert await lab.noted() == []

    link = {"token": signer.sign("recording", lab.recording.key, lab.owner.key)}
    await lab.api.http.head(path, params=link)
    assert await lab.noted() == []
    assert (await lab.api.http.get(path, params=link)).status_code == 200
    later = await lab.api.http.get(path, params=link, headers={"Range": "bytes=4-"})
    assert later.status_code == 206

    [entry] = await lab.noted()
    assert (entry.action, entry.allowed, entry.experiment_id) == ("DOWNLOAD", True, lab.id)
    assert entry.resource == global_id("Recording", lab.recording.key)
    assert (entry.actor_id, entry.address) == (lab.owner["user_id"], "127.0.0.1")


async def test_all_but_the_first_byte_is_noted_too(lab: Lab) -> None:
    signer = lab.api.app.state.services.signer
    link = {"token": signer.sign("recording", lab.recording.key, lab.owner.key)}
    for _ in range(2):
        await lab.api.http.get(
            f"/recordings/{lab.recording.key}/media", params=link, headers={"Range": "bytes=1-"}
        )
    assert [each.action for each in await lab.noted()] == ["DOWNLOAD"]


async def test_a_bad_link_is_noted(lab: Lab) -> None:
    path = f"/exports/{lab.recording.key}/download"
    assert (await lab.api.http.get(path, params={"token": "x"})).status_code == 403

    [entry] = await lab.noted()
    assert (entry.action, entry.allowed, entry.experiment_id) == ("DOWNLOAD", False, None)
    assert entry.resource == global_id("Export", lab.recording.key)


async def test_the_log_is_shown_to_owners_and_administrators_alone(lab: Lab) -> None:
    other = an_experiment(lab.outsider)
    await save(lab.api.db, other)
    owner, viewer = await lab.key(lab.owner), await lab.key(lab.viewer)
    await lab.api.ask(IDENTIFIED, owner, id=lab.id)
    await lab.api.ask(CODES, await lab.key(lab.outsider), id=other["experiment_id"])
    await lab.api.http.get("/exports/1/download", params={"token": "x"})  # of no experiment

    assert await _shown(lab, owner) == (1, {lab.id: 1, lab.experiments[1]["experiment_id"]: 0})
    assert await _shown(lab, viewer) == (0, {lab.id: None})
    assert await _shown(lab, await lab.key(lab.outsider)) == (1, {other["experiment_id"]: 1})
    total, _ = await _shown(lab, await lab.key(lab.administrator))
    assert total == 3

    [mine, *_] = await lab.noted()
    node = "query ($id: ID!) { node(id: $id) { id } }"
    id_ = global_id("AuditEntry", mine.id or 0)
    assert (await lab.api.ask(node, owner, id=id_))["node"] == {"id": id_}
    assert (await lab.api.ask(node, viewer, id=id_))["node"] is None


async def _shown(lab: Lab, key: str) -> tuple[int, dict[str, int | None]]:
    data = await lab.api.ask(LOG, key)
    logs = {each["experimentId"]: each["auditLog"] for each in data["experiments"]["nodes"]}
    counts = {id_: None if log is None else log["totalCount"] for id_, log in logs.items()}
    assert len(data["auditLog"]["nodes"]) == data["auditLog"]["totalCount"]
    return data["auditLog"]["totalCount"], counts


async def test_the_log_is_filtered_and_paged_with_the_newest_first(lab: Lab) -> None:
    key = await lab.key(lab.owner)
    for query in (IDENTIFIED, CODES, IDENTIFIED):
        await lab.api.ask(query, key, id=lab.id)
    await lab.api.ask(CREATE, key, input={"experimentIds": [lab.id], "dataTypes": ["EVENTS"]})
    hashes = [each.hash for each in await lab.noted()]

    first = (await lab.api.ask(LOG, key, first=3))["auditLog"]
    rest = (await lab.api.ask(LOG, key, after=first["pageInfo"]["endCursor"]))["auditLog"]
    assert [each["hash"] for each in (*first["nodes"], *rest["nodes"])] == hashes[::-1]

    mine = {"actorId": {"in": [lab.owner["user_id"]]}, "action": {"in": ["EXPORT"]}}
    found = (await lab.api.ask(LOG, key, filter=mine))["auditLog"]["nodes"]
    assert [each["action"] for each in found] == ["EXPORT"]
    nobodys = {"actorId": {"in": ["usr_nobody"]}}
    assert (await lab.api.ask(LOG, key, filter=nobodys))["auditLog"]["nodes"] == []


async def test_no_entry_holds_data_or_a_secret(lab: Lab) -> None:
    key = await lab.key(lab.owner)
    signer = lab.api.app.state.services.signer
    token = signer.sign("recording", lab.recording.key, lab.owner.key)
    await lab.api.ask(IDENTIFIED, key, id=lab.id)
    await lab.api.ask(CODES, key, id=lab.id)
    wanted = {"experimentIds": [lab.id], "dataTypes": ["EVENTS"], "reason": "for the paper"}
    await lab.api.ask(CREATE, key, input=wanted)
    await lab.api.http.get(f"/recordings/{lab.recording.key}/media", params={"token": token})
    await lab.api.http.get("/exports/1/download", params={"token": token})
    await lab.api.ask(IDENTIFIED, await lab.key(lab.administrator), id=lab.id)

    entries = await lab.noted()
    said = "\n".join(str(tuple(each)) for each in entries)

    assert len(entries) == 7
    person: str = lab.person["participant_id"]
    for hidden in (SECRET, key[13:], token, person, lab.experiments[0]["name"], "Browser"):
        assert hidden not in said
