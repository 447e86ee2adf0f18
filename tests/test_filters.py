"""Filters keep the rows that they say, in lists and in exports, however they are combined."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select
from sqlmodel import col

from server.export.recipe import Recipe
from server.global_ids import global_id
from server.records import RecordType
from server.records.experiments import EXPERIMENTS
from server.records.exports import Export
from server.records.participants import PARTICIPANTS
from server.records.rooms import ROOMS, Room
from tests.asked import Case, cases
from tests.conftest import Api
from tests.expected import keeps
from tests.factories import (
    A_RECORD,
    Row,
    a_participant,
    a_room,
    an_experiment,
    save,
)
from tests.studies import id_column, id_field
from tests.warm_worker import Worker, carry_out, plan_of

pytestmark = pytest.mark.anyio

DRAWN = settings(
    max_examples=70,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def ids_of(api: Api, key: str, case: Case, asked: Any) -> list[str]:
    """Return the ids that a filtered list shows, and see that it counts them right."""
    kind, parent = case.listed.model.__name__, case.parent
    field = f"{kind[0].lower()}{kind[1:]}s"
    query = f"page: {field}(filter: $filter, first: 1000) {{ totalCount nodes {{ id }} }}"
    if parent is not None:
        type_ = parent.model.__name__
        query = f'node(id: "{global_id(type_, parent.key)}") {{ ... on {type_} {{ {query} }} }}'
    data = await api.ask(f"query($filter: {kind}Filter) {{ {query} }}", key, filter=asked)
    page = data["page"] if parent is None else data["node"]["page"]
    ids = [node["id"] for node in page["nodes"]]
    assert page["totalCount"] == len(ids)
    return sorted(ids)


def kept_of(asked: dict[str, Any], found: Sequence[Row]) -> list[str]:
    return sorted(global_id(row.model.__name__, row.key) for row in found if keeps(asked, row))


async def stored(api: Api, case: Case) -> str:
    """Store the rows of a case, and return the key of their owner."""
    await save(api.db, *case.needed, *case.found)
    return await api.key_of(case.owner.key)


RECORDS = {kind.value: make for kind, make in A_RECORD.items()}
PLACES = {EXPERIMENTS: an_experiment, ROOMS: a_room, PARTICIPANTS: a_participant}


@DRAWN
@given(case=cases(RECORDS))
async def test_a_filter_keeps_the_records_that_python_would_keep(api: Api, case: Case) -> None:
    key = await stored(api, case)
    for asked in case.asked:
        assert await ids_of(api, key, case, asked) == kept_of(asked, case.found), asked


@DRAWN
@given(case=cases(PLACES))
async def test_a_filter_keeps_the_places_that_python_would_keep(api: Api, case: Case) -> None:
    key = await stored(api, case)
    for asked in case.asked:
        assert await ids_of(api, key, case, asked) == kept_of(asked, case.found), asked


CREATE = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
  export { id } userErrors { code } } }"""


@settings(DRAWN, max_examples=25)
@given(case=cases(RECORDS, 1))
async def test_an_export_holds_what_the_filtered_list_shows(
    api: Api, worker: Worker, tmp_path: Path, case: Case
) -> None:
    key, kind, [asked] = await stored(api, case), RecordType(case.listed), case.asked
    shown = await ids_of(api, key, case, asked)
    wanted = {
        "roomIds": [row["room_id"] for row in case.needed if row.model is Room],
        "dataTypes": [kind.name],
        "filter": {kind.value.name: asked},
        "packaging": "SINGLE_FILE",
        "anonymization": "KEEP",
    }

    made = (await api.ask(CREATE, key, input=wanted))["exportCreate"]

    if not shown:
        assert [error["code"] for error in made["userErrors"]] == ["NOTHING_TO_EXPORT"]
        return
    async with api.db.read() as tx:
        newest = select(col(Export.recipe)).order_by(col(Export.id).desc()).limit(1)
        recipe = Recipe.model_validate(await tx.scalar(newest))
    exported = carry_out(worker, await plan_of(api.db, tmp_path, recipe), tmp_path)
    keys = {row[id_column(kind)]: row.key for row in case.found}
    held = [keys[row[id_field(kind)]] for row in exported.csv()]
    assert sorted(global_id(kind.value.model.__name__, key) for key in held) == shown
