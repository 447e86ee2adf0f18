"""Exports of statistics only: right figures, of groups that are large enough, and of nobody."""

import json
import math
import random
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.records import RecordType
from server.records.exports import Anonymization, Export, ExportFormat
from server.timestamps import iso
from tests.conftest import opened
from tests.factories import (
    A_RECORD,
    START,
    Row,
    a_chat_message,
    a_continuous_rating,
    a_participant,
    a_room,
    a_sparse_rating,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.warm_worker import JSON, ONE, ZIP, Exported, Worker, exported, text_in

pytestmark = pytest.mark.anyio

AGGREGATE: dict[str, Any] = {"anonymization": Anonymization.AGGREGATE_ONLY}

LEAST = 5


class Lab:
    """An experiment of rooms with so many people each."""

    def __init__(self, *sizes: int, **experiment: Any) -> None:
        self.owner = a_user()
        self.experiment = an_experiment(self.owner, **experiment)
        self.rooms = [a_room(self.experiment) for _ in sizes]
        self.people = [
            a_participant(room)
            for room, size in zip(self.rooms, sizes, strict=True)
            for _ in range(size)
        ]
        self.records: list[Row] = []

    def of(self, make: Callable[..., Row], values: Iterable[dict[str, Any]]) -> None:
        """Give everybody a record for each of some values."""
        some = list(values)
        self.records += [
            make(person, onset=n, **value) for person in self.people for n, value in enumerate(some)
        ]

    async def save(self, db: Database) -> None:
        await save(db, self.owner, self.experiment, *self.rooms, *self.people, *self.records)


async def statistics_of(
    worker: Worker, db: Database, folder: Path, lab: Lab, data_type: RecordType, **recipe: Any
) -> Exported:
    chosen = {"experiments": [lab.experiment], "types": [data_type], "packaging": ONE}
    return await exported(worker, db, folder, **{**chosen, **AGGREGATE, **recipe})


def groups(rows: list[dict[str, Any]], column: str = "") -> dict[tuple[str, str], tuple[int, int]]:
    """Return how many people and records each group has, by what it is and its name."""
    return {
        (row["group"], row["componentId"] or row["roomId"] or row["value"]): (
            int(row["participants"]),
            int(row["records"]),
        )
        for row in rows
        if row["column"] == column
    }


async def test_rooms_that_are_too_small_are_in_the_experiments_figures_only(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(2, 2, 6, 7, 1)
    lab.of(a_continuous_rating, [{"component_id": "cmp_1"}, {"component_id": "cmp_2"}])
    await lab.save(db)
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.CONTINUOUS_RATINGS)

    assert groups(made.csv()) == {
        ("experiment", ""): (18, 36),
        ("component", "cmp_1"): (18, 18),
        ("component", "cmp_2"): (18, 18),
        ("room", lab.rooms[2]["room_id"]): (6, 12),
        ("room", lab.rooms[3]["room_id"]): (7, 14),
    }


async def test_what_is_left_of_a_total_is_of_enough_people_too(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(2, 6, 7)
    lab.of(a_chat_message, [{}])
    await lab.save(db)
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.CHAT_MESSAGES)

    assert groups(made.csv()) == {  # with the room of six the room of two could be found
        ("experiment", ""): (15, 15),
        ("room", lab.rooms[2]["room_id"]): (7, 7),
    }


async def test_who_is_in_several_rooms_is_one_person(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(3, 3)
    same = {row["participant_id"] for row in lab.people[:3]}
    for person, known in zip(lab.people[3:], same, strict=True):
        person["participant_id"] = known
    lab.of(an_event, [{}])
    await lab.save(db)
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.EVENTS)

    assert made.csv() == []
    [entry] = made.manifest["ledger"]
    assert entry["withheld"] == [{"reason": "SMALL_GROUP", "count": 6}]


async def test_the_ledger_says_what_became_of_every_record(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    large, small = Lab(6), Lab(4)
    for lab in (large, small):
        for make in A_RECORD.values():
            lab.of(make, [{}] * 3)
        await lab.save(db)
    both = [large.experiment, small.experiment]
    made = await exported(worker, db, tmp_path, experiments=both, **AGGREGATE)

    assert made.done["rows"] == 30 * len(RecordType)  # all were read, so that is how far it came
    for entry in made.manifest["ledger"]:
        assert (entry["selected"], entry["written"]) == (30, 0)
        assert entry["withheld"] == [
            {"reason": "AGGREGATED", "count": 18},
            {"reason": "SMALL_GROUP", "count": 12},
        ]
    shown = {row["experimentId"] for path in made.members() for row in _rows(made, path)}
    assert shown == {large.experiment["experiment_id"]}


def _rows(made: Exported, path: str) -> list[dict[str, Any]]:
    return made.csv(path) if path.endswith(".csv") else []


async def test_the_figures_are_those_of_the_values(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    chance = random.Random(1)
    lab = Lab(6, 6, 2, 9)
    values = [None, "text", True, [1], math.pi, 10**30, *range(-3, 4)]
    lab.records = [
        a_sparse_rating(
            person,
            onset=n,
            value=chance.choice(values),
            response_time=chance.choice([None, *range(200, 220)]),
            component_id=chance.choice(["cmp_1", "cmp_2"]),
        )
        for n in range(40)
        for person in lab.people
    ]
    await lab.save(db)
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.SPARSE_RATINGS)

    calculated = [row for row in made.csv() if row["mean"]]
    assert {row["column"] for row in calculated} == {"value", "responseTime"}
    assert {row["group"] for row in calculated} == {"experiment", "component", "room"}
    for row in calculated:
        name = "value" if row["column"] == "value" else "response_time"
        found = [
            (record["participant_key"], float(record[name]))
            for record in lab.records
            if type(record[name]) in (int, float) and _is_in(record, row, lab)
        ]
        assert int(row["participants"]) == len({person for person, _ in found}) >= LEAST
        assert_figures(row, found)


def _is_in(record: Row, row: dict[str, Any], lab: Lab) -> bool:
    room = next(room for room in lab.rooms if room.key == record["room_key"])
    return row["componentId"] in ("", record["component_id"]) and row["roomId"] in (
        "",
        room["room_id"],
    )


def assert_figures(row: dict[str, Any], found: list[tuple[int, float]]) -> None:
    numbers = [number for _, number in found]
    assert int(row["records"]) == len(numbers)
    assert float(row["mean"]) == pytest.approx(statistics.fmean(numbers))
    assert float(row["sd"]) == pytest.approx(statistics.stdev(numbers))
    quantiles = zip(("min", "p25", "median", "p75", "max"), (0, 0.25, 0.5, 0.75, 1), strict=True)
    for name, part in quantiles:
        number = float(np.quantile(numbers, part))
        below = {person for person, each in found if each <= number}
        above = {person for person, each in found if each >= number}
        if min(len(below), len(above)) >= LEAST:
            assert float(row[name]) == pytest.approx(number)
        else:
            assert row[name] == ""


async def test_the_extremes_are_shown_only_where_many_share_them(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(10)
    lab.records = [
        a_sync_metric(person, latency=float(n), buffer_health=min(n, 4) / 4, time_drift=1e-3)
        for n, person in enumerate(lab.people)
    ]
    await lab.save(db)
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.SYNC_METRICS)

    rows = {row["column"]: row for row in made.csv() if row["group"] == "experiment"}
    latency, health, drift = rows["latency"], rows["bufferHealth"], rows["timeDrift"]
    shown = ("min", "p25", "median", "p75", "max")
    assert [latency[name] for name in shown] == ["", "", "4.5", "", ""]
    assert [health[name] for name in shown] == ["", "", "1.0", "1.0", "1.0"]
    assert [drift[name] for name in shown] == ["0.001"] * 5
    assert "syncQuality" not in rows  # nobody has any


async def test_infinite_and_missing_numbers_are_left_out(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(6)
    lab.of(a_sync_metric, [{"latency": x} for x in (math.inf, -math.inf, None, 1e300, 2.0, 4.0)])
    await lab.save(db)
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.SYNC_METRICS)

    latency, *_ = [row for row in made.csv() if row["column"] == "latency"]
    assert (latency["records"], latency["mean"]) == ("12", "3.0")


async def test_rare_categories_are_left_out_with_the_next_rarest(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(20)
    kinds = {"start": 20, "click": 9, "pause": 6, "fall": 1}
    lab.records = [
        an_event(person, event_type=kind, onset=n)
        for kind, people in kinds.items()
        for n, person in enumerate(lab.people[:people])
    ]
    await lab.save(db)
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.EVENTS)

    assert groups(made.csv(), "eventType") == {
        ("category", "start"): (20, 20),
        ("category", "click"): (9, 9),
    }


async def test_participants_are_counted_by_role_status_and_how_it_ended(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(14)
    for n, person in enumerate(lab.people):
        person["role"] = "guest" if n % 2 else "host"
        person["completion_code"] = "SUCCESS" if n < 13 else "NOCONSENT"
    lab.of(an_event, [{}])
    await lab.save(db)
    made = await exported(worker, db, tmp_path, experiments=[lab.experiment], **AGGREGATE)

    rows = made.csv("statistics/participants.csv")
    assert groups(rows, "role") == {("category", "host"): (7, 7), ("category", "guest"): (7, 7)}
    assert groups(rows, "status") == {("category", "COMPLETED"): (14, 14)}
    assert groups(rows, "completionCode") == {}


async def test_a_zip_holds_a_table_a_type_and_says_loudly_what_it_is(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(6)
    for make in A_RECORD.values():
        lab.of(make, [{}])
    await lab.save(db)
    made = await exported(worker, db, tmp_path, experiments=[lab.experiment], **AGGREGATE)

    tables = [f"statistics/{each.value.stem}.csv" for each in RecordType]
    others = ["data_dictionary.json", "metadata.json"]
    assert list(made.members()) == ["statistics/participants.csv", *tables, *others]
    assert made.path.name == "exp_1_2024-10-20_aggregate.zip"
    about = made.json("metadata.json")
    assert about["privacy"].startswith("AGGREGATED")
    assert (about["anonymization"], about["smallestCell"]) == ("AGGREGATE_ONLY", LEAST)
    dictionary = made.json("data_dictionary.json")
    assert "5 participants" in dictionary["rules"]
    named = [column["name"] for column in dictionary["columns"]]
    assert all(list(row) == named for path in tables for row in made.csv(path))


async def test_the_same_again_is_the_same_bytes(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(6, 9)
    for make in A_RECORD.values():
        lab.of(make, [{}, {}])
    await lab.save(db)
    first, second = [
        await exported(worker, db, tmp_path / name, experiments=[lab.experiment], **AGGREGATE)
        for name in ("first", "second")
    ]
    assert first.done["sha256"] == second.done["sha256"]


SECRETS = ("Anna Smith", "anna@uni.example", "192.0.2.44", "I am Anna")


@pytest.mark.parametrize("file_format", ExportFormat)
@pytest.mark.parametrize("packaging", [ONE, ZIP])
async def test_nothing_in_it_is_anybodys(
    worker: Worker, db: Database, tmp_path: Path, file_format: Any, packaging: Any
) -> None:
    lab = Lab(6, 6)
    for n, person in enumerate(lab.people):
        person |= {"email": SECRETS[1], "ip_address": SECRETS[2], "role": f"role {n % 2}"}
    someone = lab.people[0]["participant_id"]
    lab.rooms[0]["room_id"] = f"room_of_{someone}"
    lab.of(an_event, [{"content": SECRETS[3], "component_id": f"cmp_{someone}"}])
    lab.of(a_chat_message, [{"sender_name": SECRETS[0], "content": SECRETS[3]}])
    await lab.save(db)
    one_table = packaging is ONE and file_format is not JSON
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=[lab.experiment],
        types=[RecordType.EVENTS] if one_table else RecordType,
        format=file_format,
        packaging=packaging,
        filters={"EVENTS": {"participant_id": {"ne": "nobody"}, "content": {"ne": "x"}}},
        title=f"room_of_{someone}",
        snapshot_at=START + 90 * 86_400_000,
        **AGGREGATE,
    )
    ids = [row["participant_id"] for row in lab.people]
    ids += [row["event_id"] for row in lab.records if "event_id" in row]
    texts = [*SECRETS, *ids, iso(START)[:10], str(START)[:6]]
    parts = made.members().values() if packaging is ZIP else [made.path.read_bytes()]
    shown = "".join(map(text_in, parts)) + made.path.name + json.dumps(made.done)
    assert [text for text in texts if text in shown] == []
    assert "cmp_P0001" in shown
    assert "room_of_P0001" in shown


async def test_one_document_holds_all_statistics(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(6)
    lab.of(a_continuous_rating, [{"value": 0.25}])
    await lab.save(db)
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=[lab.experiment],
        format=JSON,
        packaging=ONE,
        **AGGREGATE,
    )
    document = made.json()
    assert made.path.name == "exp_1_2024-10-20_aggregate.json"
    assert list(document["statistics"]) == ["participants", *(t.value.stem for t in RecordType)]
    assert document["statistics"]["events"] == []
    [_, value] = [
        row for row in document["statistics"]["continuous_ratings"] if row["group"] == "experiment"
    ]
    assert (value["column"], value["participants"], value["mean"], value["sd"]) == (
        "value",
        6,
        0.25,
        0.0,
    )
    assert document["metadata"]["privacy"].startswith("AGGREGATED")


async def test_only_what_is_selected_is_in_the_figures(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(12)
    lab.of(a_continuous_rating, [{"value": n} for n in range(10)])
    await lab.save(db)
    made = await statistics_of(
        worker,
        db,
        tmp_path,
        lab,
        RecordType.CONTINUOUS_RATINGS,
        experiments=[],
        participants=lab.people[:7],
        filters={"CONTINUOUS_RATINGS": {"value": {"lt": 4}}},
        smallest_cell=6,
    )
    [whole] = [
        row for row in made.csv() if (row["group"], row["column"]) == ("experiment", "value")
    ]
    assert (whole["participants"], whole["records"], whole["mean"]) == ("7", "28", "1.5")
    fewer = await statistics_of(
        worker,
        db,
        tmp_path,
        lab,
        RecordType.CONTINUOUS_RATINGS,
        experiments=[],
        participants=lab.people[:7],
        smallest_cell=8,
    )
    assert fewer.csv() == []


async def test_only_the_columns_that_are_asked_for_are_summarized(
    worker: Worker, db: Database, tmp_path: Path
) -> None:
    lab = Lab(6)
    lab.of(a_sync_metric, [{"latency": 5.0}])
    await lab.save(db)
    chosen = {"SYNC_METRICS": ("latency", "syncQuality")}
    made = await statistics_of(worker, db, tmp_path, lab, RecordType.SYNC_METRICS, columns=chosen)
    assert {row["column"] for row in made.csv()} == {"", "latency"}


async def test_the_operator_says_how_small_a_group_may_be(tmp_path: Path) -> None:
    create = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
      export { anonymization } userErrors { message } } }"""
    async with opened(tmp_path, smallest_cell=9) as api:
        lab = Lab(6)
        lab.of(an_event, [{}])
        await lab.save(api.db)
        wanted = {
            "experimentIds": [lab.experiment["experiment_id"]],
            "anonymization": "AGGREGATE_ONLY",
        }
        key = await api.key_of(lab.owner.key)
        data = await api.ask(create, key, input=wanted)
        assert data["exportCreate"] == {
            "export": {"anonymization": "AGGREGATE_ONLY"},
            "userErrors": [],
        }
        async with api.db.read() as tx:
            recipe = await tx.scalar(select(col(Export.recipe)))
    assert isinstance(recipe, dict)
    assert recipe["smallest_cell"] == 9
