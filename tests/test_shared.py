"""What is shared is seen, and no more, along every path: compared with a plain model of grants."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, update

from server.access import is_identified_only
from server.records import RecordType
from server.records.exports import Anonymization, Export
from server.resolvers.lookups import NODES
from tests.conftest import Api
from tests.factories import a_grant, a_participant, a_room, save
from tests.rights_lab import LISTS, PERSON, Grant, Lab, Rights, a_lab, id_of

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]

KEEP, REMOVE, AGGREGATE = Anonymization
EVENTS, CHAT, RATINGS = (
    RecordType.EVENTS,
    RecordType.CHAT_MESSAGES,
    RecordType.CONTINUOUS_RATINGS,
)
SOME = frozenset({EVENTS, RATINGS})

GRANTS: dict[str, tuple[Grant, ...]] = {
    "none": (),
    "view": (Grant(),),
    "export": (Grant(can_export=True),),
    "some types": (Grant(can_export=True, types=SOME),),
    "without identifiers": (Grant(can_export=True, anonymization=REMOVE),),
    "statistics alone": (Grant(can_export=True, anonymization=AGGREGATE),),
    "some types without identifiers": (Grant(anonymization=REMOVE, types=SOME),),
    "until later": (Grant(can_export=True, over=False),),
    "expired": (Grant(can_export=True, over=True),),
    "through a group": (Grant(can_export=True, to_group=True),),
    "expired, through a group": (Grant(to_group=True, over=True),),
    "some types, and others through a group": (
        Grant(can_export=True, types=frozenset({EVENTS})),
        Grant(can_export=True, anonymization=REMOVE, types=frozenset({CHAT}), to_group=True),
    ),
    "view, and export through a group": (
        Grant(types=SOME),
        Grant(can_export=True, anonymization=AGGREGATE, to_group=True),
    ),
    "expired, and some types through a group": (
        Grant(can_export=True, over=True),
        Grant(types=SOME, to_group=True),
    ),
    "through two groups": (
        Grant(types=frozenset({EVENTS}), to_group=True),
        Grant(can_export=True, types=frozenset({CHAT}), to_group=True),
    ),
}

EACH = pytest.mark.parametrize("grants", GRANTS.values(), ids=GRANTS)

ROLL_UPS = {
    "ratingSeries { lines { participantId count } }": RATINGS,
    "continuousRatingColumns { participantId onset totalCount }": RATINGS,
    "statistics(groupBy: PARTICIPANT) { participantId n }": RecordType.SPARSE_RATINGS,
    "syncWindows(windowMs: 1000) { participantId count }": RecordType.SYNC_METRICS,
    "eventCounts(by: TYPE) { kind count }": EVENTS,
}
ALIGNED = """alignedRatings(componentId: "none", everyMs: 1000) { onset }"""


@pytest.fixture
async def lab(any_api: Api) -> Lab:
    return await a_lab(any_api)


def expected(lab: Lab, grants: Sequence[Grant]) -> set[str]:
    rights = Rights(tuple(grants))
    return lab.of("shared", types=rights.types) if rights.sees else set()


@EACH
async def test_lists_and_counts_hold_what_is_shared(lab: Lab, grants: Sequence[Grant]) -> None:
    await lab.share(grants)
    assert await lab.seen_in_lists("guest") == expected(lab, grants)


@EACH
async def test_an_id_finds_what_is_shared(lab: Lab, grants: Sequence[Grant]) -> None:
    key = await lab.share(grants)
    ids = [id_of(row) for rows in lab.rows.values() for row in rows]

    found = await lab.api.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", key, ids=ids)

    assert {node["id"] for node in found["nodes"] if node} == expected(lab, grants)


@EACH
async def test_roll_ups_are_made_of_what_is_shared(lab: Lab, grants: Sequence[Grant]) -> None:
    key, rights = await lab.share(grants), Rights(tuple(grants))
    fields = " ".join(f"f{i}: {field}" for i, field in enumerate(ROLL_UPS))
    query = f"""{{ experiments {{ nodes {{ {fields} rooms {{ nodes {{ {fields} {ALIGNED}
      participants {{ nodes {{ {fields} }} }} }} }} }} }} }}"""

    for experiment in (await lab.api.ask(query, key))["experiments"]["nodes"]:
        [room] = experiment["rooms"]["nodes"]
        for place in (experiment, room, *room["participants"]["nodes"]):
            for i, kind in enumerate(ROLL_UPS.values()):
                assert (_total(place[f"f{i}"]) > 0) is (kind in rights.types), (i, place)


def _total(shown: Any) -> int:
    """Return how many rows an answer is made of."""
    if isinstance(shown, list):
        return sum(map(_total, shown))
    if not isinstance(shown, dict):
        return 0
    counts = [shown.get(name, []) for name in ("count", "n", "totalCount")]
    own = sum(sum(each) if isinstance(each, list) else each for each in counts)
    return own + sum(map(_total, shown.values()))


@EACH
async def test_a_filter_asks_of_what_is_shared(lab: Lab, grants: Sequence[Grant]) -> None:
    key, types = await lab.share(grants), Rights(tuple(grants)).types
    query = """query($types: [DataType!]!) { experiments { nodes {
      with: participants(filter: {hasData: $types}) { totalCount nodes { id } }
      without: participants(filter: {not: {hasData: $types}}) { totalCount } } } }"""

    for kind in RecordType:
        data = await lab.api.ask(query, key, types=[kind.name])
        for each in data["experiments"]["nodes"]:
            count = 2 if kind in types else 0
            assert each["with"]["totalCount"] == len(each["with"]["nodes"]) == count
            assert each["without"]["totalCount"] == 2 - count


@EACH
async def test_what_identifies_is_null_to_others(lab: Lab, grants: Sequence[Grant]) -> None:
    key, rights = await lab.share(grants), Rights(tuple(grants))
    people = "participants { nodes { id participantId email ipAddress userAgent } }"
    query = f"""query($ids: [ID!]!, $p: String!) {{ experiments {{ nodes {{ {people}
      rooms {{ nodes {{ {people} }} }} }} }}
      nodes(ids: $ids) {{ ... on Participant {{ participantId email ipAddress userAgent }} }}
      participant(roomId: "room of shared", participantId: $p) {{
        participantId email ipAddress userAgent }} }}"""
    ids = [id_of(row) for row in lab.rows["shared"][2:4]]
    told = {"email": "p@example.org", "ipAddress": "::1", "userAgent": None}

    data = await lab.api.ask(query, key, ids=ids, p=PERSON)

    for person in _people(data):
        if person["participantId"] == PERSON and rights.identified:
            assert {name: person[name] for name in told} == told
        elif person["participantId"] == PERSON:
            assert {person[name] for name in told} == {None}
        else:
            assert person["userAgent"] == ("Lynx" if rights.identified else None)
    assert len(_people(data)) == (7 if rights.sees else 0)


def _people(shown: Any) -> list[dict[str, Any]]:
    if isinstance(shown, list):
        return [person for each in shown for person in _people(each)]
    if not isinstance(shown, dict):
        return []
    if "participantId" in shown:
        return [shown]
    return [person for each in shown.values() for person in _people(each)]


@EACH
async def test_exports_are_of_what_is_shared_for_that(lab: Lab, grants: Sequence[Grant]) -> None:
    key, rights = await lab.share(grants), Rights(tuple(grants))
    create = """mutation($input: ExportInput!) { exportCreate(input: $input) {
      export { id } userErrors { code message field } } }"""
    estimate = "query($input: ExportInput!) { exportEstimate(input: $input) { bytes } }"

    for level in Anonymization:
        for types in ([EVENTS], [EVENTS, CHAT], [*RecordType]):
            wanted = {
                "experimentIds": ["shared"],
                "dataTypes": [each.name for each in types],
                "anonymization": level.name,
            }
            made = (await lab.api.ask(create, key, input=wanted))["exportCreate"]
            if rights.may_export(types, level):
                assert made["userErrors"] == []
                continue
            [error] = made["userErrors"]
            if not rights.sees:
                assert error["code"] == "NOT_FOUND"
            else:
                assert error["code"] == "FORBIDDEN"
                some = rights.may_export()
                assert ("name fewer `dataTypes`" in error["message"]) is some
                assert ("may view this data but not export" in error["message"]) is not some
            said = await lab.api.refusal(estimate, key, input=wanted)
            assert said == (error["code"], error["message"])


async def test_an_export_is_not_tried_again_that_is_no_longer_shared(lab: Lab) -> None:
    key = await lab.share([Grant(can_export=True)])
    create = """mutation { exportCreate(input: {experimentIds: ["shared"]}) {
      export { id } userErrors { code } } }"""
    retry = """mutation($id: ID!) { exportRetry(id: $id) {
      export { id } userErrors { code message } } }"""
    made = (await lab.api.ask(create, key))["exportCreate"]["export"]["id"]
    async with lab.api.db.write() as tx:
        await tx.execute(update(Export).values(status="FAILED"))

    for grant in (
        Grant(can_export=True, types=SOME),
        Grant(can_export=True, anonymization=AGGREGATE),
        Grant(can_export=True, over=True),
        Grant(),
    ):
        key = await lab.share([grant])
        [error] = (await lab.api.ask(retry, key, id=made))["exportRetry"]["userErrors"]
        assert error["code"] == "FORBIDDEN", grant
        assert "export" in error["message"]
    key = await lab.share([Grant(can_export=True, anonymization=REMOVE)])
    assert (await lab.api.ask(retry, key, id=made))["exportRetry"]["userErrors"] == []


ACCESS = "canView canExport canDelete canManage canSeeIdentified dataTypes until why"
ACCESSES = f"""{{ experiments {{ nodes {{ access {{ {ACCESS} }} rooms {{ nodes {{
  access {{ {ACCESS} }} participants {{ nodes {{ access {{ {ACCESS} }} }} }} }} }} }} }} }}"""


async def accesses(lab: Lab, key: str) -> list[dict[str, Any]]:
    """Return what is told of each experiment seen, having checked that rooms and people agree."""
    found = []
    for experiment in (await lab.api.ask(ACCESSES, key))["experiments"]["nodes"]:
        told = experiment["access"]
        for room in experiment["rooms"]["nodes"]:
            assert room["access"] == told
            for person in room["participants"]["nodes"]:
                assert person["access"] == told
        found.append(told)
    return found


@EACH
async def test_access_tells_what_is_shared(lab: Lab, grants: Sequence[Grant]) -> None:
    key, rights = await lab.share(grants), Rights(tuple(grants))

    told = await accesses(lab, key)

    if not rights.sees:
        assert told == []
        return
    [access] = told
    assert access["canView"]
    assert not access["canDelete"]
    assert not access["canManage"]
    assert access["canExport"] is rights.may_export()
    assert access["canSeeIdentified"] is rights.identified
    assert access["dataTypes"] == [each.name for each in rights.types]
    assert (access["until"] is None) is any(grant.over is None for grant in rights.live)
    assert access["why"].count("Shared with you") == len(rights.live)
    assert access["why"].count("through the group") == sum(g.to_group for g in rights.live)


async def test_access_says_why(lab: Lab) -> None:
    shared = lab.rows["shared"][0]
    until = 1_798_761_600_000  # 2027-01-01
    grant = Grant(can_export=True, anonymization=REMOVE, types=SOME)
    columns = grant.columns | {"expires_at": until}
    await save(lab.api.db, a_grant(shared, lab.users["guest"], **columns))
    everything = {"canView": True, "canExport": True, "canDelete": True, "canManage": True}

    [one, _] = await accesses(lab, await lab.key("owner"))
    assert one["why"] == "You own it."
    assert {name: one[name] for name in everything} == everything
    assert len(one["dataTypes"]) == len(RecordType)
    for access in await accesses(lab, await lab.key("administrator")):
        assert access["why"] == "You are an administrator."
        assert {name: access[name] for name in everything} == everything
    [own] = await accesses(lab, await lab.key("participant"))
    assert own["why"] == "It lets participants see their own data."
    assert own["canSeeIdentified"]
    assert not own["canExport"]
    [viewer] = await accesses(lab, await lab.key("viewer"))
    assert viewer["why"] == "Shared with you: view with identifiers."
    [exporter] = await accesses(lab, await lab.key("exporter"))
    assert exporter["why"] == "Shared with you: view with identifiers, and export the same."
    [guest] = await accesses(lab, await lab.key("guest"))
    assert guest["why"] == (
        "Shared with you until 2027-01-01: view events and continuous ratings, and export without "
        "identifiers."
    )
    assert guest["until"] == "2027-01-01T00:00:00.000Z"


async def test_access_tells_how_the_key_narrows_it(lab: Lab) -> None:
    scopes = ("read:experiments", "read:participants", "read:events")

    [one, _] = await accesses(lab, await lab.key("owner", *scopes))
    [guest] = await accesses(lab, await lab.key("exporter", *scopes))

    no = {"canExport": False, "canManage": False, "canDelete": False, "dataTypes": ["EVENTS"]}
    for access in (one, guest):
        assert {name: access[name] for name in no} == no
    assert one["why"] == (
        "You own it. This API key lacks `export:data`, `write:experiments` and "
        "`delete:experiments`."
    )
    assert guest["why"].endswith(" This API key lacks `export:data`.")


async def test_access_is_one_statement_however_many_ask(lab: Lab) -> None:
    key = await lab.key("owner")
    counts = set()
    for rooms in (1, 5):
        more = [a_room(lab.rows["shared"][0]) for _ in range(rooms - 1)]
        await save(lab.api.db, *more, *(a_participant(room) for room in more))
        with lab.api.counting() as statements:
            await accesses(lab, key)
        counts.add(len(statements))
    assert counts == {6}  # experiments, rooms, participants, and access to each


async def test_a_filter_counts_what_a_participant_sees(lab: Lab) -> None:
    """Who sees only themselves cannot ask how many others there are."""
    rooms = "rooms(filter: {participantCount: {gte: %d}}) { totalCount }"
    query = f"""query($least: Int!) {{ experiments(filter: {{participantCount: {{gte: $least}}}}) {{
      totalCount nodes {{ id }} }} all: experiments {{ nodes {{ one: {rooms % 1} two: {rooms % 2}
      }} }} }}"""
    for who, count in (("participant", 1), ("viewer", 2)):
        key = await lab.key(who)
        for least in (1, 2, 3):
            data = await lab.api.ask(query, key, least=least)
            assert data["experiments"]["totalCount"] == int(count >= least)
            [one] = data["all"]["nodes"]
            assert one == {"one": {"totalCount": 1}, "two": {"totalCount": int(count >= 2)}}


async def test_a_filter_counts_the_rooms_that_a_participant_sees(lab: Lab) -> None:
    another = a_room(lab.rows["shared"][0])
    await save(lab.api.db, another, a_participant(another))
    query = """{ experiments { nodes { roomCount } }
      two: experiments(filter: {roomCount: {gte: 2}}) { totalCount } }"""

    for who, count in (("participant", 1), ("viewer", 2)):
        data = await lab.api.ask(query, await lab.key(who))
        assert data["experiments"]["nodes"] == [{"roomCount": count}]
        assert data["two"]["totalCount"] == int(count >= 2)


def test_nobody_sorts_or_filters_by_what_identifies() -> None:
    """An order, its cursors or a filter would tell what is shown as null."""
    for listed in NODES.values():
        hidden = {c.key for c in inspect(listed.model).columns if is_identified_only(c)}
        assert not hidden & {str(each.value) for each in listed.order}
        assert not hidden & set(listed.filter.model_fields)
    assert is_identified_only(inspect(NODES["Participant"].model).columns["email"])


DRAWN = st.lists(
    st.builds(
        Grant,
        can_export=st.booleans(),
        anonymization=st.sampled_from(Anonymization),
        types=st.none() | st.frozensets(st.sampled_from(RecordType), min_size=1, max_size=3),
        over=st.sampled_from([None, False, True]),
        to_group=st.booleans(),
    ),
    max_size=4,
).filter(lambda grants: sum(not grant.to_group for grant in grants) < 2)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    grants=DRAWN,
    wanted=st.sets(st.sampled_from(RecordType), min_size=1, max_size=2),
    level=st.sampled_from(Anonymization),
)
async def test_whatever_is_shared_it_is_seen_and_exported_and_no_more(
    lab: Lab, grants: list[Grant], wanted: set[RecordType], level: Anonymization
) -> None:
    key, rights = await lab.share(grants), Rights(tuple(grants))

    assert await lab.seen_in_lists("guest") == expected(lab, grants)
    told = await accesses(lab, key)
    assert len(told) == int(rights.sees)
    for access in told:
        assert access["canExport"] is rights.may_export()
        assert access["canSeeIdentified"] is rights.identified
        assert access["dataTypes"] == [each.name for each in rights.types]
    query = """query($types: [DataType!]!) { experiments { nodes {
      participants(filter: {hasData: $types}) { totalCount } } } }"""
    data = await lab.api.ask(query, key, types=[each.name for each in wanted])
    for each in data["experiments"]["nodes"]:
        count = 2 if wanted <= set(rights.types) else 0
        assert each["participants"]["totalCount"] == count
    query = """mutation($types: [DataType!]!, $level: Anonymization!) {
      exportCreate(input: {experimentIds: ["shared"], dataTypes: $types, anonymization: $level}) {
        userErrors { code } } }"""
    types = [each.name for each in wanted]
    made = (await lab.api.ask(query, key, types=types, level=level.name))["exportCreate"]
    refused = [] if rights.may_export(wanted, level) else [{"code": "FORBIDDEN"}]
    assert made["userErrors"] == (refused if rights.sees else [{"code": "NOT_FOUND"}])


async def test_a_key_that_is_known_sees_what_is_shared_by_then(lab: Lab) -> None:
    """Statements are prepared for a kind of actor: what is shared changes the kind."""
    key = await lab.share([Grant()])
    assert len((await lab.api.ask(LISTS, key))["experiments"]["nodes"]) == 1
    await lab.share([Grant(types=SOME)])
    [experiment] = (await lab.api.ask(LISTS, key))["experiments"]["nodes"]
    assert experiment["chatMessages"]["totalCount"] == 0
    assert experiment["events"]["totalCount"] == 2
    await lab.share([])
    assert (await lab.api.ask(LISTS, key))["experiments"]["nodes"] == []
