"""Reading: every row of every type, at every level, in a number of statements that never grows."""

from base64 import urlsafe_b64encode

import pytest
from sqlalchemy import func, select

from server.global_ids import global_id
from server.records import RecordType
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    START,
    Row,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


RECORDS = "(first: 100) { totalCount nodes { id onset roomId participantId } }"
SEVEN = " ".join(t.value.name + RECORDS for t in RecordType)
SUMMARY = "dataSummary { dataType recordCount firstTimestamp lastTimestamp }"
HIERARCHY = f"""{{ experiments(first: 5) {{ nodes {{ id experimentId {SEVEN} {SUMMARY}
  rooms(first: 5) {{ nodes {{ id roomId {SEVEN} {SUMMARY} participants(first: 5) {{ nodes {{
    id participantId availableData {SEVEN} {SUMMARY} }} }} }} }} }} }} }}"""


def a_study(owner: Row, rooms: int = 2, people: int = 2, each: int = 2) -> list[Row]:
    """Make an experiment whose records all differ in number, some of them before its start."""
    experiment = an_experiment(owner)
    made_rooms = [a_room(experiment) for _ in range(rooms)]
    made_people = [a_participant(room) for room in made_rooms for _ in range(people)]
    records = [
        A_RECORD[kind](person, onset=(n - 1) * 1000)
        for i, kind in enumerate(RecordType)
        for person in made_people
        for n in range(each + i)
    ]
    return [experiment, *made_rooms, *made_people, *records]


async def an_owner(api: Api, *rows: Row, owner: Row) -> str:
    await save(api.db, owner, *rows)
    return await api.key_of(owner.key)


async def test_all_seven_types_are_whole_at_all_three_levels(api: Api) -> None:
    owner = a_user()
    rows = a_study(owner)
    key = await an_owner(api, *rows, owner=owner)

    [experiment] = (await api.ask(HIERARCHY, key))["experiments"]["nodes"]
    rooms = experiment["rooms"]["nodes"]
    people = [person for room in rooms for person in room["participants"]["nodes"]]

    assert (len(rooms), len(people)) == (2, 4)
    for kind in RecordType:
        model, name = kind.value.model, kind.value.name
        stored = [row for row in rows if row.model is model]
        async with api.db.read() as tx:
            counted = (await tx.execute(select(func.count()).select_from(model))).scalar_one()
        assert counted == len(stored)
        for parents in ([experiment], rooms, people):
            shown = [node for parent in parents for node in parent[name]["nodes"]]
            assert {node["id"] for node in shown} == {
                global_id(model.__name__, row.key) for row in stored
            }
            assert sum(parent[name]["totalCount"] for parent in parents) == counted
        for parent in (experiment, *rooms, *people):
            onsets = [node["onset"] for node in parent[name]["nodes"]]
            assert onsets == sorted(onsets)
            assert onsets[0] < 0
            [summary] = [s for s in parent["dataSummary"] if s["dataType"] == kind.name]
            assert summary["recordCount"] == parent[name]["totalCount"]
            assert summary["firstTimestamp"] == "2024-10-20T14:30:44.123Z"
            last = max(row["timestamp"] for row in stored)
            assert summary["lastTimestamp"] == f"2024-10-20T14:30:{(last // 1000) % 60:02}.123Z"
    for person in people:
        for kind in RecordType:
            assert {node["participantId"] for node in person[kind.value.name]["nodes"]} == {
                person["participantId"]
            }
        assert person["availableData"] == [kind.name for kind in RecordType]


async def test_nothing_is_said_of_what_is_not_there(api: Api) -> None:
    owner = a_user()
    study = an_experiment(owner)
    room = a_room(study)
    key = await an_owner(api, study, room, a_participant(room), owner=owner)

    [experiment] = (await api.ask(HIERARCHY, key))["experiments"]["nodes"]

    [participant] = experiment["rooms"]["nodes"][0]["participants"]["nodes"]
    assert participant["availableData"] == []
    nothing = {"recordCount": 0, "firstTimestamp": None, "lastTimestamp": None}
    for scope in (experiment, participant):
        assert scope["dataSummary"] == [{"dataType": t.name, **nothing} for t in RecordType]
    some = """query($t: [DataType!]) {
                experiments { nodes { dataSummary(dataTypes: $t) { dataType } } } }"""
    for types in ([], ["EVENTS"], ["COMPONENTS", "EVENTS"]):
        [node] = (await api.ask(some, key, t=types))["experiments"]["nodes"]
        assert [s["dataType"] for s in node["dataSummary"]] == types


async def test_the_number_of_statements_does_not_grow_with_the_number_of_parents(api: Api) -> None:
    owner = a_user()
    rows = [row for _ in range(20) for row in a_study(owner, rooms=20, people=2, each=1)]
    key = await an_owner(api, *rows, owner=owner)
    record = "nodes { id onset roomId } totalCount"
    query = f"""query($n: Int) {{ experiments(first: $n) {{ totalCount nodes {{
      roomCount participantCount owner {{ name }} access {{ canExport }} {SUMMARY}
      rooms(first: $n) {{ totalCount nodes {{ duration participantCount {SUMMARY}
        experiment {{ name }} events(first: 10, filter: {{onset: {{gte: -5000}}}}) {{ {record} }}
        participants {{ totalCount nodes {{ availableData {SUMMARY} room {{ roomId }}
          experiment {{ owner {{ name }} }} events(first: 10) {{ {record} }}
          syncMetrics(last: 3) {{ {record} }} }} }} }} }} }} }} }}"""
    counts = {}

    for n in (1, 20):
        with api.counting() as statements:
            data = await api.ask(query, key, n=n)
        experiments = data["experiments"]["nodes"]
        rooms = [room for experiment in experiments for room in experiment["rooms"]["nodes"]]
        people = [person for room in rooms for person in room["participants"]["nodes"]]
        assert (len(experiments), len(rooms), len(people)) == (n, n * n, n * n * 2)
        assert all(person["events"]["nodes"] for person in people)
        counts[n] = len(statements)

    assert counts[20] == counts[1]
    assert counts[20] < 40


async def test_a_person_in_two_rooms_is_two_participants(api: Api) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    rooms = [a_room(experiment, start_time=START + n) for n in range(2)]
    twice = [a_participant(room, participant_id="p" * 28) for room in rooms]
    events = [an_event(twice[0]), an_event(twice[1]), an_event(twice[1])]
    key = await an_owner(api, experiment, *rooms, *twice, *events, owner=owner)

    [found] = (
        await api.ask(
            """{ experiments { nodes { participantCount rooms { nodes {
                 participantCount participants { nodes {
                   participantId room { roomId } events { totalCount } } } } } } } }""",
            key,
        )
    )["experiments"]["nodes"]

    assert found["participantCount"] == 2
    assert [room["participantCount"] for room in found["rooms"]["nodes"]] == [1, 1]
    people = [room["participants"]["nodes"][0] for room in found["rooms"]["nodes"]]
    assert [person["room"]["roomId"] for person in people] == [room["room_id"] for room in rooms]
    assert [person["events"]["totalCount"] for person in people] == [1, 2]
    query = """query($r: String!) { participant(roomId: $r, participantId: "%s") {
                 room { roomId } } }"""
    for room in rooms:
        data = await api.ask(query % ("p" * 28), key, r=room["room_id"])
        assert data["participant"]["room"]["roomId"] == room["room_id"]


async def test_whatever_has_an_id_is_found_by_it(api: Api) -> None:
    owner = a_user()
    rows = a_study(owner, rooms=1, people=1, each=1)
    key = await an_owner(api, *rows, owner=owner)
    ids = [global_id(row.model.__name__, row.key) for row in rows]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"

    found = (await api.ask(query, key, ids=ids[::-1]))["nodes"]

    assert [node["id"] for node in found] == ids[::-1]
    assert [node["__typename"] for node in found] == [row.model.__name__ for row in rows][::-1]
    assert {node["__typename"] for node in found} >= {t.value.model.__name__ for t in RecordType}
    for id_ in ids:
        [node] = (await api.ask("query($id: ID!) { node(id: $id) { id } }", key, id=id_)).values()
        assert node == {"id": id_}


async def test_one_bad_id_does_not_lose_the_others(api: Api) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    key = await an_owner(api, experiment, owner=owner)
    good = global_id("Experiment", experiment.key)
    bad = [
        *("", "x", "é", "💥", "A" * 100_000, good + "=", good[:-1], good + " "),
        *(global_id(name, experiment.key) for name in ("Room", "User", "ApiKey", "Node", "", "é")),
        *(global_id("Experiment", key) for key in (0, -1, 10**6, 2**63, 10**400)),
        *(_encoded(text) for text in ("Experiment", "Experiment:", "Experiment:1.5", ":1")),
        *(_encoded(f"Experiment:{text}") for text in (f"0{experiment.key}", " 1", "１", "1:1")),
    ]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    nodes = (await api.ask(query, key, ids=[*bad, good, good]))["nodes"]

    assert nodes == [*[None] * len(bad), {"id": good}, {"id": good}]
    for id_ in bad:
        assert await api.ask("query($i: ID!) { node(id: $i) { id } }", key, i=id_) == {"node": None}


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def test_a_hundred_nodes_at_once_are_enough(api: Api) -> None:
    key = await an_owner(api, owner=a_user())
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    assert (await api.ask(query, key, ids=["x"] * 100))["nodes"] == [None] * 100
    code, message = await api.refusal(query, key, ids=["x"] * 101)

    assert code == "BAD_USER_INPUT"
    assert "100" in message


async def test_an_unknown_public_id_finds_nothing(api: Api) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    room, other = a_room(experiment), a_room(experiment)
    person = a_participant(room)
    key = await an_owner(api, experiment, room, other, person, owner=owner)
    query = """query($e: String!, $r: String!, $p: String!) { experiment(experimentId: $e) { id }
                 room(roomId: $r) { id } participant(roomId: $r, participantId: $p) { id } }"""
    known = {"e": experiment["experiment_id"], "r": room["room_id"], "p": person["participant_id"]}

    assert all((await api.ask(query, key, **known)).values())
    for unknown in ("", "x", known["e"].upper(), known["e"] + " ", "\0", "💥", "x" * 100_000):
        data = await api.ask(query, key, e=unknown, r=unknown, p=known["p"])
        assert not any(data.values())
    data = await api.ask(query, key, **{**known, "r": other["room_id"]})
    assert data["room"]
    assert data["participant"] is None
