"""Who is told what of the quality of data: of what they may see, and of that alone."""

from collections.abc import Sequence
from typing import Any

import pytest

from server.records import RecordType
from server.resolvers.quality.checks import CHECKS
from server.resolvers.quality.completeness import EXPECTATIONS
from tests.conftest import Api
from tests.factories import A_RECORD, a_grant, a_user, save
from tests.quality_sessions import Session, stored

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


QUALITY = "quality { completeness issues { code dataType } }"
SUMMARY = "dataSummary(dataTypes: $types) { dataType completeness }"
ASKED = f"""query ($types: [DataType!]) {{ experiments {{ nodes {{ {QUALITY} {SUMMARY}
  rooms {{ nodes {{ {QUALITY} {SUMMARY} }} }} }} }} }}"""
READING = ("read:experiments",)


def a_session() -> Session:
    """Return a session with something wrong in each data type, of both who are in it."""
    session = Session(length=30_000)
    for seat in (0, 1):
        person = session.seats[seat]
        for kind in RecordType:
            session.rows[kind].append(A_RECORD[kind](person, onset=-70_000, timestamp=session.at))
        samples = session.of(RecordType.CONTINUOUS_RATINGS, seat)
        session.lose(RecordType.CONTINUOUS_RATINGS, samples[10:40])
    session.lose(RecordType.COMPONENTS, session.of(RecordType.COMPONENTS, 1)[1:2])
    return session


async def named(api: Api, key: str, types: Sequence[RecordType]) -> set[tuple[str, str | None]]:
    """Return the issues of an experiment, code and type, having checked that its room's agree."""
    [experiment] = await _asked(api, key, types)
    [room] = experiment["rooms"]["nodes"]
    found = [(i["code"], i["dataType"]) for i in experiment["quality"]["issues"]]
    assert found == [(i["code"], i["dataType"]) for i in room["quality"]["issues"]]
    return set(found)


async def complete(api: Api, key: str, types: Sequence[RecordType]) -> set[str]:
    """Return the types of which it is told how complete they are."""
    [experiment] = await _asked(api, key, types)
    told = [one for one in experiment["dataSummary"] if one["completeness"] is not None]
    assert (experiment["quality"]["completeness"] is None) == (not told)
    return {one["dataType"] for one in told}


async def _asked(api: Api, key: str, types: Sequence[RecordType]) -> list[Any]:
    data = await api.ask(ASKED, key, types=[each.name for each in types])
    nodes: list[Any] = data["experiments"]["nodes"]
    return nodes


def findable(types: Sequence[RecordType], *, scopes: bool, alone: bool = False) -> set[str]:
    """Return the codes of the checks that read no other types, and need no more of a key."""
    return {
        code
        for check in CHECKS
        if {*check.reads} <= {*types} and (scopes or not check.scopes)
        if not (alone and check.of_room)
        for code in check.codes
    }


async def test_a_key_is_told_of_the_types_that_it_may_read(api: Api) -> None:
    owner = await stored(api, a_session())
    everything = await named(api, await api.key_of(owner.key), list(RecordType))
    assert {kind for _, kind in everything} == {each.name for each in RecordType}

    for some in (
        [],
        [RecordType.CHAT_MESSAGES],
        [RecordType.CONTINUOUS_RATINGS],
        [*RecordType][3:],
    ):
        scopes = {each.value.scope for each in some}
        types = [each for each in RecordType if each.value.scope in scopes]
        key = await api.key_of(owner.key, *READING, *scopes)
        found = await named(api, key, types)
        assert found == {
            (code, kind)
            for code, kind in everything
            if kind in {each.name for each in types} and code in findable(types, scopes=False)
        } - _hidden(types)
        assert await complete(api, key, types) == {
            each.data_type.name
            for each in EXPECTATIONS
            if {*each.reads} <= {*types} and each.data_type in types
        }


def _hidden(types: Sequence[RecordType]) -> set[tuple[str, str | None]]:
    """Return what of several checks of one code cannot be found without types."""
    return {
        (code, check.data_type.name)
        for check in CHECKS
        if check.data_type is not None and not {*check.reads} <= {*types}
        for code in check.codes
    }


async def test_a_grant_of_some_types_tells_nothing_of_others(api: Api) -> None:
    session = a_session()
    owner, guest = await stored(api, session), a_user()
    everything = await named(api, await api.key_of(owner.key), list(RecordType))
    some = [each for each in RecordType if each is not RecordType.CHAT_MESSAGES]
    await save(
        api.db,
        guest,
        a_grant(session.experiment, guest, data_types=[each.name for each in some]),
    )
    key = await api.key_of(guest.key)

    assert await named(api, key, list(RecordType)) == {
        (code, kind) for code, kind in everything if kind != "CHAT_MESSAGES"
    }

    without_events, another = a_session(), a_user()
    await stored(api, without_events)
    some = [RecordType.CONTINUOUS_RATINGS, RecordType.COMPONENTS]
    await save(
        api.db,
        another,
        a_grant(without_events.experiment, another, data_types=[each.name for each in some]),
    )
    key = await api.key_of(another.key)

    assert {code for code, _ in await named(api, key, list(RecordType))} == {
        "ONSET_DISAGREES",
        "STATE_SKIPPED",
    }
    assert await complete(api, key, list(RecordType)) == {"COMPONENTS"}


async def test_participants_are_told_of_their_own(api: Api) -> None:
    session = a_session()
    session.experiment["participants_may_request_data"] = True
    await stored(api, session)
    themselves, nobody = (
        a_user(role="PARTICIPANT", participant_id=who)
        for who in (session.seats[1]["participant_id"], "n" * 28)
    )
    await save(api.db, themselves, nobody)
    key = await api.key_of(themselves.key)
    query = """{ experiments { nodes { quality { issues { code affectedCount
      participant { participantId } } } } } }"""

    data = await api.ask(query, key)
    found = data["experiments"]["nodes"][0]["quality"]["issues"]

    assert {issue["code"] for issue in found} >= {"ONSET_DISAGREES", "GAP"}
    assert {issue["code"] for issue in found} <= findable([*RecordType], scopes=True, alone=True)
    assert {issue["participant"]["participantId"] for issue in found} == {
        session.seats[1]["participant_id"]
    }
    told = await complete(api, key, list(RecordType))
    assert told == {each.data_type.name for each in EXPECTATIONS if not each.of_room}
    assert await _asked(api, await api.key_of(nobody.key), list(RecordType)) == []


async def test_participants_are_told_of_others_under_codes(api: Api) -> None:
    session = Session(length=30_000)
    session.experiment["participants_may_request_data"] = True
    other = session.seats[0]["participant_id"]
    for row in session.rows[RecordType.EVENTS]:
        if row["component_id"] == "cmp_dial":
            row["component_id"] = other
    done = [e for e in session.of(RecordType.EVENTS, 1) if e["event_type"] == "component.complete"]
    session.lose(RecordType.EVENTS, [e for e in done if e["component_id"] == other])
    owner = await stored(api, session)
    themselves = a_user(role="PARTICIPANT", participant_id=session.seats[1]["participant_id"])
    await save(api.db, themselves)
    query = "{ experiments { nodes { quality { issues { code message } } } } }"
    told: list[str] = []

    for who in (owner, themselves):
        data = await api.ask(query, await api.key_of(who.key))
        issues = data["experiments"]["nodes"][0]["quality"]["issues"]
        told += [i["message"] for i in issues if i["code"] == "COMPONENT_NOT_COMPLETED"]

    assert f"`{other}`" in told[0]
    assert other not in told[1]
    assert "`P000" in told[1]


async def test_who_sees_no_participants_is_not_told_whose_data_they_are(api: Api) -> None:
    owner = await stored(api, a_session())
    query = """{ experiments { nodes { quality { issues { code
      participant { participantId } } } } } }"""
    scopes = {each.value.scope for each in RecordType}

    key = await api.key_of(owner.key, *READING, *scopes)
    code, message = await api.refusal(query, key)

    assert code == "FORBIDDEN"
    assert "read:participants" in message
