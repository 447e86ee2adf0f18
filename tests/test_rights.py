"""Rights: what one may not see looks as if it did not exist, whichever way one looks."""

from collections.abc import Mapping

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from server.global_ids import global_id
from server.records.api_keys import ApiKey
from server.records.exports import Export, ExportedExperiment
from tests.conftest import Api
from tests.factories import START
from tests.rights_lab import PERSON, Lab, a_lab, id_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


@pytest.fixture
async def lab(api: Api) -> Lab:
    return await a_lab(api)


SEES: Mapping[str, Mapping[str, str | None]] = {
    "owner": {"shared": None, "lent": None},
    "viewer": {"shared": None},
    "exporter": {"shared": None},
    "other": {"private": None},
    "outsider": {},
    "administrator": {"shared": None, "lent": None, "private": None},
    "participant": {"shared": PERSON},
    "stranger": {},
    "nobody": {},
}
"""Who sees which experiments: all of one, or one person's own part."""


def expected(lab: Lab, who: str) -> set[str]:
    return set().union(*(lab.of(name, person) for name, person in SEES[who].items()))


@pytest.mark.parametrize("who", SEES)
async def test_lists_and_counts_hold_what_may_be_seen_and_no_more(lab: Lab, who: str) -> None:
    assert await lab.seen_in_lists(who) == expected(lab, who)


@pytest.mark.parametrize("who", SEES)
async def test_an_id_finds_what_may_be_seen_and_no_more(lab: Lab, who: str) -> None:
    ids = [id_of(row) for rows in lab.rows.values() for row in rows]

    found = await lab.api.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", await lab.key(who), ids=ids
    )

    assert {node["id"] for node in found["nodes"] if node} == expected(lab, who)


@pytest.mark.parametrize("who", SEES)
async def test_a_public_id_finds_what_may_be_seen_and_no_more(lab: Lab, who: str) -> None:
    key, seen = await lab.key(who), expected(lab, who)
    query = """query($e: String!, $r: String!, $p: String!) {
      e: experiment(experimentId: $e) { id } r: room(roomId: $r) { id }
      p: participant(roomId: $r, participantId: $p) { id } }"""
    for name, rows in lab.rows.items():
        for person in rows[2:4]:
            found = await lab.api.ask(
                query, key, e=name, r=f"room of {name}", p=person["participant_id"]
            )
            shown = {node["id"] for node in found.values() if node}
            assert shown == {id_of(row) for row in (*rows[:2], person)} & seen


async def test_a_filter_does_not_reach_beyond_what_may_be_seen(lab: Lab) -> None:
    query = """query($e: TextIn, $r: TextIn, $p: TextIn) {
      experiments(filter: {experimentId: $e}) { totalCount nodes {
        rooms(filter: {roomId: $r}) { totalCount } participants(filter: {participantId: $p}) {
          totalCount } events(filter: {roomId: $r, participantId: $p}) { totalCount } } } }"""
    everyone = {"in": [row["participant_id"] for rows in lab.rows.values() for row in rows[2:4]]}
    asked = {
        "e": {"in": list(lab.rows)},
        "r": {"in": [f"room of {name}" for name in lab.rows]},
        "p": everyone,
    }
    for who, count in (("viewer", 2), ("participant", 1)):
        found = (await lab.api.ask(query, await lab.key(who), **asked))["experiments"]
        assert found["totalCount"] == 1
        assert found["nodes"] == [
            {
                "rooms": {"totalCount": 1},
                "participants": {"totalCount": count},
                "events": {"totalCount": count},
            }
        ]


async def test_who_may_export_is_told_so(lab: Lab) -> None:
    query = """{ experiment(experimentId: "shared") { access { canView canExport }
                 owner { userId } } }"""
    may = {"owner": True, "exporter": True, "administrator": True}
    for who in ("owner", "viewer", "exporter", "administrator", "participant"):
        found = (await lab.api.ask(query, await lab.key(who)))["experiment"]
        assert found["access"] == {"canView": True, "canExport": may.get(who, False)}, who
        assert found["owner"] == {"userId": lab.users["owner"]["user_id"]}
    narrow = await lab.api.key_of(lab.users["owner"].key, "read:*")
    found = (await lab.api.ask(query, narrow))["experiment"]
    assert found["access"] == {"canView": True, "canExport": False}


async def test_a_parent_of_what_is_seen_is_seen(lab: Lab) -> None:
    query = """{ experiments { nodes { rooms { nodes { experiment { experimentId }
      participants { nodes { room { roomId } experiment { experimentId } } } } } } } }"""
    for who in SEES:
        data = await lab.api.ask(query, await lab.key(who))
        assert len(data["experiments"]["nodes"]) == len(SEES[who])


async def test_an_export_is_its_maker_s_alone(lab: Lab) -> None:
    keys = {who: await lab.key(who) for who in ("owner", "exporter", "administrator")}
    keys |= {name: await lab.key("exporter") for name in ("shared", "lent")}  # bound to it alone
    async with lab.api.db.write() as tx:
        export = (
            await tx.execute(
                insert(Export)
                .values(
                    requested_by_key=lab.users["exporter"].key,
                    recipe={},
                    created_at=START,
                    format="CSV",
                    packaging="ZIP",
                    anonymization="KEEP",
                )
                .returning(Export.__table__.c.id)  # type: ignore[attr-defined] # a model's table
            )
        ).scalar_one()
        await tx.execute(
            insert(ExportedExperiment).values(
                export_key=export, experiment_key=lab.rows["shared"][0].key
            )
        )
        for name in ("shared", "lent"):
            bound = update(ApiKey).where(col(ApiKey.prefix) == keys[name][:13])
            await tx.execute(bound.values(experiment_keys=[lab.rows[name][0].key]))
    sees_it = {"owner": False, "exporter": True, "administrator": True}
    id_ = global_id("Export", export)
    query = "query($id: ID!) { node(id: $id) { id } export(id: $id) { id } exports { totalCount } }"

    for who, sees in (sees_it | {"shared": True, "lent": False}).items():
        found = await lab.api.ask(query, keys[who], id=id_)
        node = {"id": id_} if sees else None
        assert found == {"node": node, "export": node, "exports": {"totalCount": int(sees)}}, who
