"""What was exported comes back: the rows as they were, and from them the same files again."""

import math
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.migrate import migrate
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.tallies import Tally
from server.records.time_shifts import TimeShift
from server.records.users import User
from tests.command import hyperdata
from tests.factories import (
    START,
    Row,
    a_chat_message,
    a_component,
    a_participant,
    a_room,
    a_sparse_rating,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.packages import KINDS, contents, imported, in_json, repacked, rows_of
from tests.studies import ASKING, TEXTS, VALUES, Study, a_person
from tests.warm_worker import CSV, JSON, ZIP, Exported, Worker, exported

pytestmark = pytest.mark.anyio

REMOVED = Anonymization.REMOVE_IDENTIFIERS
OBJECTS = st.dictionaries(st.sampled_from("ab"), VALUES)
INTEGERS = st.integers(-(1 << 31), (1 << 31) - 1)
REALS = st.floats(allow_nan=False) | st.sampled_from([math.inf, -math.inf, -0.0, 5e-324])


async def experiments_of(db: Database, *ids: str) -> list[Row]:
    """Return all experiments, or some, in the order of their keys."""
    found = select(col(Experiment.id), col(Experiment.experiment_id)).order_by(col(Experiment.id))
    async with db.read() as tx:
        rows = (await tx.execute(found)).all()
    return [Row(Experiment, {"id": key}) for key, name in rows if not ids or name in ids]


async def experiment_of(db: Database, person: Row) -> str:
    """Return the id of a participant's experiment."""
    found = select(col(Experiment.experiment_id)).where(
        col(Experiment.id) == person["experiment_key"]
    )
    async with db.read() as tx:
        name: str = (await tx.execute(found)).scalar_one()
    return name


async def both(
    worker: Worker, db: Database, other: Database, folder: Path, *ids: str, **recipe: Any
) -> tuple[Exported, Exported]:
    """Export, import into another database, and export from that: return both exports."""
    chosen = await experiments_of(db, *ids)
    first = await exported(worker, db, folder / "first", experiments=chosen, **recipe)
    await imported(other, first.path)
    there = await experiments_of(other, *ids)
    return first, await exported(worker, other, folder / "second", experiments=there, **recipe)


@pytest.mark.parametrize(("file_format", "packaging"), KINDS)
@pytest.mark.parametrize("anonymization", [Anonymization.KEEP, REMOVED])
async def test_the_demo_comes_back_byte_by_byte(
    worker: Worker,
    demo: Path,
    other: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    packaging: ExportPackaging,
    anonymization: Anonymization,
) -> None:
    db = Database(f"sqlite+aiosqlite:///{demo / 'demo.db'}")
    recipe = {"format": file_format, "packaging": packaging, "anonymization": anonymization}
    try:
        first, second = await both(worker, db, other, tmp_path, **recipe)
    finally:
        await db.close()

    assert first.done["rows"] > 50_000
    assert contents(first, packaging) == contents(second, packaging)


@settings(parent=ASKING, max_examples=10)
@given(
    texts=st.lists(TEXTS | st.none(), min_size=1, max_size=6),
    values=st.lists(
        VALUES | st.dictionaries(st.sampled_from("ab"), VALUES), min_size=1, max_size=6
    ),
    reals=st.lists(REALS | st.none(), min_size=1, max_size=6),
    integers=st.lists(INTEGERS | st.none(), min_size=1, max_size=6),
    truths=st.lists(st.booleans() | st.none(), min_size=1, max_size=3),
)
@example(texts=[None], values=[{"\r": None}], reals=[None], integers=[None], truths=[None])
@example(
    texts=["NULL", "NA", "nan", "'", "'=1", "\t"],
    values=[{"a": "5"}, {"a": 5}, {"a": '"5"'}, {"a": None}, {"": 1, "\0": 2}, {"a": "null"}],
    reals=[0.1, 1e300, 3.0],
    integers=[0],
    truths=[True],
)
@pytest.mark.parametrize(("file_format", "packaging"), KINDS)
async def test_every_value_comes_back(
    worker: Worker,
    db: Database,
    other: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    packaging: ExportPackaging,
    texts: list[str | None],
    values: list[Any],
    reals: list[float | None],
    integers: list[int | None],
    truths: list[bool | None],
) -> None:
    person = await a_person(db)
    experiment_id = await experiment_of(db, person)
    await save(
        db,
        *(an_event(person, content=x, response=v) for x in texts for v in values[:2]),
        *(an_event(person, duration=n) for n in integers),
        *(a_chat_message(person, sender_name=x, content=x or "") for x in texts),
        *(a_sparse_rating(person, value=v, details=v, question=x) for v in values for x in texts),
        *(a_sync_metric(person, latency=x) for x in reals),
        *(a_component(person, onset=n, completed=x) for n, x in enumerate(truths)),
    )
    recipe = {"format": file_format, "packaging": packaging}
    first, second = await both(worker, db, other, tmp_path, experiment_id, **recipe)

    assert contents(first, packaging) == contents(second, packaging)
    for data_type in RecordType:
        old, new = await rows_of(db, data_type), await rows_of(other, data_type)
        mine = [row for row in old if row["experiment_id"] == experiment_id]
        again = [row for row in new if row["experiment_id"] == experiment_id]
        assert again == mine


@pytest.mark.parametrize(("file_format", "packaging"), KINDS)
async def test_rows_are_the_same_in_any_database(
    any_other: Database,
    worker: Worker,
    db: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    packaging: ExportPackaging,
) -> None:
    study = Study()
    person = study.people[0]
    odd = [{"value": "5", "n": 5}, {"value": 1 << 70}, {"value": [None, {"x": 0.1}]}, "text", 7, {}]
    await study.save(db)
    await save(db, *(an_event(person, response=value, content='"') for value in odd))
    recipe = {"experiments": study.experiments, "format": file_format, "packaging": packaging}
    first = await exported(worker, db, tmp_path, **recipe)

    done = await imported(any_other, first.path)

    assert (done.experiments, done.rooms, done.participants) == (2, 4, 8)
    assert done.counts["events"] == len(study.records[RecordType.EVENTS]) + len(odd)
    for data_type in RecordType:
        assert await rows_of(any_other, data_type) == await rows_of(db, data_type)
    async with any_other.read() as tx:
        counted = (await tx.execute(select(col(Tally.record_count)))).scalars()
        assert sum(counted) == sum(done.counts.values())


@pytest.mark.parametrize(("file_format", "packaging"), KINDS)
async def test_order_comes_back_of_what_happened_at_once_and_of_rooms_made_in_turns(
    worker: Worker,
    db: Database,
    other: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    packaging: ExportPackaging,
) -> None:
    owner = a_user()
    experiments = [an_experiment(owner) for _ in range(2)]
    rooms = [a_room(experiments[n % 2]) for n in range(4)]
    people = [a_participant(rooms[n % 4], participant_id=f"person{n // 4}") for n in range(8)]
    at_once = [an_event(people[-n], event_id=f"evt_{n}") for n in range(8)]
    await save(db, owner, *experiments, *rooms, *people, *at_once)
    recipe = {"format": file_format, "packaging": packaging}

    first, second = await both(worker, db, other, tmp_path, **recipe)

    assert contents(first, packaging) == contents(second, packaging)


async def test_what_is_nested_comes_back_from_csv_as_the_value_it_was(
    worker: Worker, db: Database, other: Database, tmp_path: Path
) -> None:
    person = await a_person(db)
    values: list[Any] = [
        {"mixed": "5", "texts": "5", "wide": {"a": [1, "2"]}},
        {"mixed": 5, "texts": None},
        {"mixed": "true", "texts": '"quoted"'},
        {"mixed": True, "gone": None},
        {"mixed": "plain"},
        {f"k{n:03}": n for n in range(150)},
        "5",
        5,
        [],
        {},
        None,
    ]
    rows = [an_event(person, onset=n, response=v) for n, v in enumerate(values)]
    await save(db, *rows)
    first, _ = await both(worker, db, other, tmp_path, format=CSV)

    [path] = [path for path in first.members() if path.endswith("/events.csv")]
    shown = [row["response.mixed"] for row in first.csv(path)[:5]]
    assert shown == ['"5"', "5", '"true"', "true", "plain"]
    assert [row["response.texts"] for row in first.csv(path)[:3]] == ["5", "", '"quoted"']
    found = sorted(await rows_of(other, RecordType.EVENTS), key=lambda row: row["onset"])
    assert [row["response"] for row in found] == values


async def test_metadata_say_what_the_experiments_are(
    worker: Worker, study: Study, db: Database, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)

    described = made.json("metadata.json")["experiments"]

    names = [experiment["name"] for experiment in study.experiments]
    assert [each["name"] for each in described] == names
    assert described[0]["roles"] == study.experiments[0]["roles"]
    assert described[0]["createdAt"].endswith("Z")


async def test_codes_stay_what_they_are(
    worker: Worker, study: Study, db: Database, other: Database, tmp_path: Path
) -> None:
    person = study.people[-1]
    await save(db, a_chat_message(person, content=f"I am {person['participant_id']}"))

    first, second = await both(worker, db, other, tmp_path, anonymization=REMOVED)

    assert contents(first, ZIP) == contents(second, ZIP)
    stranger = await rows_of(other, RecordType.CHAT_MESSAGES)
    assert {row["participant_id"] for row in stranger} == {"P0001", "P0002", "P0003", "P0004"}
    assert not any(person["participant_id"] in row["content"] for row in stranger)


async def test_rooms_whose_times_were_moved_are_not_moved_again(
    worker: Worker, study: Study, db: Database, other: Database, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)
    moved = in_json(lambda metadata: metadata.update(timesShifted=True))

    await imported(other, repacked(made.path, {"metadata.json": moved}))

    async with other.read() as tx:
        shifts = (await tx.execute(select(col(TimeShift.milliseconds)))).scalars().all()
    assert shifts == [0] * len(study.rooms)


async def test_a_folder_may_be_called_otherwise_and_hold_more(
    worker: Worker, study: Study, db: Database, other: Database, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)
    with ZipFile(made.path) as archive:
        archive.extractall(tmp_path / "unpacked")
    [folder] = (tmp_path / "unpacked").iterdir()
    renamed = folder.rename(folder.with_name("my data"))
    (renamed / "notes.txt").write_text("mine")

    done = await imported(other, renamed)

    assert done.rooms == len(study.rooms)
    assert await rows_of(other, RecordType.EVENTS) == await rows_of(db, RecordType.EVENTS)


async def test_an_empty_experiment_comes_back(
    worker: Worker, db: Database, other: Database, tmp_path: Path
) -> None:
    owner = a_user()
    await save(db, owner, an_experiment(owner, description="", roles=[]))

    for recipe in ({"format": CSV}, {"format": JSON}):
        first = await exported(
            worker, db, tmp_path / "1", experiments=await experiments_of(db), **recipe
        )
    done = await imported(other, first.path)

    assert (done.experiments, done.rooms, done.counts) == (1, 0, {})
    async with other.read() as tx:
        assert await tx.scalar(select(col(Experiment.description))) == ""


async def test_a_dry_run_keeps_nothing_and_an_owner_may_be_named(
    worker: Worker, study: Study, db: Database, other: Database, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)
    await save(other, a_user(), a_user(user_id="usr_chosen"))

    tried = await imported(other, made.path, owner="usr_chosen", dry_run=True)
    assert not await experiments_of(other)

    done = await imported(other, made.path, owner="usr_chosen")
    assert done == tried
    async with other.read() as tx:
        owners = select(col(User.user_id)).where(col(User.id) == col(Experiment.owner_key))
        assert set((await tx.execute(owners)).scalars()) == {"usr_chosen"}


async def test_the_command_says_what_it_did(
    worker: Worker, study: Study, db: Database, tmp_path: Path
) -> None:
    made = await exported(
        worker, db, tmp_path, experiments=study.experiments, anonymization=REMOVED
    )
    new = tmp_path / "new"

    tried = hyperdata("import", made.path, "--data-dir", new, "--dry-run")
    done = hyperdata("import", made.path, "--data-dir", new)
    again = hyperdata("import", made.path, "--data-dir", new)

    assert tried.returncode == done.returncode == 0, done.stderr
    assert tried.stdout.startswith("Would import 2 experiments, 4 rooms and 8 participants, with\n")
    assert done.stdout.startswith("Imported 2 experiments, 4 rooms and 8 participants, with\n")
    assert f"{len(study.records[RecordType.CHAT_MESSAGES]):>12,} chat messages\n" in done.stdout
    assert "DE-IDENTIFIED" in done.stdout
    assert again.returncode == 1
    assert "is in the database already: nothing was imported." in again.stderr
    there = Database(f"sqlite+aiosqlite:///{new}/hyperdata.db")
    await migrate(there)
    assert len(await experiments_of(there)) == 2
    await there.close()


@settings(parent=ASKING, max_examples=10)
@given(texts=st.lists(TEXTS, min_size=1, max_size=6))
@example(texts=["=1", "'=1", "''=1", "'", "-5", "＝1"])
@pytest.mark.parametrize("file_format", [ExportFormat.CSV, ExportFormat.TSV])
async def test_what_looks_like_a_formula_comes_back(
    worker: Worker,
    db: Database,
    other: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    texts: list[str],
) -> None:
    person = await a_person(db)
    events = [
        an_event(person, content=x, response={"said": x, "n": n}) for x in texts for n in (1, x)
    ]
    await save(db, *events)
    experiment_id = await experiment_of(db, person)
    recipe = {"format": file_format, "excel_bom": True, "formula_guard": True}

    first, second = await both(worker, db, other, tmp_path, experiment_id, **recipe)

    assert contents(first, ZIP) == contents(second, ZIP)
    assert await rows_of(other, RecordType.EVENTS) == await rows_of(db, RecordType.EVENTS)


async def test_columns_that_were_left_out_are_empty(
    worker: Worker, study: Study, db: Database, other: Database, tmp_path: Path
) -> None:
    chosen = (
        "experimentId",
        "roomId",
        "participantId",
        "timestamp",
        "onset",
        "messageId",
        "content",
    )

    first, second = await both(worker, db, other, tmp_path, columns={"CHAT_MESSAGES": chosen})

    assert contents(first, ZIP) == contents(second, ZIP)
    for row in await rows_of(other, RecordType.CHAT_MESSAGES):
        assert (row["sender_id"], row["recipient_ids"]) == (None, [])


@pytest.mark.parametrize(
    ("file_format", "packaging"), [(CSV, ZIP), (JSON, ExportPackaging.SINGLE_FILE)]
)
async def test_what_would_be_refused_is_kept_and_counted(
    any_other: Database,
    worker: Worker,
    db: Database,
    tmp_path: Path,
    file_format: ExportFormat,
    packaging: ExportPackaging,
) -> None:
    person = await a_person(db)
    good = [a_sync_metric(person, sync_quality=1), an_event(person, duration=0)]
    bad = [a_sync_metric(person, sync_quality=quality) for quality in (1.5, -0.5)]
    late = an_event(person, onset=0, timestamp=START + 61_000)
    await save(db, *good, *bad, late)
    recipe = {"format": file_format, "packaging": packaging}
    chosen = await experiments_of(db, await experiment_of(db, person))
    made = await exported(worker, db, tmp_path, experiments=chosen, **recipe)

    done = await imported(any_other, made.path)

    assert done.breaches == [
        "1 events break: `onset` must be `timestamp` less the room's experiment start, to within "
        "60 s: leave it out to have it calculated.",
        "2 sync metrics break: `syncQuality` must be from 0 to 1.",
    ]
    assert len(await rows_of(any_other, RecordType.SYNC_METRICS)) == len(good) + len(bad) - 1
