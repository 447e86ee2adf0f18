"""Who is shown which field: each field, for each kind of caller, exactly as one table says."""

import os
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import CONFLICT, FORBIDDEN, NOT_FOUND, OK
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from strawberry.types.base import StrawberryObjectDefinition

from server.access import Actor
from server.audit import Origin
from server.global_ids import global_id, type_and_key
from server.links import Purpose
from server.records import RecordType
from server.records.data_requests import DataRequest
from server.records.exports import Export
from server.records.participants import Participant
from server.records.recordings import Recording
from server.records.retention import Archive, RetentionPolicy
from server.records.users import UserRole
from server.resolvers.context import Context, Services
from server.resolvers.requesters import may_still_export
from server.schema import schema
from server.schema.requirements import RULES, rule_of
from tests.access_matrix import ALLOWED, BESIDES, SIGNED_IN, WHO, Case, cases, table
from tests.conftest import Api, opened
from tests.factories import (
    A_RECORD,
    START,
    Row,
    a_grant,
    a_participant,
    a_room,
    a_user,
    an_erasure,
    an_experiment,
    in_quarantine,
    save,
)
from tests.sending import a_sent

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]

CASES = list(cases())
SHOWS_WHAT_IT_MAY = ("Participant.availableData", "QualityReport.issues")
"""What leaves out the types that a key may not read, and is refused to none."""

REFUSED = ("FORBIDDEN", "NOT_FOUND", "UNKNOWN_ROOM")
SCOPES = sorted({scope for case in CASES for scope in case.scopes} | {"write:experiments"})


@dataclass(frozen=True)
class Lab:
    """The owner's experiment, whoever may or may not see it, an export and a schedule of it."""

    api: Api
    users: Mapping[str, Row]
    variables: Mapping[str, Any]
    untouched: sqlite3.Connection
    """The database as it was when all of it was made."""

    async def is_shown(self, case: Case, who: str, *scopes: str) -> bool:
        """Say whether somebody is shown a field; what they are told if not must be one of ours."""
        if who == "anonymous":
            return (await self.api.post(case.document, None, **self.given(case))).status_code != 401
        user, given = self.users[who], self.given(case)
        if case.kind == "subscription":
            return await self._is_streamed(case, user, scopes or ("*",))
        key = await self.api.key_of(user.key, *scopes)
        answer = (await self.api.post(case.document, key, **given)).json()
        if "errors" in answer:
            assert answer["errors"][0]["extensions"]["code"] in REFUSED, answer
            return False
        found = answer["data"]
        for name in case.way:
            found = found[name] if found else None
        if case.kind == "mutation":  # what may be done may still make no sense
            self._undo()
            errors = (*found["userErrors"], *found.get("refused", ()))
            return not any(error["code"] in REFUSED for error in errors)
        if isinstance(found, dict):
            found = found.get("nodes", found)
        return any(each is not None for each in found) if isinstance(found, list) else bool(found)

    def _undo(self) -> None:
        """Have all be as it was made: each mutation needs something to change."""
        assert self.api.db.file is not None
        with closing(sqlite3.connect(self.api.db.file)) as changed:
            self.untouched.backup(changed)

    def given(self, case: Case) -> dict[str, Any]:
        given = {k: v for k, v in self.variables.items() if f"${k}:" in case.document}
        if case.kind == "mutation" and "exportId" in given:
            given["exportId"] = self.variables[WAITING]
        return given

    async def _is_streamed(self, case: Case, user: Row, scopes: tuple[str, ...]) -> bool:
        role, person = UserRole(user["role"]), user.get("participant_id")
        actor = Actor(user.key, role, person, frozenset(scopes))
        context = Context(self.api.app.state.services, actor, lambda: "", Origin())
        states = await schema.subscribe(
            case.document, variable_values=self.given(case), context_value=context
        )
        assert isinstance(states, AsyncIterable), "the document is valid"
        async for state in states:
            if state.errors:
                [error] = state.errors
                assert (error.extensions or {})["code"] in REFUSED
            return not state.errors
        return False


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Lab]:
    """One for all tests: what they change is made for each."""
    async with opened(tmp_path_factory.mktemp("matrix")) as api:
        lab = await _lab(api)
        yield lab
        lab.untouched.close()


async def _lab(api: Api) -> Lab:
    users = {who: a_user() for who in SIGNED_IN}
    users["administrator"]["role"] = "ADMINISTRATOR"
    experiment = an_experiment(users["owner"], participants_may_request_data=True)
    room = a_room(experiment)
    left = {"status": "DISCONNECTED"}  # so that there is an issue to report
    people = [
        a_participant(room, email="a@example.org", ip_address="::1", user_agent="x", **left),
        a_participant(room, **left),
    ]
    person, gone = people[0]["participant_id"], people[1]["participant_id"]
    users["participant"] |= {"role": "PARTICIPANT", "participant_id": person}
    records = [A_RECORD[kind](each) for kind in RecordType for each in people]
    for record in records:
        if record.model.__name__ == "Recording":
            record["storage_key"] = "recordings/x.webm"
    hidden = {"anonymization": "REMOVE_IDENTIFIERS"}
    grants = [
        a_grant(experiment, users["viewer"], **hidden),
        a_grant(experiment, users["deidentified"], can_export=True, **hidden),
        a_grant(experiment, users["exporter"], can_export=True),
    ]
    plain = [row for row in users.values() if "participant_id" not in row]
    await save(api.db, *plain, users["participant"], experiment, room, *people, *records, *grants)
    of = {"experiment_key": experiment.key}
    hold = Row(RetentionPolicy, {**of, "reminder_days": 2, "held_at": START, "hold_reason": "x"})
    await save(api.db, hold, Row(Archive, {**of, "archived_at": START}))
    variables = {
        "experimentId": experiment["experiment_id"],
        "roomId": room["room_id"],
        "participantId": person,
        "experimentNode": global_id("Experiment", experiment.key),
        "newRoomId": "room_new",
        "recordingId": next(each["recording_id"] for each in records if "recording_id" in each),
        "record": a_sent(RecordType.EVENTS, room, people[0]),
        "exportInput": {
            "experimentIds": [experiment["experiment_id"]],
            "dataTypes": ["EVENTS"],
        },
        "sealedId": await _withdrawn(
            api, experiment["experiment_id"], users, gone, types=["EVENTS"]
        ),
        **await _made(api, experiment, people[0], users),
    }
    assert api.db.file is not None
    untouched = sqlite3.connect(":memory:", check_same_thread=False)
    with closing(sqlite3.connect(api.db.file)) as made:
        made.backup(untouched)
    return Lab(api, users, variables, untouched)


async def _made(api: Api, experiment: Row, person: Row, users: Mapping[str, Row]) -> dict[str, Any]:
    """Have the owner make one of each of what refers to the experiment; return their names.

    There are two exports: one is finished and a schedule's, the other is waiting.
    """
    named, key = experiment["experiment_id"], await api.key_of(users["owner"].key)
    spare = a_user()
    await save(api.db, spare)
    aside = in_quarantine(users["owner"], experiment_key=experiment.key)
    erasure = an_erasure(
        experiment.key, users["owner"], experiment_id=named, participant_key=person.key
    )
    await save(api.db, aside, erasure)
    asked = await api.ask(DELETE, key, id=global_id("Experiment", experiment.key))
    confirmation = asked["experimentDeletePreview"]["preview"]["confirm"]
    wanted = {"experimentIds": [named], "dataTypes": ["EVENTS"]}
    export, waiting = [
        (await api.ask(CREATE, key, input={**wanted, "idempotencyKey": each}))["exportCreate"]
        for each in ("finished", "waiting")
    ]
    planned = {"name": "Mondays", "cron": "0 3 * * 1", "export": wanted}
    schedule = (await api.ask(SCHEDULE, key, input=planned))["exportScheduleCreate"]["schedule"]
    lab = {"name": "Lab", "memberIds": [spare["user_id"]]}
    group = (await api.ask(GROUP, key, input=lab))["userGroupCreate"]["group"]
    grants = [
        (await api.ask(GRANT, key, e=named, input={**to, "dataTypes": ["EVENTS"]}))
        for to in ({"userId": spare["user_id"]}, {"groupId": group["groupId"]})
    ]
    shared, shared_with_group = (each["collaboratorGrant"]["collaborator"]["id"] for each in grants)
    bound = {"name": "R", "scopes": ["read:events"], "experimentIds": [named]}
    made = (await api.ask(KEY, key, input=bound))["apiKeyCreate"]["apiKey"]
    of = {"experimentId": named, "participantId": person["participant_id"]}
    requested = (await api.ask(REQUEST, key, input=of))["participantDataRequest"]["dataRequest"]
    async with api.db.write() as tx:
        package = select(col(DataRequest.export_key)).where(
            col(DataRequest.id) == key_in(requested["id"])
        )
        finished = update(Export).values(**COMPLETED)
        await tx.execute(finished.where(col(Export.id) == package.scalar_subquery()))
        finished = finished.values(schedule_key=key_in(schedule["id"]))
        await tx.execute(finished.where(col(Export.id) == key_in(export["export"]["id"])))
    webhook = {"experimentId": named, "url": "https://example.org/", "events": ["EXPORT_FINISHED"]}
    hooked = (await api.ask(WEBHOOK, key, input=webhook))["webhookCreate"]["webhook"]
    await api.ask(TEST_WEBHOOK, key, id=hooked["id"])
    return {
        "exportId": export["export"]["id"],
        WAITING: waiting["export"]["id"],
        "webhookId": hooked["id"],
        "requestId": requested["id"],
        "scheduleId": schedule["id"],
        "scheduleInput": planned,
        "spareId": spare["user_id"],
        "collaboratorId": shared,
        "groupGrantId": shared_with_group,
        "groupId": group["id"],
        "keyId": made["id"],
        "quarantinedId": global_id("QuarantinedRecord", aside.key),
        "erasureId": global_id("Erasure", erasure.key),
        "confirmation": confirmation,
        "collaboratorInput": {"userId": spare["user_id"]},
        "groupInput": lab,
        "withdrawalId": await _withdrawn(
            api, named, users, users["participant"]["participant_id"], begins=LATER
        ),
    }


WAITING = "waitingExportId"


async def _withdrawn(
    api: Api,
    experiment: str,
    users: Mapping[str, Row],
    person: str,
    begins: str | None = None,
    types: list[str] | None = None,
) -> str:
    asked = {"experimentId": experiment, "participantId": person, "dataTypes": types}
    key = await api.key_of(users["owner"].key)
    done = await api.ask(WITHDRAW, key, input={**asked, "from": begins})
    id_: str = done["participantWithdraw"]["withdrawal"]["id"]
    return id_


LATER = "2999-01-01T00:00:00.000Z"


COMPLETED = {
    "status": "COMPLETED",
    "storage_key": "exports/1/1/all.zip",
    "file_name": "all.zip",
    "manifest": {"files": [], "ledger": [], "media": None, "recipe": {}},
}


def key_in(id_: str) -> int:
    found = type_and_key(id_)
    assert found is not None
    return found[1]


GROUP = """mutation ($input: UserGroupInput!) { userGroupCreate(input: $input) {
  group { id groupId } } }"""
GRANT = """mutation ($e: String!, $input: CollaboratorInput!) {
  collaboratorGrant(experimentId: $e, input: $input) { collaborator { id } } }"""
KEY = "mutation ($input: ApiKeyInput!) { apiKeyCreate(input: $input) { apiKey { id } } }"
REQUEST = """mutation ($input: DataRequestInput!) { participantDataRequest(input: $input) {
  dataRequest { id } } }"""
WEBHOOK = "mutation ($input: WebhookInput!) { webhookCreate(input: $input) { webhook { id } } }"
TEST_WEBHOOK = "mutation ($id: ID!) { webhookTest(id: $id) { delivery { state } } }"
DELETE = "query ($id: ID!) { experimentDeletePreview(id: $id) { preview { confirm } } }"
CREATE = "mutation ($input: ExportInput!) { exportCreate(input: $input) { export { id } } }"
WITHDRAW = """mutation ($input: WithdrawalInput!) { participantWithdraw(input: $input) {
  withdrawal { id } } }"""
SCHEDULE = """mutation ($input: ExportScheduleInput!) { exportScheduleCreate(input: $input) {
  schedule { id } } }"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_field_is_shown_to_whom_the_table_says(lab: Lab, case: Case) -> None:
    shown = {who: await lab.is_shown(case, who) for who in WHO}
    assert shown == {who: who in ALLOWED[case.rule.right] for who in WHO}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_key_needs_the_scopes_that_the_table_says_and_no_others(
    lab: Lab, case: Case
) -> None:
    assert await lab.is_shown(case, "owner", *(case.scopes or ("read:none",)))
    for scope in case.scopes if case.name not in SHOWS_WHAT_IT_MAY else ():
        assert not await lab.is_shown(case, "owner", *(s for s in SCOPES if s != scope))


LINKS: Mapping[str, Purpose] = {
    "GET /exports/{id}/download": "export",
    "GET /recordings/{id}/media": "recording",
    "GET /data-requests/{id}/package": "package",
}


@pytest.mark.parametrize("route", LINKS)
async def test_a_link_leads_whom_the_table_says(lab: Lab, route: str) -> None:
    services: Services = lab.api.app.state.services
    for file in ("exports/1/1/all.zip", "recordings/x.webm"):
        await services.storage.put(file, b"x")
    async with services.db.read() as tx:
        theirs = col(Participant.participant_id) == lab.variables["participantId"]
        person = select(col(Participant.id)).where(theirs).scalar_subquery()
        recording = await tx.scalar(
            select(col(Recording.id)).where(col(Recording.participant_key) == person)
        )
    known = {"export": "exportId", "package": "requestId"}.get(LINKS[route])
    key = key_in(lab.variables[known]) if known else recording
    assert key is not None
    led = {"anonymous": (await lab.api.http.get(_path(route, key))).status_code == OK}
    for who, user in lab.users.items():
        token = services.signer.sign(LINKS[route], key, user.key)
        answer = await lab.api.http.get(_path(route, key), params={"token": token})
        assert answer.status_code in (OK, FORBIDDEN, NOT_FOUND)
        led[who] = answer.status_code == OK
    assert led == {who: who in ALLOWED[BESIDES[route].right] for who in WHO}


def _path(route: str, key: int) -> str:
    return route.partition(" ")[2].format(id=key)


async def test_a_file_is_taken_of_whom_the_table_says(lab: Lab) -> None:
    """Whoever may send one is told that the recording has one."""
    services: Services = lab.api.app.state.services
    route = "PUT /recordings/{id}/upload"
    async with services.db.read() as tx:
        this = col(Recording.recording_id) == lab.variables["recordingId"]
        key = await tx.scalar(select(col(Recording.id)).where(this))
    assert key is not None
    taken = {
        "anonymous": (await lab.api.http.put(_path(route, key), content=b"x")).status_code == OK
    }
    for who, user in lab.users.items():
        terms = {"file_name": "a.webm", "file_size": 1}
        token = services.signer.sign("upload", key, user.key, terms)
        answer = await lab.api.http.put(_path(route, key), params={"token": token}, content=b"x")
        assert answer.status_code in (CONFLICT, NOT_FOUND)
        taken[who] = answer.status_code == CONFLICT
    assert taken == {who: who in ALLOWED[BESIDES[route].right] for who in WHO}


async def test_a_worker_writes_for_whom_the_table_says(lab: Lab) -> None:
    export = key_in(lab.variables["exportId"])
    written = {"anonymous": False}
    async with lab.api.db.write() as tx:
        for who, user in lab.users.items():
            asked = update(Export).where(col(Export.id) == export)
            asked = asked.values(requested_by_key=user.key, anonymization="REMOVE_IDENTIFIERS")
            row = (await tx.execute(asked.returning(Export))).one()
            written[who] = await may_still_export(tx, row)
    rule = BESIDES["the export worker"]
    assert written == {who: who in ALLOWED[rule.right] for who in WHO}


ROOTS = [case for case in CASES if case.kind != "subscription" and "$" in case.document]


@pytest.mark.parametrize("case", ROOTS, ids=lambda case: case.name)
async def test_what_is_hidden_is_answered_as_what_is_not_there(lab: Lab, case: Case) -> None:
    """In the same words, after the same statements: neither text nor time tells them apart."""
    given = lab.given(case)
    absent = {**given, **{name: ABSENT[name] for name in given if name in ABSENT}}
    key = await lab.api.key_of(lab.users["outsider"].key)
    told: list[tuple[Any, list[str]]] = []
    for variables in (given, absent):
        with lab.api.counting() as statements:
            answer = (await lab.api.post(case.document, key, **variables)).json()
        answer["extensions"]["cost"].pop("available")  # which comes back as time goes by
        told.append((answer, statements))
    assert told[0] == told[1]


NOWHERE = 1_000_000_000
NONE = {"experimentIds": ["exp_none"], "dataTypes": ["EVENTS"]}
ABSENT: Mapping[str, Any] = {
    "experimentId": "exp_none",
    "roomId": "room_none",
    "participantId": "n" * 28,
    "recordingId": "rec_none",
    "experimentNode": global_id("Experiment", NOWHERE),
    "quarantinedId": global_id("QuarantinedRecord", NOWHERE),
    "erasureId": global_id("Erasure", NOWHERE),
    "exportId": global_id("Export", NOWHERE),
    "scheduleId": global_id("ExportSchedule", NOWHERE),
    "exportInput": NONE,
    "collaboratorId": global_id("Collaborator", NOWHERE),
    "groupGrantId": global_id("Collaborator", NOWHERE),
    "groupId": global_id("UserGroup", NOWHERE),
    "keyId": global_id("ApiKey", NOWHERE),
    "withdrawalId": global_id("Withdrawal", NOWHERE),
    "sealedId": global_id("Withdrawal", NOWHERE),
    "webhookId": global_id("Webhook", NOWHERE),
    "requestId": global_id("DataRequest", NOWHERE),
    "scheduleInput": {"name": "Mondays", "cron": "0 3 * * 1", "export": NONE},
}
"""Things of the same kinds that do not exist."""


def test_every_field_has_a_rule() -> None:
    without = [
        f"{definition.name}.{field.python_name}"
        for definition in _definitions()
        for field in definition.fields
        if field.base_resolver is not None and rule_of(definition, field) is None
    ]
    assert without == []


def test_the_table_is_documented() -> None:
    """Run with UPDATE_DOCS=1 to write it, and read its diff before you commit."""
    page = Path(__file__).parent.parent / "docs" / "rights.md"
    text, mark, _ = page.read_text().partition("documented` -->\n")
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(f"{text}{mark}\n{table()}")
    assert page.read_text() == f"{text}{mark}\n{table()}"


def test_every_rule_is_of_a_field() -> None:
    shown = schema.as_str()
    for case in CASES:
        assert str(case.way[-1]) in shown
    assert len({case.name for case in CASES}) >= len(RULES)


def _definitions() -> list[StrawberryObjectDefinition]:
    found = [
        type_.extensions.get("strawberry-definition") for type_ in schema._schema.type_map.values()
    ]
    return [
        each
        for each in found
        if isinstance(each, StrawberryObjectDefinition)
        and not each.is_input
        and each.concrete_of is None  # a page shows what its list does
        and each.name != "ContinuousRatingColumns"  # which is one, too
    ]
