"""The choice of columns: files show what was chosen, in their own order, and nothing more."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.errors import BadUserInput
from server.export.choices import chosen_columns
from server.export.recipe import Recipe
from server.records import RecordType
from server.records.exports import Export, ExportFormat
from tests.conftest import Api
from tests.factories import an_event, save
from tests.studies import ONSETS, Study, a_person, exported_of, values_in
from tests.warm_worker import CSV, JSON, PARQUET, TSV, Worker, exported, plan_of, recipe_of

pytestmark = pytest.mark.anyio

EVENTS = RecordType.EVENTS


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_files_show_the_chosen_columns_and_no_other(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: ExportFormat
) -> None:
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=study.experiments,
        types=[EVENTS, RecordType.COMPONENTS],
        format=file_format,
        columns={"EVENTS": ("onset", "eventId")},
    )

    events = made.stems("events")
    assert {tuple(row) for row in events} == {("onset", "eventId")}
    assert sorted(row["eventId"] for row in events) == study.ids(
        EVENTS, "experiment_key", *(experiment.key for experiment in study.experiments)
    )
    assert {int(row["onset"]) for row in events} == set(ONSETS)
    assert "participantId" in made.stems("components")[0]
    for described in (
        made.json("data_dictionary.json")["tables"]["events"]["columns"],
        made.json("metadata.json")["columns"]["events"],
    ):
        assert [column["name"] for column in described] == ["onset", "eventId"]


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_rows_keep_their_order_without_the_columns_it_rests_on(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    onsets = [5, -3, 40, 0]
    await save(db, *(an_event(person, onset=n, event_id=f"evt_{n}") for n in onsets))

    made = await exported_of(
        worker, db, tmp_path, person, EVENTS, file_format, columns={"EVENTS": ("eventId",)}
    )

    found = values_in(made, EVENTS)
    assert found == [{"eventId": f"evt_{n}"} for n in sorted(onsets)]


@pytest.mark.parametrize("file_format", [CSV, TSV])
async def test_only_chosen_columns_of_json_become_several(
    worker: Worker, db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    person = await a_person(db)
    await save(db, an_event(person, response={"a": 1}, content="x"))

    async def shown(*names: str) -> Any:
        chosen = {"EVENTS": names}
        made = await exported_of(worker, db, tmp_path, person, EVENTS, file_format, columns=chosen)
        return made.rows()

    with_it, without = await shown("content", "response"), await shown("onset", "content")

    assert with_it == [{"content": "x", "response": "", "response.a": "1"}]
    assert without == [{"onset": "1000", "content": "x"}]


async def test_json_that_no_file_shows_is_not_read(db: Database, tmp_path: Path) -> None:
    person = await a_person(db)
    wanted: dict[str, Any] = {"participants": [person], "types": [EVENTS]}
    every = await plan_of(db, tmp_path, await recipe_of(db, **wanted))
    some = await plan_of(
        db, tmp_path, await recipe_of(db, **wanted, columns={"EVENTS": ("onset", "content")})
    )

    assert every.records[0].json is not None
    assert some.records[0].json is None
    assert "response" in every.records[0].rows.sql
    assert "response" not in some.records[0].rows.sql


def test_a_choice_is_kept_in_the_order_of_the_files_each_column_once() -> None:
    chosen = chosen_columns({EVENTS: ["content", "onset", "content"]}, list(RecordType), CSV)
    assert chosen == {"EVENTS": ("onset", "content")}


def test_a_choice_of_all_columns_is_none() -> None:
    every = chosen_columns({}, [EVENTS], CSV)
    names = ["experimentId", "roomId", "participantId", "metricId", "timestamp", "onset"]
    names += ["timeDrift", "playbackRate", "syncQuality", "latency", "bufferHealth"]
    metrics = RecordType.SYNC_METRICS
    assert chosen_columns({metrics: names}, [metrics], CSV) == every == {}


@pytest.mark.parametrize(
    ("choice", "file_format", "said"),
    [
        ({EVENTS: ["onset", "event_id", "x"]}, CSV, "no column 'event_id', 'x': .*eventId"),
        ({EVENTS: []}, JSON, "Name a column"),
        ({RecordType.COMPONENTS: ["onset"]}, CSV, "COMPONENTS, which is not exported"),
        ({EVENTS: ["content"]}, CSV, "empty line"),
        ({EVENTS: ["response"]}, TSV, "empty line"),
    ],
)
def test_what_cannot_be_chosen_is_named(
    choice: dict[RecordType, list[str]], file_format: ExportFormat, said: str
) -> None:
    with pytest.raises(BadUserInput, match=said) as refused:
        chosen_columns(choice, [EVENTS], file_format)
    assert refused.value.field == ("input", "columns")


@pytest.mark.parametrize(
    ("name", "file_format"), [("content", JSON), ("content", PARQUET), ("eventId", CSV)]
)
def test_one_column_will_do_where_no_row_can_vanish(name: str, file_format: ExportFormat) -> None:
    assert chosen_columns({EVENTS: [name]}, [EVENTS], file_format) == {"EVENTS": (name,)}


CREATE = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
  export { id } userErrors { field code message } } }"""


async def test_columns_are_chosen_when_an_export_is_asked_for(api: Api) -> None:
    study = Study()
    await study.save(api.db)
    key = await api.key_of(study.owner.key)

    async def asked(*names: str) -> Any:
        wanted = {
            "experimentIds": [study.experiments[0]["experiment_id"]],
            "columns": [{"dataType": "EVENTS", "columns": list(names)}],
        }
        return (await api.ask(CREATE, key, input=wanted))["exportCreate"]

    [refused] = (await asked("onset", "no such"))["userErrors"]
    assert (refused["code"], refused["field"]) == ("BAD_USER_INPUT", ["input", "columns"])
    assert (await asked("onset", "eventId"))["userErrors"] == []
    async with api.db.read() as tx:
        [kept] = (await tx.scalars(select(col(Export.recipe)))).all()
    assert Recipe.model_validate(kept).columns == {"EVENTS": ("onset", "eventId")}
