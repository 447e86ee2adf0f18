"""Roll-ups: who may ask for them, whose numbers they are made of, and what they cost to ask."""

from typing import Any

import pytest

from server.records import RecordType
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


PERSON = "p" * 28

ROLL_UPS = {
    "ratingSeries { lines { participantId count } }": "read:ratings",
    "ratingSeries(pooled: true) { lines { count } }": "read:ratings",
    "continuousRatingColumns { participantId onset totalCount }": "read:ratings",
    "statistics(groupBy: PARTICIPANT) { participantId n }": "read:ratings",
    "syncWindows(windowMs: 1000) { participantId count }": "read:sync",
    "eventCounts(by: TYPE) { kind count }": "read:events",
}
"""What every level answers with, and what a key must be allowed for it."""

ALIGNED = """alignedRatings(componentId: "cmp_1", everyMs: 1000) {
  onset participants { participantId value } }"""


def records_of(person: Row) -> list[Row]:
    some = {RecordType.CONTINUOUS_RATINGS: {"component_id": "cmp_1"}}
    return [
        A_RECORD[kind](person, **some.get(kind, {}), onset=onset)
        for kind in RecordType
        for onset in (-500, 1_000)
    ]


async def a_lab(api: Api, rooms: int = 1) -> tuple[Row, Row]:
    """Store an experiment of rooms of two, one person in all of them, and return its owner."""
    owner = a_user()
    experiment = an_experiment(owner, participants_may_request_data=True)
    seated = [a_room(experiment) for _ in range(rooms)]
    people = [
        person
        for room in seated
        for person in (a_participant(room, participant_id=PERSON), a_participant(room))
    ]
    records = [record for person in people for record in records_of(person)]
    await save(api.db, owner, experiment, *seated, *people, *sorted(records, key=_table))
    return owner, experiment


def _table(record: Row) -> str:
    return record.model.__name__


@pytest.mark.parametrize("field", ROLL_UPS)
async def test_a_key_without_the_scope_is_refused(api: Api, field: str) -> None:
    owner, _ = await a_lab(api)
    reading = ["read:experiments", "read:participants"]
    others = {"read:ratings", "read:sync", "read:events"} - {ROLL_UPS[field]}
    without = await api.key_of(owner.key, *reading, *others)
    allowed = await api.key_of(owner.key, *reading, ROLL_UPS[field])
    people = f"participants(first: 5) {{ nodes {{ {field} }} }}"
    room = f"rooms(first: 5) {{ nodes {{ {field} {people} }} }}"
    query = f"{{ experiments(first: 5) {{ nodes {{ {field} {room} }} }} }}"

    assert (await api.refusal(query, without))[0] == "FORBIDDEN"
    await api.ask(query, allowed)


async def test_aligned_ratings_name_participants_and_need_both_scopes(api: Api) -> None:
    owner, _ = await a_lab(api)
    query = (
        f"{{ experiments(first: 5) {{ nodes {{ rooms(first: 5) {{ nodes {{ {ALIGNED} }} }} }} }} }}"
    )
    scopes = {"read:experiments", "read:participants", "read:ratings"}

    await api.ask(query, await api.key_of(owner.key, *scopes))
    for scope in ("read:participants", "read:ratings"):
        key = await api.key_of(owner.key, *(scopes - {scope}))
        code, message = await api.refusal(query, key)
        assert code == "FORBIDDEN"
        assert scope in message


async def test_numbers_are_made_of_what_may_be_seen_and_no_more(api: Api) -> None:
    owner, _ = await a_lab(api, rooms=2)
    themselves = a_user(role="PARTICIPANT", participant_id=PERSON)
    await save(api.db, themselves)
    fields = " ".join(f"f{i}: {field}" for i, field in enumerate(ROLL_UPS))
    query = f"""{{ experiments(first: 5) {{ nodes {{ {fields}
      rooms(first: 5) {{ nodes {{ {fields} {ALIGNED}
        participants(first: 5) {{ nodes {{ {fields} }} }} }} }} }} }} }}"""

    whole = await api.ask(query, await api.key_of(owner.key))
    own = await api.ask(query, await api.key_of(themselves.key))

    [experiment], [mine] = whole["experiments"]["nodes"], own["experiments"]["nodes"]
    assert _people(own) == {PERSON}
    assert len(_people(whole)) == 3
    for field in (f"f{i}" for i in range(len(ROLL_UPS))):
        assert _total(experiment[field]) == 2 * _total(mine[field]) > 0
        for theirs, room in zip(experiment["rooms"]["nodes"], mine["rooms"]["nodes"], strict=True):
            assert _total(theirs[field]) == 2 * _total(room[field]) > 0
            [person] = room["participants"]["nodes"]
            assert _total(person[field]) == _total(room[field])


def _people(shown: Any) -> set[str]:
    if isinstance(shown, list):
        return set[str]().union(*map(_people, shown))
    if not isinstance(shown, dict):
        return set()
    named = shown.get("participantId", [])
    inner = set[str]().union(*map(_people, shown.values()))
    return inner | ({named} if isinstance(named, str) else set(named))


def _total(shown: Any) -> int:
    """Return how many rows an answer is made of."""
    if isinstance(shown, list):
        return sum(map(_total, shown))
    if not isinstance(shown, dict):
        return 0
    counts = [shown.get(name, []) for name in ("count", "n", "totalCount")]
    own = sum(sum(each) if isinstance(each, list) else each for each in counts)
    return own + sum(map(_total, shown.values()))


async def test_the_number_of_statements_does_not_grow_with_the_number_of_rooms(api: Api) -> None:
    owner, _ = await a_lab(api, rooms=20)
    key = await api.key_of(owner.key)
    fields = " ".join(f"f{i}: {field}" for i, field in enumerate(ROLL_UPS))
    counts = {}

    for rooms in (1, 20):
        query = f"""{{ experiments(first: 5) {{ nodes {{ rooms(first: {rooms}) {{ nodes {{
          {ALIGNED} {fields} participants(first: 5) {{ nodes {{ {fields} }} }} }} }} }} }} }}"""
        with api.counting() as statements:
            data = await api.ask(query, key)
        nodes = data["experiments"]["nodes"][0]["rooms"]["nodes"]
        assert len(nodes) == rooms
        assert all(_total(node["f5"]) == 4 for node in nodes)
        counts[rooms] = len(statements)

    assert counts[20] == counts[1]
    assert counts[20] < 30
