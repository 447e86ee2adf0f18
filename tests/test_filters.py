"""Filters keep the rows that they say, in lists and in exports, however they are combined."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select
from sqlmodel import col

from server.export.recipe import Recipe
from server.records import RecordType
from server.records.exports import Export
from server.records.rooms import Room
from tests.asked import PLACES, RECORDS, Case, cases, id_of
from tests.conftest import Api
from tests.expected import keeps
from tests.factories import (
    Row,
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
    page = await case.page(api, key, filter=asked, first=1000)
    ids = [node["id"] for node in page["nodes"]]
    assert page["totalCount"] == len(ids)
    return sorted(ids)


def kept_of(asked: dict[str, Any], found: Sequence[Row]) -> list[str]:
    return sorted(id_of(row) for row in found if keeps(asked, row))


@DRAWN
@given(case=cases(RECORDS))
async def test_a_filter_keeps_the_records_that_python_would_keep(any_api: Api, case: Case) -> None:
    key = await case.stored(any_api)
    for asked in case.asked:
        assert await ids_of(any_api, key, case, asked) == kept_of(asked, case.found), asked


@DRAWN
@given(case=cases(PLACES))
async def test_a_filter_keeps_the_places_that_python_would_keep(any_api: Api, case: Case) -> None:
    key = await case.stored(any_api)
    for asked in case.asked:
        assert await ids_of(any_api, key, case, asked) == kept_of(asked, case.found), asked


CREATE = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
  export { id } userErrors { code } } }"""


@settings(DRAWN, max_examples=25)
@given(case=cases(RECORDS, 1))
async def test_an_export_holds_what_the_filtered_list_shows(
    api: Api, worker: Worker, tmp_path: Path, case: Case
) -> None:
    key, kind, [asked] = await case.stored(api), RecordType(case.listed), case.asked
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
    ids = {row[id_column(kind)]: id_of(row) for row in case.found}
    assert sorted(ids[row[id_field(kind)]] for row in exported.csv()) == shown
