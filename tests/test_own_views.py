"""What a participant is shown: their own records, with everybody else in them under codes."""

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel as camel
from sqlalchemy import cast, literal, select, update
from sqlmodel import col

from server.column_types import JSON_TYPE
from server.links import Purpose
from server.records import RecordType
from server.records.chat_messages import ChatMessage
from server.records.components import Component
from server.records.conditions import (
    Condition,
    TextIn,
    TextListMatch,
    TextMatch,
)
from server.records.events import Event
from server.records.experiments import EXPERIMENTS
from server.records.json_conditions import JsonMatch
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS, Participant, Pseudonym
from server.records.recordings import Recording
from server.records.rooms import ROOMS
from server.records.sparse_ratings import SparseRating
from server.resolvers import context
from server.resolvers.own_columns import holds_text, is_closed
from server.rows import layout_of
from tests.asked import conditions_of
from tests.conftest import Api, opened
from tests.factories import a_participant, a_room, an_event, an_experiment, save
from tests.own_view_lab import (
    ANNA,
    ANNA_IS,
    ANNA_NAME,
    BEN,
    BEN_NAME,
    CLEO,
    CLEO_NAME,
    DAN,
    EVERYTHING,
    IDS,
    OTHERS,
    OWN,
    Lab,
    a_lab,
    by_ids,
    everything,
    named_in,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(tmp_path: Path, any_url: str) -> AsyncGenerator[Lab]:
    """A lab in either kind of database, where one may ask for everything at once."""
    async with opened(tmp_path, database_url=any_url, most_cost=10**12, budget=0) as api:
        yield await a_lab(api)


@pytest.fixture
async def file_lab(api: Api) -> Lab:
    """A lab in SQLite, for what is decided before any database is asked."""
    return await a_lab(api)


async def codes_of(lab: Lab) -> dict[str, str]:
    statement = select(col(Pseudonym.participant_id), col(Pseudonym.code)).where(
        col(Pseudonym.experiment_key) == lab.experiment.key
    )
    async with lab.api.db.read() as tx:
        return {row.participant_id: row.code for row in await tx.execute(statement)}


@pytest.mark.parametrize("fast_path", [True, False])
async def test_nobody_else_is_in_any_answer(lab: Lab, fast_path: bool) -> None:
    with patch.object(context.Context, "fast_path", fast_path):
        for query in (everything(), by_ids(lab.rows)):
            theirs = await lab.api.ask(query, lab.anna)
            assert named_in(theirs) == set()
            assert named_in(theirs, OWN) == set(OWN)
            if fast_path:
                continue
            whole = await lab.api.ask(query, lab.owner)
            assert named_in(whole) >= {BEN, BEN_NAME, CLEO, CLEO_NAME, DAN}, "nothing was hidden"


async def test_others_appear_under_the_codes_of_files(lab: Lab) -> None:
    query = """{ room: experiments { nodes { experimentId rooms { nodes { roomId
      chatMessages { nodes { senderId senderName recipientIds participantId } }
      events { nodes { content response roomId } } } } } } }"""
    found = (await lab.api.ask(query, lab.anna))["room"]["nodes"]
    [shown] = [each for each in found if each["experimentId"] == lab.experiment["experiment_id"]]
    [room] = shown["rooms"]["nodes"]
    codes = await codes_of(lab)
    ben, cleo = codes[BEN], codes[CLEO]
    told = """query($e: String!) { experiment(experimentId: $e) { participantCodes {
      nodes { participantId code } } } }"""
    known = await lab.api.ask(told, lab.owner, e=lab.experiment["experiment_id"])

    assert {
        each["participantId"]: each["code"]
        for each in known["experiment"]["participantCodes"]["nodes"]
    } == codes
    assert set(codes) == {ANNA, BEN, CLEO}
    assert room["roomId"] == f"room_of_{ben}_{ANNA}"
    own, others = room["chatMessages"]["nodes"]
    assert (own["senderId"], own["senderName"]) == (ANNA, ANNA_NAME)
    assert others == {
        "senderId": ben,
        "senderName": ben,
        "recipientIds": [ANNA, ben, cleo, "[id removed]"],
        "participantId": ANNA,
    }
    [event] = room["events"]["nodes"]
    assert event["roomId"] == room["roomId"]
    assert event["content"].startswith(" | ".join((*OWN, ben, cleo, "[identifier removed]", "")))
    assert event["content"].endswith(f" | {ben} | {cleo}")
    response = event["response"]
    assert response["own"] == list(OWN)
    assert response["big"] == 2**70
    assert (response["name"], response["first-name"]) == (ANNA_NAME, None)
    assert (response["email"], response["profile"]) == (None, {"Phone": None, "ip": None})
    assert response[ben]["deep"][0][1] == {"[email removed]": 1, cleo: {cleo: 2}}


async def test_their_own_part_is_as_it_was_recorded(lab: Lab) -> None:
    query = """{ experiments { nodes { participants { nodes {
      participantId email ipAddress userAgent } } } } }"""
    found = (await lab.api.ask(query, lab.anna))["experiments"]["nodes"][0]
    assert found["participants"]["nodes"] == [
        {
            "participantId": ANNA,
            "email": ANNA_IS["email"],
            "ipAddress": ANNA_IS["ip_address"],
            "userAgent": ANNA_IS["user_agent"],
        }
    ]


async def test_codes_are_given_once_and_to_whoever_comes_later(lab: Lab) -> None:
    query = "{ experiments { nodes { events { nodes { content } } } } }"
    assert await codes_of(lab) == {}
    await lab.api.ask(query, lab.anna)
    before = await codes_of(lab)
    await save(lab.api.db, a_participant(lab.room))
    await lab.api.ask(query, lab.anna)
    after = await codes_of(lab)
    assert len(before) == 3
    assert before.items() < after.items()


async def test_researchers_pay_nothing_and_participants_once_an_operation(lab: Lab) -> None:
    lists = "events { nodes { content } } chatMessages { nodes { content senderName } }"
    query = f"{{ experiments {{ nodes {{ name {lists} rooms {{ nodes {{ {lists} }} }} }} }} }}"
    with lab.api.counting() as statements:
        await lab.api.ask(query, lab.owner)
    researchers = len(statements)
    assert not [text for text in statements if "pseudonym" in text]
    for _ in range(2):
        with lab.api.counting() as statements:
            await lab.api.ask(query, lab.anna)
        assert len(statements) == researchers + 4
        more = [a_room(lab.experiment) for _ in range(3)]
        people = [a_participant(room, participant_id=ANNA) for room in more]
        await save(lab.api.db, *more, *people, *(an_event(each) for each in people))


LISTS: dict[str, Listed] = {
    each.model.__name__: each
    for each in (EXPERIMENTS, ROOMS, PARTICIPANTS, *(t.value for t in RecordType))
}
FREE = {"participant_id"}
"""What a participant sees no other value of."""


def list_of(name: str, filter_: str, order: str = "") -> str:
    """Return a query of a list, filtered."""
    field = f"{name[0].lower()}{name[1:]}s(filter: {filter_}{order})"
    field += " { totalCount nodes { id } pageInfo { startCursor } }"
    if name == "Experiment":
        return f"{{ {field} }}"
    return f"{{ experiments {{ nodes {{ {field} }} }} }}"


def questions(name: str, condition: type[Condition], text: str) -> list[str]:
    """Return all that can be asked of a column about a text."""
    value = json.dumps(text, ensure_ascii=False)
    if condition is TextIn:
        return [f"{{in: [{value}]}}"]
    if condition is TextMatch:
        ways = ("equals: {}", "in: [{}]", "contains: {}", "startsWith: {}")
        return [f"{{{way.format(value)}}}" for way in ways]
    if condition is TextListMatch:
        return [f"{{has: {value}}}"]
    return [f'{{path: "text", equals: {value}}}', f"{{equals: {value}}}"]


TEXTUAL = (TextIn, TextMatch, TextListMatch, JsonMatch)


@pytest.mark.parametrize("name", LISTS)
async def test_no_filter_tells_what_is_hidden(file_lab: Lab, name: str) -> None:
    """What is there, but hidden, is answered as what is not."""
    telling = (row for row in file_lab.rows if row.model.__name__ == name and named_in(dict(row)))
    stored = {"room_id": file_lab.room["room_id"], **next(telling, {})}
    for field, condition in conditions_of(LISTS[name]).items():
        if condition not in TEXTUAL or field in ("owner_id", *FREE):
            continue
        hidden = stored[field] if isinstance(stored.get(field), str) else EVERYTHING
        if name == "ChatMessage" and field == "recipient_ids":
            hidden = BEN
        if named_in([hidden]) == set():
            continue
        asked = zip(
            questions(field, condition, hidden),
            questions(field, condition, "no" + "thing" * 9),
            strict=True,
        )
        for there, nowhere in asked:
            for shape in ("{{{}: {}}}", "{{or: [{{and: [{{not: {{{}: {}}}}}]}}]}}"):
                answers = [
                    (
                        await file_lab.api.post(
                            list_of(name, shape.format(camel(field), each)), file_lab.anna
                        )
                    ).json()
                    for each in (there, nowhere)
                ]
                told, untold = map(_without_cursors, answers)
                assert told == untold, (field, there)
                if "errors" in told:
                    assert told["errors"][0]["extensions"]["code"] == "FORBIDDEN"
                    assert camel(field) in told["errors"][0]["message"]


def _without_cursors(shown: Any) -> Any:
    """Return an answer without cursors, which hold a print of the filter that was sent."""
    if isinstance(shown, dict):
        return {k: _without_cursors(v) for k, v in shown.items() if not k.endswith("Cursor")}
    return [_without_cursors(each) for each in shown] if isinstance(shown, list) else shown


@pytest.mark.parametrize("name", LISTS)
async def test_no_filter_asks_of_what_may_identify_or_of_parts_of_texts(
    file_lab: Lab, name: str
) -> None:
    columns = layout_of(LISTS[name].model).columns
    for field, condition in conditions_of(LISTS[name]).items():
        how = getattr(columns.get(field), "info", {}).get("identifies")
        refused = field not in FREE and (how is not None or condition is JsonMatch)
        if condition in TEXTUAL:
            for question in [*questions(field, condition, "x"), "{isNull: false}"]:
                if question == "{isNull: false}" and condition in (TextIn, TextListMatch):
                    continue
                parts = "contains" in question or "startsWith" in question
                query = list_of(name, f"{{{camel(field)}: {question}}}")
                answer = (await file_lab.api.post(query, file_lab.anna)).json()
                assert ("errors" in answer) == (refused or parts), (field, question, answer)
        else:
            assert not refused


@pytest.mark.parametrize("name", LISTS)
async def test_no_order_tells_what_is_hidden(file_lab: Lab, name: str) -> None:
    listed = LISTS[name]
    columns = layout_of(listed.model).columns
    for member in listed.order:
        order = f", orderBy: [{{field: {member.name}}}]"
        answer = (await file_lab.api.post(list_of(name, "{}", order), file_lab.anna)).json()
        textual = holds_text(columns[member.value]) and not is_closed(listed.model, member.value)
        if textual and member.value not in FREE:
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
            assert camel(member.value) in answer["errors"][0]["message"]
        else:
            assert "errors" not in answer, member


async def test_what_is_not_hidden_is_found(lab: Lab) -> None:
    seen = lab.rows[5]
    await save(lab.api.db, an_event(seen, event_type="vas.done", component_id="cmp_7"))
    query = """query($f: EventFilter) { experiments { nodes { events(filter: $f) {
      totalCount } } } }"""
    for asked in (
        {"eventType": {"equals": "vas.done"}},
        {"eventType": {"in": ["vas.done", BEN]}},
        {"componentId": {"in": ["cmp_7"]}, "participantId": {"in": [ANNA, BEN]}},
        {"not": {"eventType": {"isNull": True}}, "componentId": {"in": ["cmp_7"]}},
    ):
        found = await lab.api.ask(query, lab.anna, f=asked)
        counts = [each["events"]["totalCount"] for each in found["experiments"]["nodes"]]
        assert sorted(counts) == [0, 1], asked


async def test_places_and_roll_ups_are_not_found_by_what_is_hidden(lab: Lab) -> None:
    record = next(row for row in lab.rows if row.model.__name__ == "ContinuousRating")
    assert record["component_id"] == EVERYTHING
    query = """query($r: String!, $c: String!, $p: String!) {
      room(roomId: $r) { id } participant(roomId: $r, participantId: $p) { id }
      experiments { nodes { ratingSeries(componentId: $c) { start lines { count } }
        byFilter: ratingSeries(filter: {componentId: {in: [$c]}}) { start lines { count } }
        eventCounts(by: TYPE, filter: {eventType: {in: [$c]}}) { count }
        statistics(groupBy: [ROOM], filter: {stateId: {in: [$c]}}) { n missing other }
        rooms { nodes { alignedRatings(componentId: $c, everyMs: 1000) { onset } } } } } }"""
    there = {"r": lab.room["room_id"], "c": EVERYTHING, "p": ANNA}
    found = await lab.api.ask(query, lab.owner, **there)
    assert found["room"]
    assert found["participant"]
    assert found["experiments"]["nodes"][0]["ratingSeries"]["lines"]
    nowhere = {"r": "room_none", "c": "cmp_none", "p": ANNA}
    told = [await lab.api.ask(query, lab.anna, **asked) for asked in (there, nowhere)]
    assert told[0] == told[1]
    assert told[0]["room"] is None


async def test_what_they_may_not_do_tells_nothing_either(lab: Lab) -> None:
    hidden = f"exp_{BEN}"
    owner = {"id": lab.experiment["owner_key"]}
    made = an_experiment(lab.rows[0], experiment_id=hidden, participants_may_request_data=True)
    made["owner_key"] = owner["id"]
    room = a_room(made)
    people = [a_participant(room, participant_id=who) for who in (ANNA, BEN)]
    await save(lab.api.db, made, room, *people)
    export = """mutation($input: ExportInput!) { exportCreate(input: $input) {
      userErrors { code message } } }"""
    grant = """mutation($e: String!) { collaboratorGrant(experimentId: $e, input: {userId: "usr_0"})
      { userErrors { code message } } }"""
    transfer = """mutation($e: String!) { experimentTransfer(experimentId: $e, userId: "usr_0") {
      userErrors { code message } } }"""
    key = """mutation($e: String!) { apiKeyCreate(input: {name: "K", scopes: ["read:events"],
      experimentIds: [$e]}) { userErrors { code message } } }"""
    for query in (grant, transfer, key):
        told = [await lab.api.ask(query, lab.anna, e=e) for e in (hidden, "exp_none")]
        assert "NOT_FOUND" in str(told[0])
        assert str(told[0]) == str(told[1]).replace("exp_none", hidden)
    for asked in ({"roomIds": [lab.room["room_id"]]}, {"roomIds": ["none"]}):
        [error] = (await lab.api.ask(export, lab.anna, input=asked))["exportCreate"]["userErrors"]
        assert error["code"] == "FORBIDDEN"
        assert "Participants" in error["message"]


async def test_a_file_is_called_after_nobody_else(lab: Lab) -> None:
    recording = next(row for row in lab.rows if row.model is Recording)
    services = lab.api.app.state.services
    storage_key = f"recordings/{BEN}/x.webm"
    await services.storage.put(storage_key, b"x")
    async with lab.api.db.write() as tx:
        this = update(Recording).where(col(Recording.id) == recording.key)
        name = f"{BEN} and {ANNA}.webm"
        await tx.execute(this.values(storage_key=storage_key, file_name=name))
    query = "{ experiments { nodes { recordings { nodes { fileName downloadUrl } } } } }"
    found = (await lab.api.ask(query, lab.anna))["experiments"]["nodes"]
    [shown] = [each for some in found for each in some["recordings"]["nodes"]]
    code = (await codes_of(lab))[BEN]
    assert shown["fileName"] == f"{code} and {ANNA}.webm"
    assert named_in(shown) == set()
    answer = await lab.api.http.get(shown["downloadUrl"])
    assert answer.content == b"x"
    assert named_in([str(answer.headers)]) == set()
    assert f"{code}%20and%20{ANNA}.webm" in answer.headers["Content-Disposition"]
    purpose: Purpose = "recording"
    token = services.signer.sign(purpose, recording.key, lab.experiment["owner_key"])
    path = f"/recordings/{recording.key}/media"
    whole = await lab.api.http.get(path, params={"token": token})
    assert BEN in whole.headers["Content-Disposition"]


ODD = st.text("abzAZ0189 .,:;-_/\\'\"{}[]<>&%+=?#\n\té日😀ſ", max_size=8)
GLUED = st.builds("{}{}{}".format, ODD, st.sampled_from(IDS), ODD)
TOKENS = st.sampled_from(OTHERS) | st.sampled_from(OWN) | GLUED | ODD
TEXTS = st.lists(TOKENS, min_size=1, max_size=6)
JSON_KEYS = TOKENS | st.sampled_from(["name", "E-Mail", "ip", "value", "userName"])
ANY_JSON = st.recursive(
    TOKENS | st.none() | st.booleans() | st.integers() | TEXTS.map(" | ".join),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(JSON_KEYS, inner, max_size=4),
    max_leaves=12,
)


def escaped(value: Any) -> str:
    """Return JSON of which each letter of each text is an escape."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{escaped(k)}:{escaped(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(escaped, value))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    units = value.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)) + '"'


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tokens=TEXTS, value=ANY_JSON, escape=st.booleans())
async def test_wherever_others_are_named_their_names_are_not_shown_and_their_own_are(
    lab: Lab, tokens: Sequence[str], value: Any, escape: bool
) -> None:
    text, nested = " | ".join(tokens), {"own": list(OWN), "value": value}
    written = escaped(nested) if escape else json.dumps(nested, ensure_ascii=False)
    stored: Any = cast(literal(written), JSON_TYPE)
    stored = literal(written) if lab.api.db.raw else stored
    changes: dict[Any, dict[str, Any]] = {
        Event: {"content": text, "response": stored, "event_type": text},
        ChatMessage: {"content": text},
        SparseRating: {"question": text, "details": stored, "labels": stored},
        Component: {"variables": stored, "config": stored},
    }
    async with lab.api.db.write() as tx:
        anna = select(col(Participant.id)).where(col(Participant.participant_id) == ANNA)
        for model, values in changes.items():
            await tx.execute(
                update(model).where(col(model.participant_key).in_(anna)).values(**values)
            )
    query = """{ experiments { nodes { events { nodes { content response eventType } }
      chatMessages { nodes { content } } sparseRatings { nodes { question details labels } }
      components { nodes { variables config } } eventCounts(by: TYPE) { kind }
      statistics(groupBy: QUESTION) { question } } } }"""

    found = await lab.api.ask(query, lab.anna)

    assert named_in(found) == set()
    node = next(each for each in found["experiments"]["nodes"] if each["events"]["nodes"])
    event = node["events"]["nodes"][0]
    shown = event["content"].split(" | ")
    assert [mine for mine in shown if mine in OWN] == [mine for mine in tokens if mine in OWN]
    assert event["response"]["own"] == list(OWN)
    assert node["components"]["nodes"][0]["config"]["own"] == list(OWN)
